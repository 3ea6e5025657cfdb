"""The file of ids: all that a rollback must know, looked up before the incident."""

import functools
import json
import re
from collections.abc import Iterator, Sized
from dataclasses import asdict, dataclass, field
from dataclasses import replace as replace_field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasPath, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from failover.common.errors import FailoverError
from failover.common.files import content, replace
from failover.common.terms import Kind

FORMAT = 1
REFRESH = "refresh it with `failover resolve`"
# A file that can't be read says nothing of what stands in it.
MAKE = "make one with `failover resolve --zone ZONE --stack STACK --host HOST`"
MOST_BYTES = 1 << 20
# Proxied and DNS-only can't be told apart by a TTL of their own: 1 is Cloudflare's word for automatic, 300 s.
AUTOMATIC_TTL = 1
# Of a value that is not valid: enough to find it by, and not enough of a token that was pasted into the wrong field.
SHOWN_LETTERS = 22


def _fault(text: str) -> PydanticCustomError:
    return PydanticCustomError("fault", "{text}", {"text": text})


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_LETTERS else f"{text[:9]}…{text[-1]} ({len(str(value))} letters)"


def _form(pattern: str, allowed: str) -> AfterValidator:
    """Validates strings that match as a whole; `allowed` describes them."""
    form = re.compile(pattern)

    def check(value: str) -> str:
        if not form.fullmatch(value):
            raise _fault(f"{_shown(value)} is not valid; allowed: {allowed}")
        return value

    return AfterValidator(check)


Filled = TypeVar("Filled", bound=Sized)


def _filled(value: Filled) -> Filled:
    if not value:
        raise _fault("is empty")
    return value


def _in_calendar(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise _fault(f"{value!r} is not in the calendar; allowed: a day, as YYYY-MM-DD") from None


def _safe_address(value: str) -> str:
    """https, or loopback: elsewhere the token would travel in the clear."""
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        raise _fault("is not the address of an API; allowed: https://…, or http:// on loopback") from None
    if (parts.scheme == "https" and host) or (parts.scheme == "http" and host in ("127.0.0.1", "::1", "localhost")):
        return value.rstrip("/")
    # Without what could be a user's name and password.
    address = f"{parts.scheme}://{host} " if parts.scheme and host else ""
    raise _fault(f"{address}is neither https nor on loopback")


Text = Annotated[str, AfterValidator(_filled)]
Hostname = Annotated[
    str,
    _form(
        r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}",
        "a host name in small letters",
    ),
]
Identifier = Annotated[str, _form(r"[A-Za-z0-9_-]{1,64}", "letters, digits, - and _, 64 at most")]
Day = Annotated[str, _form(r"\d{4}-\d{2}-\d{2}", "a day, as YYYY-MM-DD"), AfterValidator(_in_calendar)]
RequestPath = Annotated[str, _form(r"/[!-~]*", "a path that begins with / and has no spaces")]
Address = tuple[str, int]
"""An IP address and a port."""


@dataclass(frozen=True, kw_only=True)
class Route:
    id: Identifier
    pattern: Text
    script: Text
    """The Worker that answers while it is the active side."""


@dataclass(frozen=True, kw_only=True)
class ChallengeRoute:
    """Keeps a path from the Worker, so that the stand-by can renew its certificate."""

    id: Identifier
    pattern: Text


@dataclass(frozen=True, kw_only=True)
class Record:
    """The permanent record as it is declared."""

    id: Identifier
    type: Text
    name: Hostname
    content: Text
    proxied: bool = True
    ttl: int = AUTOMATIC_TTL


@dataclass(frozen=True, kw_only=True)
class Host:
    hostname: Hostname
    kind: Kind
    record: Record
    standby: Annotated[Hostname, Field(validation_alias=AliasPath("standby", "hostname"))]
    """Host name of the stand-by: where the record leads when only DNS can switch."""
    route: Route | None = None
    """None only for a Pages host."""
    challenge_routes: tuple[ChallengeRoute, ...] = ()
    path: RequestPath = "/"
    """What probes ask for."""


@dataclass(frozen=True, kw_only=True)
class Probes:
    """How clients reach the sides; where nothing is said, by public DNS and on the scheme's port."""

    scheme: Literal["http", "https"] = "https"
    edge: Address | None = None
    standby: Address | None = None
    standby_tls: Address | None = None
    """Where the stand-by's certificate is looked at; else at the stand-by itself when the scheme is https."""
    ca: Annotated[str | None, AfterValidator(_filled)] = None
    """File with the authority that signed the sides' certificates; else the public ones."""
    resolvers: tuple[Text, ...] = ()
    """ADDRESS or ADDRESS:PORT each."""

    @property
    def port(self) -> int:
        """Port that clients connect to, whatever address DNS gives them."""
        return self.edge[1] if self.edge else (443 if self.scheme == "https" else 80)


@dataclass(frozen=True, kw_only=True)
class Ids:
    """What `read` has checked; the annotations are the file's contract, `document` writes the same shape."""

    stack: Text
    api: Annotated[Text, AfterValidator(_safe_address)]
    account: Identifier
    zone_id: Annotated[Identifier, Field(validation_alias=AliasPath("zone", "id"))]
    zone_name: Annotated[Hostname, Field(validation_alias=AliasPath("zone", "name"))]
    hosts: Annotated[tuple[Host, ...], AfterValidator(_filled)]
    resolved_at: Text
    probes: Probes = field(default_factory=Probes)
    keep_until: Day | None = None
    """YYYY-MM-DD: until then the stand-by has to stay."""
    left_out: tuple[str, ...] = ()
    """Hosts of the file that were not chosen; not written to the file."""

    @property
    def scripts(self) -> dict[str, str]:
        """Each route's Worker while the Worker is the active side, by the route's id."""
        return {host.route.id: host.route.script for host in self.hosts if host.route}

    def document(self) -> dict[str, Any]:
        """The file's shape; see `read`."""
        probes = {key: value for key, value in asdict(self.probes).items() if value not in (None, ())}
        return {
            "format": FORMAT,
            "stack": self.stack,
            "api": self.api,
            "account": self.account,
            "zone": {"id": self.zone_id, "name": self.zone_name},
            "hosts": [_host_document(host) for host in self.hosts],
            "probes": probes,
            **({"keep_until": self.keep_until} if self.keep_until else {}),
            "resolved_at": self.resolved_at,
        }

    def chosen(self, hostnames: list[str]) -> "Ids":
        """The ids of these hosts; all where none is named. Raises FailoverError for those that are not in the file."""
        known = {host.hostname: host for host in self.hosts}
        missing = [name for name in hostnames if name not in known]
        if missing:
            raise FailoverError(
                "\n".join(f"{name}: is not in the file of ids; there are: {', '.join(known)}" for name in missing)
            )
        picked = tuple(host for host in self.hosts if not hostnames or host.hostname in hostnames)
        left_out = tuple(name for name in known if hostnames and name not in hostnames)
        return replace_field(self, hosts=picked, left_out=left_out)


def _host_document(host: Host) -> dict[str, Any]:
    return {
        "hostname": host.hostname,
        "kind": str(host.kind),
        **({"route": asdict(host.route)} if host.route else {}),
        "challenge_routes": [asdict(route) for route in host.challenge_routes],
        "record": asdict(host.record),
        "standby": {"hostname": host.standby},
        **({"path": host.path} if host.path != "/" else {}),
    }


def write(path: Path, ids: Ids) -> None:
    replace(path, json.dumps(ids.document(), indent=2, ensure_ascii=False) + "\n")


def read(path: Path) -> Ids:
    """Raises FailoverError with every fault of the file at once."""
    try:
        document = json.loads(content(path, MOST_BYTES))
    except FileNotFoundError:
        raise FailoverError(f"{path}: is not there; name the file of ids with --ids, or {MAKE}") from None
    except ValueError as error:
        raise FailoverError(f"{path}: is not JSON ({error}); {MAKE}") from error
    if not isinstance(document, dict):
        raise FailoverError(f"{path}: is not a JSON object")
    version = document.get("format")
    if version != FORMAT:
        raise FailoverError(f"{path}: has format {_shown(version)}, this version reads {FORMAT}; {MAKE}")
    try:
        # As JSON, because only there a list may be a tuple and an object a dataclass while all else is strict.
        return _adapter().validate_json(json.dumps(_without_what_is_ignored(document)), strict=True)
    except ValidationError as error:
        # Its own text shows what stands in the file.
        raise FailoverError("\n".join(f"{path}: {fault}" for fault in dict.fromkeys(_faults(error)))) from None


@functools.cache
def _adapter() -> TypeAdapter[Ids]:
    return TypeAdapter(Ids)


def _without_what_is_ignored(document: dict[str, Any]) -> dict[str, Any]:
    """Drops nulls; adds an empty route where a Worker's host lacks one, so that it is reported."""
    kept = {key: value for key, value in document.items() if key != "left_out" and (key != "probes" or value)}
    if isinstance(kept.get("hosts"), list):
        kept["hosts"] = [_host_with_its_route(one) if isinstance(one, dict) else one for one in kept["hosts"]]
    return kept


def _host_with_its_route(host: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in host.items() if key != "route" and (key != "challenge_routes" or value)}
    return kept | ({"route": host.get("route") or {}} if host.get("kind") == Kind.WORKER else {})


def _faults(error: ValidationError) -> Iterator[str]:
    """Thing, fault, and what is allowed; never the value but for what `_shown` shows of it."""
    for one in error.errors(include_url=False, include_input=False):
        name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in one["loc"]).lstrip(".")
        match one["loc"]:
            case ("probes", "edge" | "standby" | "standby_tls" as key, *_):
                yield f"probes.{key}: is not [ADDRESS, PORT]"
            case ():
                yield one["msg"]
            case _ if one["type"] == "missing":
                yield f"{name}: is missing"
            case _:
                yield f"{name}: {one['msg'].replace('Input should be', 'has to be')}"
