"""The host's own firewall, behind the cloud's: what may come in at all."""

import hashlib
import shlex
from collections.abc import Generator, Iterable
from ipaddress import collapse_addresses, ip_network

from pyinfra.api.facts import FactBase
from pyinfra.api.operation import operation
from pyinfra.context import host

from host.common.facts import Content
from host.common.layout import FIREWALL, KEPT
from host.common.rendering import render, written
from host.common.units import enabled
from host.specification.model import Spec

LISTING = "nft --stateless list table inet hybrid"
LOADED = f"{KEPT}/firewall"
"""Digest of the file that was loaded, and how the kernel listed it then."""


class LoadedRules(FactBase[str]):
    """Loaded rules as `command` lists them; empty when there are none."""

    def command(self, command: str) -> str:
        return f"{command} 2>/dev/null || true"

    @staticmethod
    def default() -> str:
        return ""

    def process(self, output: list[str]) -> str:
        return "\n".join(output)


def apply(spec: Spec) -> None:
    text = rules_text(spec)
    written(
        name="firewall rules",
        text=text,
        path=FIREWALL,
        owner="root",
        mode="755",
        check="nft --check --file {}",
    )
    rules(name="firewall", text=text)
    enabled(name="firewall at boot", unit="nftables.service")


def rules_text(spec: Spec) -> str:
    network = spec.network
    return render(
        "nftables.conf.j2",
        ssh=by_family(network.ssh_networks),
        database=by_family(network.database_networks),
        port=spec.postgres.port,
    )


def by_family(networks: Iterable[str]) -> list[tuple[str, list[str]]]:
    """nftables' family and its networks; none that another contains, which nftables would refuse in one set."""
    found = [ip_network(network) for network in networks]
    four = collapse_addresses(network for network in found if network.version == 4)
    six = collapse_addresses(network for network in found if network.version == 6)
    families = (("ip", list(map(str, four))), ("ip6", list(map(str, six))))
    return [(family, members) for family, members in families if members]


@operation()
def rules(text: str) -> Generator[str, None, None]:
    """Load the file where the kernel has other rules than it made of it; one transaction, and sessions stay."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    listing = host.get_fact(LoadedRules, command=LISTING)
    known = host.get_fact(Content, path=LOADED).decode()
    if listing and known == f"{digest}\n{listing}\n":
        host.noop("the kernel has these rules")
        return
    yield f"nft --file {FIREWALL}"
    yield (
        f"install -d -m 700 {KEPT} && {{ echo {digest}; {LISTING}; }} >{shlex.quote(f'{LOADED}.new')}"
        f" && mv {LOADED}.new {LOADED}"
    )
