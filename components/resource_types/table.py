"""Every type of resource of which something is known, by its full token."""

from components.resource_types.aws import AWS
from components.resource_types.cloudflare import CLOUDFLARE
from components.resource_types.others import OTHERS
from components.resource_types.row import Layer, Location, ResourceType, unjudged

RESOURCE_TYPES: dict[str, ResourceType] = {**AWS, **CLOUDFLARE, **OTHERS}
# By the area in a type token of ours, for rows that name none.
_AREAS = {
    "edge": Layer.EDGE,
    "network": Layer.ROUTE,
    "postgres": Layer.HOST,
    "backup": Layer.BACKUPS,
    "storage": Layer.BACKUPS,
    "identity": Layer.IDENTITY,
}
CLOUDFLARE_RECORDS = tuple(token for token, row in CLOUDFLARE.items() if row.is_dns_record)
"""DNS records, by the type's present name first."""
_UNKNOWN = unjudged()
# Nothing runs anywhere for these.
_FREE, _UNKNOWN_BUT_FREE = ("hybrid:", "pulumi:", "random:", "tls:"), unjudged(usd=0)


def of(type_token: str) -> ResourceType:
    """A type's row, or one in which nothing is known."""
    return RESOURCE_TYPES.get(type_token, _UNKNOWN_BUT_FREE if type_token.startswith(_FREE) else _UNKNOWN)


def judged(type_token: str) -> ResourceType | None:
    """A type's row if somebody has found out where it keeps data, else None."""
    row = of(type_token)
    return None if row.location is Location.UNJUDGED else row


def layer_of(type_token: str) -> Layer:
    """Layer of the topology that it is drawn in."""
    package, _, rest = type_token.partition(":")
    area = _AREAS.get(rest.partition(":")[0], Layer.OTHERS) if package == "hybrid" else Layer.OTHERS
    return of(type_token).layer or area


def file(type_token: str) -> str:
    """File that its row belongs in."""
    package = type_token.removeprefix("pulumi:providers:").split(":", 1)[0]
    return f"components/resource_types/{package if package in ('aws', 'cloudflare') else 'others'}.py"


def line(type_token: str) -> str:
    """What to add, and to which file, once somebody has found out the facts that stand in capitals."""
    package = type_token.split(":", 1)[0]
    call = {"aws": "regional", "cloudflare": "edge"}.get(package, "local")
    facts = 'shown=holds("WHAT IT IS"), replaced_by={"WHAT REPLACES IT"}'
    row = f'{call}("WHAT IT HOLDS AND WHERE.", {facts}, usd=None)'
    if package == "hybrid":
        row = 'component("WHAT IT HOLDS AND WHERE.")'
    return f'{file(type_token)}: add "{type_token}": {row}'
