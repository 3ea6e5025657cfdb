"""The file of ids: all that a rollback must know, looked up before the incident."""

import json
from dataclasses import asdict, dataclass, field
from dataclasses import replace as replace_field
from enum import StrEnum
from pathlib import Path
from typing import Any

from failover.common.errors import FailoverError
from failover.common.files import content, replace

FORMAT = 1
REFRESH = "make it anew with `failover resolve`"
# A file that can't be read says nothing of what stands in it.
MAKE = "make one with `failover resolve --zone ZONE --stack STACK --host HOST`"
MOST_BYTES = 1 << 20
# Proxied and DNS-only can't be told apart by a TTL of their own: 1 is Cloudflare's word for automatic, 300 s.
AUTOMATIC_TTL = 1


class Kind(StrEnum):
    """What serves the host while Cloudflare does. Not which way it is switched."""

    WORKER = "worker"
    PAGES = "pages"
    """Has no route: only DNS can switch it."""


@dataclass(frozen=True, kw_only=True)
class Route:
    id: str
    pattern: str
    script: str
    """The Worker that answers while it is the active side."""


@dataclass(frozen=True, kw_only=True)
class ChallengeRoute:
    """Keeps a path from the Worker, so that the stand-by can renew its certificate."""

    id: str
    pattern: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """The permanent record as it is declared."""

    id: str
    type: str
    name: str
    content: str
    proxied: bool = True
    ttl: int = AUTOMATIC_TTL


@dataclass(frozen=True, kw_only=True)
class Host:
    hostname: str
    kind: Kind
    record: Record
    standby: str
    """Host name of the stand-by: where the record leads when only DNS can switch."""
    route: Route | None = None
    challenge_routes: tuple[ChallengeRoute, ...] = ()
    path: str = "/"
    """What probes ask for."""


@dataclass(frozen=True, kw_only=True)
class Probes:
    """How clients reach the sides; where nothing is said, by public DNS and on the scheme's port."""

    scheme: str = "https"
    edge: tuple[str, int] | None = None
    standby: tuple[str, int] | None = None
    standby_tls: tuple[str, int] | None = None
    """Where the stand-by's certificate is looked at; else at the stand-by itself when the scheme is https."""
    ca: str | None = None
    """File with the authority that signed the sides' certificates; else the public ones."""
    resolvers: tuple[str, ...] = ()
    """ADDRESS or ADDRESS:PORT each."""

    @property
    def port(self) -> int:
        """Where clients connect, whatever address DNS gives them."""
        return self.edge[1] if self.edge else (443 if self.scheme == "https" else 80)


@dataclass(frozen=True, kw_only=True)
class Ids:
    stack: str
    api: str
    account: str
    zone_id: str
    zone_name: str
    hosts: tuple[Host, ...]
    probes: Probes = field(default_factory=Probes)
    keep_until: str | None = None
    """YYYY-MM-DD: until then the stand-by has to stay."""
    resolved_at: str = ""
    left_out: tuple[str, ...] = ()
    """Hosts of the file that were not chosen."""

    @property
    def scripts(self) -> dict[str, str]:
        """The Workers that the routes have while they are the active side, by the routes' ids."""
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
        """Only these hosts; all where none is named. Raises FailoverError for those that are not in the file."""
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
    from failover.common.ids_reader import ids_of

    try:
        document = json.loads(content(path, MOST_BYTES))
    except FileNotFoundError:
        raise FailoverError(f"{path}: is not there; name the file of ids with --ids, or {MAKE}") from None
    except ValueError as error:
        raise FailoverError(f"{path}: is not JSON ({error}); {MAKE}") from error
    ids, faults = ids_of(document)
    if ids is None:
        raise FailoverError("\n".join(f"{path}: {fault}" for fault in faults))
    return ids
