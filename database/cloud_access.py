"""Access to a stack's database in the cloud: by the tunnel's Access application, or by Session Manager."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.network.tunnel_connection import TunnelEndpoint, tunnel
from database import parameter_store, session_manager
from database.access import Access, OpenAccess, refuse_unknown
from database.declared import Declared
from database.errors import DatabaseError
from database.terms import Route

LOOPBACK = "127.0.0.1"
Fault = Callable[[], object]


def open_cloud(declared: Declared, route: Route) -> OpenAccess:
    """Opens access to the database of a stack."""

    @contextmanager
    def opened(role: str, *, is_pooled: bool = False) -> Iterator[Access]:
        refuse_unknown(role, declared.roles)
        _refuse(declared, route, is_pooled=is_pooled)
        ssm = parameter_store.client()
        names = _names(declared, role, route)
        values = parameter_store.read(ssm, list(names.values()))
        secret = {key: values[name] for key, name in names.items()}
        with (
            tempfile.TemporaryDirectory(prefix="hybrid-db-") as folder,
            _carried(declared, route, ssm, secret, is_pooled=is_pooled) as (here, fault),
        ):
            authorities = Path(folder) / "authorities.crt"
            authorities.write_text(secret["authorities"])
            yield Access(
                stack=declared.stack,
                role=role,
                database=declared.database,
                host=declared.hostname,
                address=LOOPBACK,
                port=here,
                authorities=authorities,
                route=_description(route, is_pooled=is_pooled),
                password=secret["password"],
                fault=fault,
            )

    return opened


def _refuse(declared: Declared, route: Route, *, is_pooled: bool) -> None:
    """What is missing is said before a secret is asked for."""
    if route is Route.SSM:
        session_manager.refuse_missing()
    elif _hostname(declared, is_pooled=is_pooled) is None:
        where = "the pooler" if is_pooled else "PostgreSQL"
        raise DatabaseError(
            f"{declared.stack}: declares no tunnel to {where} (databaseRoute: direct); allowed: --route ssm"
        )


def _hostname(declared: Declared, *, is_pooled: bool) -> str | None:
    return declared.pooler_tunnel if is_pooled else declared.tunnel


def _names(declared: Declared, role: str, route: Route) -> dict[str, str]:
    """Parameters that are needed, by what they are for."""
    names = {"password": f"/postgres/passwords/{role}", "authorities": "/postgres/tls-authorities"}
    if route is Route.TUNNEL:
        names |= {"client_id": "/operators/access-client-id", "client_secret": "/operators/access-client-secret"}
    return {key: declared.parameter(suffix) for key, suffix in names.items()}


@contextmanager
def _carried(
    declared: Declared, route: Route, ssm: Any, secret: dict[str, str], *, is_pooled: bool
) -> Iterator[tuple[int, Fault]]:
    """A loopback port that leads there while the block lasts, and what that route met last."""
    if route is Route.SSM:
        node = session_manager.node(ssm, declared.node_tags)
        with session_manager.forwarded(node, declared.pooler_port if is_pooled else declared.port) as here:
            yield here, lambda: None
        return
    hostname = str(_hostname(declared, is_pooled=is_pooled))
    endpoint = TunnelEndpoint(hostname=hostname, client_id=secret["client_id"], client_secret=secret["client_secret"])
    with tunnel(endpoint) as bridge:
        yield bridge.port, lambda: bridge.fault


def _description(route: Route, *, is_pooled: bool) -> str:
    carrier = "through the tunnel" if route is Route.TUNNEL else "through Session Manager"
    return f"{carrier} and the pooler" if is_pooled else carrier
