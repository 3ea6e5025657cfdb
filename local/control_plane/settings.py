"""What an emulated control plane is started with; a JSON file, 0600, because it holds the key to the name server."""

from datetime import datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

# Proxied records are answered with this TTL (Cloudflare, DNS TTL reference).
PROXIED_TTL_SECONDS = 300
EVERYTHING = "*"
# The name server, in each zone that it answers for.
OWN_HOST = "ns1"

Identifier = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Account(Strict):
    id: Identifier
    name: str


class SeedZone(Strict):
    id: Identifier
    name: str


class Token(Strict):
    """An account's API token; its value is known by its hash only."""

    id: Identifier
    name: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    scopes: tuple[str, ...]
    """Such as `dns:write`, which includes `dns:read`; `*` is all."""
    status: Literal["active", "disabled"] = "active"
    not_before: datetime | None = None
    expires_on: datetime | None = None
    networks: tuple[str, ...] = ()
    """Networks from which it may be used; all when empty."""
    other_networks: tuple[str, ...] = ()
    """Networks from which it may not be used, although `networks` admit them."""

    def may(self, scope: str) -> bool:
        return bool({scope, scope.replace(":read", ":write"), EVERYTHING} & set(self.scopes))

    def is_from(self, address: str) -> bool:
        return (not self.networks or _is_in(address, self.networks)) and not _is_in(address, self.other_networks)

    def status_at(self, now: datetime) -> str:
        return "expired" if self.expires_on and now >= self.expires_on else self.status


def _is_in(address: str, networks: tuple[str, ...]) -> bool:
    return any(ip_address(address) in ip_network(network) for network in networks)


class NameServer(Strict):
    """The server that records are sent to as dynamic updates (RFC 2136), signed with a key (hmac-sha256)."""

    address: str = "127.0.0.1"
    port: int
    key_name: str
    key: Annotated[str, Field(repr=False)]


class Settings(Strict):
    folder: Path
    """Where everything is stored; 0700."""
    port: int
    account: Account
    zones: tuple[SeedZone, ...]
    tokens: tuple[Token, ...]
    scripts: tuple[str, ...] = ()
    """Workers that exist without having been made through this API."""
    name_server: NameServer | None = None
    edge_address: str = "127.0.0.1"
    """What a proxied record is answered with."""
    linger_seconds: float = PROXIED_TTL_SECONDS
    """How long the edge goes on for a host that is proxied no more. A guess: Cloudflare does not document what its
    edge does for those who still have the old answer; this is the kind reading."""
