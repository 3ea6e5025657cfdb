"""Hosts that a resource names, in URLs or bare, and which of them the stack can prove to be its own."""

import ipaddress
import re
import socket
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_policy import PolicyResource

from components.common.labels import DataClass
from components.resource_types import tokens
from components.resource_types.table import CLOUDFLARE_RECORDS, of
from plan.model import UNWRITTEN
from policies.residency.hosts import HOSTS
from policies.residency.written import plain, written
from policies.rules.domains import domain
from policies.rules.reading import known

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Cloudflare takes these for hosts of the account's own zone only; a record's name it puts below the zone, whatever
# it is called (Cloudflare, Workers routes; DNS records).
SERVING: dict[str, str] = {
    tokens.ROUTE: "pattern",
    tokens.CUSTOM_DOMAIN: "hostname",
    tokens.OLD_WORKER_DOMAIN: "hostname",
}
# Asked only where nothing is served.
_NAMED: dict[str, str] = {
    tokens.DNS_RECORD: "name",
    tokens.ACCESS_APPLICATION: "domain",
}
_ADDRESSES: dict[str, tuple[str, ...]] = {
    tokens.STATIC_IP: ("ipAddress",),
    tokens.INSTANCE: ("publicIpAddress", "ipv6Addresses"),
}
# What these hold is no destination: words, proofs and keys.
_TEXT_RECORDS = ("TXT", "SPF", "CAA", "CERT", "DNSKEY", "DS", "LOC", "OPENPGPKEY", "SMIMEA", "SSHFP", "TLSA")
# What of a DNS record may be unknown: it holds a host in few kinds of records.
_RARE = ("data.value", "data.replacement")
# A URL there that is not known yet keeps the rule from judging, as a bare host does.
_URLS = {tokens.WEBHOOKS: ("url",)}
# A variable called so holds the name of a host.
_HOST_NAME = re.compile(r"(url|uri|host|hostname|endpoint|dsn|origin|webhook|server|address)$", re.IGNORECASE)
# A name has 253 letters in labels of 63 (RFC 1035). The bounds, and that no part of a URL has a slash in it, keep every
# search as long as its text.
_NAME = r"(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.){1,126}[a-z][a-z0-9-]{0,61}[a-z0-9]"
_HOST = re.compile(_NAME)
_URL = re.compile(
    r"(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{1,20})://(?:[^/\s\"'<>?#\\]*@)?"
    # Outside of a user's name a comma ends one of several URLs.
    r"([^/\s\"'<>?#\\,;|)]+)"
)
# A whole entry, as `host`, `host:port/path`, `//host/path` or `user:password@host`.
_ENTRY = re.compile(rf"(?://)?([^@/\s:]{{0,99}}:[^@/\s]{{0,99}}@)?({_NAME})\.?(:[0-9]{{1,5}})?(?:/\S*)?")
# A host that ends with what is not known yet may be anybody's; the gate on the state judges it.
_OPEN_END = re.compile(rf"(?:[\w.-]|{UNWRITTEN})*{UNWRITTEN}(?![\w.-])")
# Endings of names as people buy them, and of files; another ending of two letters is a country's.
_ENDINGS = re.compile(
    r"ai|app|biz|ca|ch|cloud|cn|com?|de|dev|edu|eu|fr|gov|int|io|jp|live|net|nl|online|org|page|ru|site|tech|uk|us|xyz"
)
_FILES = re.compile(r"bz|cc|db|go|gz|hs|js|kt|md|mk|ml|pl|ps|py|rb|rs|sh|so|ts|vb|xz")
_FEWEST_LABELS = 3
# Buckets and files: the first is judged by regions, the second goes nowhere.
_NO_HOST = ("arn", "file", "s3")
_THIRD_PARTY = re.compile(
    r"(?<![a-z0-9-])(?:"
    + "|".join(re.escape(name) for name, host in HOSTS.items() if host.most is not DataClass.REGULATED)
    + r")(?![a-z0-9-]|\.[a-z0-9])"
)
_HINT = re.compile(r"ipv[46]hint=\"?([0-9a-f.:,]+)")
# People's words: a link to a page sends nothing.
_REMARKS = ("comment", "description", "alarmDescription", "tags", "tagsAll", "annotations", "notes")
# What Cloudflare answers: addresses of previews, which workers-dev-is-off judges.
_ANSWERS = {tokens.WORKER_VERSION: ("urls",)}


@dataclass(frozen=True, kw_only=True)
class Own:
    """The domain and the addresses that are the stack's own."""

    domain: str
    """The registered domain that all that it serves is below; empty where that is not one."""
    addresses: frozenset[Address]

    def has(self, host: str) -> bool:
        return bool(self.domain) and f".{host}".endswith(f".{self.domain}")


def own(resources: Iterable[PolicyResource]) -> Own:
    resources = list(resources)
    served = {domain(host) for host in _hosts(resources, SERVING)}
    domains = served or {domain(host) for host in _hosts(resources, _NAMED)}
    return Own(
        # Of two domains nobody can say which is the stack's.
        domain=next(iter(domains)) if len(domains) == 1 else "",
        addresses=frozenset(_addresses(resources)),
    )


def host_of(pattern: str) -> str:
    """The host of a route's pattern, without a star before it."""
    return hosts_of(pattern).lstrip("*").strip(".")


def hosts_of(pattern: str) -> str:
    """The host of a route's pattern, with its star."""
    return plain(pattern).rpartition("://")[2].split("/")[0]


def address(host: str) -> Address | None:
    """The IP address in a text, also as one number, as in `https://134744072/`; None where it is a name."""
    try:
        found = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return _older_form(host)
    return getattr(found, "ipv4_mapped", None) or found


def _older_form(host: str) -> Address | None:
    # Every client reads these: decimal, octal, hexadecimal, one to four parts (POSIX, inet_addr).
    if not host[:1].isdigit() or not {*host.lower()} <= {*string.hexdigits, "x", "."}:
        return None
    try:
        return ipaddress.ip_address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def _hosts(resources: Iterable[PolicyResource], keys: dict[str, str]) -> Iterator[str]:
    for resource in resources:
        key = keys.get(resource.resource_type)
        name = known(resource.props, key) if key else None
        if isinstance(name, str):
            yield host_of(name)


def _addresses(resources: Iterable[PolicyResource]) -> Iterator[Address]:
    for resource in resources:
        for key in _ADDRESSES.get(resource.resource_type, ()):
            given = known(resource.props, key)
            texts = [given] if isinstance(given, str) else [known(given, index) for index in range(len(given or ()))]
            yield from (found for text in texts if isinstance(text, str) and (found := address(text)) is not None)


def named(resource: PolicyResource) -> Iterator[tuple[str, str]]:
    """Path and host, in lower case, of everything that the resource names."""
    kind, props = of(resource.resource_type), resource.props
    if leads_nowhere(resource):
        return
    bare = re.compile("|".join(_pattern(path) for path in kind.hosts) or r"(?!)")
    told = re.compile(kind.variables or r"(?!)")
    unread = (*kind.code, *_ANSWERS.get(resource.resource_type, ()))
    variables = {path for path, name in _variables(props) if _HOST_NAME.search(name)}
    for path, given in written(props):
        # The known end of a name says whose it is.
        text = _OPEN_END.sub("", given).replace(UNWRITTEN, "x") if UNWRITTEN in given else given
        if path.startswith(unread) or path.split(".")[0].split("[")[0] in _REMARKS:
            continue
        if "://" in text:
            yield from ((path, _host(found[1])) for found in _URL.findall(text) if found[0] not in _NO_HOST)
        if bare.fullmatch(path):
            yield from ((path, host) for host in _bare_hosts(text))
        elif path in variables and _is_host(host := _host(text)):
            yield path, host
        elif told.match(path):
            yield from ((path, host) for host in _entries(text))
        if "." in text:
            yield from ((path, found[0]) for found in _THIRD_PARTY.finditer(text))


def must_be_known(resource: PolicyResource) -> None:
    """Raises UnknownValueError for a host that is not known yet, unless it is made of what the stack declares."""
    if leads_nowhere(resource):
        return
    for path in (*of(resource.resource_type).hosts, *_URLS.get(resource.resource_type, ())):
        if path in _RARE:
            continue
        first, *rest = path.split(".")
        if not resource.property_dependencies.get(first):
            _read(resource.props, [first, *rest])


def leads_nowhere(resource: PolicyResource) -> bool:
    """Whether it is a record that names no host, such as TXT. Raises UnknownValueError for an unknown type."""
    return (
        resource.resource_type in CLOUDFLARE_RECORDS
        and str(resource.props.get("type")).strip().upper() in _TEXT_RECORDS
    )


def _read(values: Any, steps: list[str]) -> None:
    for number, step in enumerate(steps):
        if step == "0":
            for index in range(len(values)):
                _read(values[index], steps[number + 1 :])
            return
        if not isinstance(values, Mapping) or step not in list(values):
            return
        values = values[step]
        if values is None:
            return


def _pattern(path: str) -> str:
    return re.escape(path).replace(r"\.0", r"\[\d+\]")


def _bare_hosts(text: str) -> Iterator[str]:
    """Hosts without a scheme, also in a record's content such as `10 5 5060 sip.example.com.`."""
    parts = text.split()
    for part in parts:
        host = _host(part)
        if len(parts) == 1 or ("." in host and _is_host(host)):
            yield host
    for hint in _HINT.findall(text):
        yield from hint.split(",")


def _entries(text: str) -> Iterator[str]:
    """Hosts of a text that is nothing but hosts, one or several."""
    found = [_ENTRY.fullmatch(word) for word in re.split(r"[\s,;|]+", text.strip()) if word]
    if not all(found):
        return
    for match in found:
        if match is not None:
            labels = match[2].split(".")
            is_countrys = len(labels[-1]) == 2 and len(labels) >= _FEWEST_LABELS and not _FILES.fullmatch(labels[-1])
            if match[1] or match[3] or is_countrys or _ENDINGS.fullmatch(labels[-1]):
                yield match[2]


def _is_host(text: str) -> bool:
    return bool(_HOST.fullmatch(text)) or address(text) is not None


def _host(text: str) -> str:
    """The host of `user:password@host:port`."""
    whole = text.strip().strip("[]")
    if address(whole) is not None:
        return whole
    name = text.strip().rpartition("@")[2].split("/")[0]
    if name.startswith("["):
        return name[1:].split("]")[0]
    return name.split(":")[0].rstrip(".")


def _variables(props: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Path and name of the variables that a program is given."""
    bindings = known(props, "bindings") or []
    for index in range(len(bindings)):
        name = known(bindings, index, "name")
        yield f"bindings[{index}].text", name if isinstance(name, str) else ""
    variables = known(props, "environment", "variables") or {}
    for name in variables:
        yield f"environment.variables.{name}", name
    for key in ("key", "name"):
        name = known(props, key)
        if isinstance(name, str) and isinstance(known(props, "value"), str):
            yield "value", name
