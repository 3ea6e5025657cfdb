"""Hosts that a resource names: in URLs, and bare where a property, a variable or a record holds one."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import PolicyResource

from components.common.labels import DataClass
from plan.model import UNWRITTEN
from policies.residency.hosts import HOSTS
from policies.residency.own_names import address
from policies.residency.reading import known
from policies.residency.written import written
from policies.residency.written_regions import CODE

RECORDS = ("cloudflare:index/dnsRecord:DnsRecord", "cloudflare:index/record:Record")
# What these hold is no destination: words, proofs and keys.
_SAYING = ("TXT", "SPF", "CAA", "CERT", "DNSKEY", "DS", "LOC", "OPENPGPKEY", "SMIMEA", "SSHFP", "TLSA")
# Where a host stands bare; a number is any item of a list.
_BARE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(RECORDS, ("content", "value", "data.target", "data.value", "data.replacement")),
    "aws:route53/record:Record": ("records.0", "aliases.0.name"),
    "cloudflare:index/connectivityDirectoryService:ConnectivityDirectoryService": (
        "host.hostname",
        "host.ipv4",
        "host.ipv6",
        "host.resolverNetwork.resolverIps.0",
    ),
    "cloudflare:index/healthcheck:Healthcheck": ("address",),
    "cloudflare:index/hyperdriveConfig:HyperdriveConfig": ("origin.host",),
    "cloudflare:index/loadBalancerPool:LoadBalancerPool": ("origins.0.address",),
    "cloudflare:index/ruleset:Ruleset": (
        "rules.0.actionParameters.hostHeader",
        "rules.0.actionParameters.origin.host",
        "rules.0.actionParameters.sni.value",
    ),
    "vercel:index/projectDomain:ProjectDomain": ("redirect",),
}
# A host there that is not known yet, and not made of what the stack declares, keeps the rule from judging.
_NEEDED: dict[str, tuple[str, ...]] = {
    **{token: paths for token, paths in _BARE.items() if token not in RECORDS},
    **dict.fromkeys(RECORDS, ("content", "value", "data.target")),
    "cloudflare:index/notificationPolicyWebhooks:NotificationPolicyWebhooks": ("url",),
}
# What a program is told, whatever the variable is called.
_TOLD: dict[str, str] = {
    "aws:lambda/function:Function": r"environment\.variables\.",
    "aws:ssm/association:Association": r"parameters\.",
    "aws:ssm/parameter:Parameter": r"value$|insecureValue$",
    "cloudflare:index/pagesProject:PagesProject": r"deploymentConfigs\.\w+\.envVars\.",
    "cloudflare:index/workerVersion:WorkerVersion": r"bindings\[\d+\]\.(?:text$|json)",
    "vercel:index/project:Project": r"environments?\[\d+\]\.value$",
    "vercel:index/projectEnvironmentVariable:ProjectEnvironmentVariable": r"value$",
}
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
_WORDS = ("comment", "description", "alarmDescription", "tags", "tagsAll", "annotations", "notes")
# What Cloudflare answers: addresses of previews, which workers-dev-is-off judges.
_ANSWERS = {"cloudflare:index/workerVersion:WorkerVersion": ("urls",)}


def named(resource: PolicyResource) -> Iterator[tuple[str, str]]:
    """Path and host, in lower case, of everything that the resource names."""
    kind, props = resource.resource_type, resource.props
    if says_only(resource):
        return
    bare = re.compile("|".join(_pattern(path) for path in _BARE.get(kind, ())) or r"(?!)")
    told = re.compile(_TOLD.get(kind, r"(?!)"))
    unread = (*CODE.get(kind, ()), *_ANSWERS.get(kind, ()))
    variables = {path for path, name in _variables(props) if _HOST_NAME.search(name)}
    for path, given in written(props):
        # What is known of a name's end says whose it is.
        text = _OPEN_END.sub("", given).replace(UNWRITTEN, "x") if UNWRITTEN in given else given
        if path.startswith(unread) or path.split(".")[0].split("[")[0] in _WORDS:
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
    if says_only(resource):
        return
    for path in _NEEDED.get(resource.resource_type, ()):
        first, *rest = path.split(".")
        if not resource.property_dependencies.get(first):
            _read(resource.props, [first, *rest])


def says_only(resource: PolicyResource) -> bool:
    """Whether it is a record that leads nowhere. Raises UnknownValueError for a type that is not known."""
    return resource.resource_type in RECORDS and str(resource.props.get("type")).strip().upper() in _SAYING


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
    """Of a record's content too, which may be more than a host, as in `10 5 5060 sip.example.com.`."""
    words = text.split()
    for word in words:
        host = _host(word)
        if len(words) == 1 or ("." in host and _is_host(host)):
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
    """Of `user:password@host:port`, the host."""
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
