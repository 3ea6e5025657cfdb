"""The permission groups that a token may be made with here, and what each lets it do."""

from dataclasses import asdict, dataclass
from typing import Any

from local.control_plane.calls import Work
from local.control_plane.envelope import Answer, ok

IN_ACCOUNT, IN_ZONE = "com.cloudflare.api.account", "com.cloudflare.api.account.zone"


@dataclass(frozen=True)
class PermissionGroup:
    id: str
    """The same in every account."""
    name: str
    scopes: tuple[str, ...]
    """Of which resources."""
    may: str
    """As in Token.scopes."""


# Ids: Cloudflare's Create tokens via API for the DNS and zone ones, and lists that users show for the rest.
PERMISSION_GROUPS = (
    PermissionGroup("4755a26eedb94da69e1066d98aa820be", "DNS Write", (IN_ZONE,), "dns:write"),
    PermissionGroup("82e64a83756745bbbb1c9c2701bf816b", "DNS Read", (IN_ZONE,), "dns:read"),
    PermissionGroup("c8fed203ed3043cba015a93ad1616f1f", "Zone Read", (IN_ZONE,), "zone:read"),
    PermissionGroup("28f4b596e7d643029c524985477ae49a", "Workers Routes Write", (IN_ZONE,), "routes:write"),
    PermissionGroup("5bc3f8b21c554832afc660159ab75fa4", "Account API Tokens Write", (IN_ACCOUNT,), "tokens:write"),
    PermissionGroup("eb56a6953c034b9d97dd838155666f06", "Account API Tokens Read", (IN_ACCOUNT,), "tokens:read"),
)
BY_ID = {group.id: group for group in PERMISSION_GROUPS}


def listing(work: Work) -> Answer:
    name, scope = work.call.query.get("name"), work.call.query.get("scope")
    found = [group for group in PERMISSION_GROUPS if name in (None, group.name) and scope in (None, *group.scopes)]
    return ok([_shown(group) for group in found])


def _shown(group: PermissionGroup) -> dict[str, Any]:
    return {key: value for key, value in asdict(group).items() if key != "may"}
