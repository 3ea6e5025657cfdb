"""Waits until the database lets a role in through the tunnel, before Hyperdrive tests the same."""

import asyncio
import contextlib
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.common.errors import HybridError
from components.common.regions import HOME_REGION
from components.network.tunnel_connection import Bridge, TunnelEndpoint, tunnel

# A fresh host installs packages and makes a cluster first; that takes a few minutes.
PATIENCE_SECONDS = 20 * 60
PAUSE_SECONDS = 10
LOGIN_SECONDS = 15


class ReadinessError(HybridError):
    """A database that does not let a role in."""


@dataclass(frozen=True, kw_only=True)
class Login:
    """What Hyperdrive is about to log in with."""

    endpoint: TunnelEndpoint
    database: str
    user: str
    password: str = field(repr=False)
    authorities_pem: str = field(repr=False)
    """Certificates of those who may have signed the server's, which is for the endpoint's name."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait and how often to ask."""

    seconds: float = PATIENCE_SECONDS
    pause_seconds: float = PAUSE_SECONDS


def readiness_hooks(
    name: str,
    authorities_pem: pulumi.Input[str],
    *,
    patience: Patience = Patience(),
    url: str | None = None,
) -> pulumi.ResourceHookBinding:
    """Hooks of a Hyperdrive configuration; they read its own inputs. Previews don't run them."""

    async def wait(args: pulumi.ResourceHookArgs) -> None:
        # The engine's secrets come as outputs, at any depth.
        origin = await pulumi.Output.from_input((args.new_inputs or {})["origin"]).future()
        login = login_of(origin or {}, await pulumi.Output.from_input(authorities_pem).future() or "")
        # In a thread: the engine's other calls to this program must not stand still meanwhile.
        await asyncio.to_thread(wait_until_ready, login, pulumi.log.info, patience, url=url)

    hook = pulumi.ResourceHook(name, wait)
    return pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook])


def login_of(origin: Mapping[str, Any], authorities_pem: str) -> Login:
    """Reads a Hyperdrive configuration's origin, as the provider calls its parts."""
    return Login(
        endpoint=TunnelEndpoint(
            hostname=origin["host"],
            client_id=origin["accessClientId"],
            client_secret=origin["accessClientSecret"],
        ),
        database=origin["database"],
        user=origin["user"],
        password=origin["password"],
        authorities_pem=authorities_pem,
    )


def wait_until_ready(
    login: Login,
    say: Callable[[str], None],
    patience: Patience = Patience(),
    *,
    url: str | None = None,
    ssl_context: ssl.SSLContext | None = None,
) -> None:
    """Logs in again and again until it works. Raises ReadinessError with the last fault; `say` gets the progress."""
    deadline = time.monotonic() + patience.seconds
    said = None
    with (
        _file(login.authorities_pem) as authorities,
        tunnel(login.endpoint, url=url, ssl_context=ssl_context) as bridge,
    ):
        while fault := _fault(login, bridge, authorities):
            if time.monotonic() + patience.pause_seconds >= deadline:
                minutes = patience.seconds / 60
                raise ReadinessError(
                    f"{fault}. Gave up after {minutes:.0f} minutes; `pulumi up` goes on from here once it is mended. "
                    f"The host's own report: `aws ssm list-command-invocations --details --region {HOME_REGION}`"
                )
            if fault != said:
                say(f"waiting for the database: {fault}")
                said = fault
            time.sleep(patience.pause_seconds)
    say(f"{login.endpoint.hostname}: lets {login.user} in")


@contextlib.contextmanager
def _file(text: str) -> Iterator[str]:
    """Path of a file with the text: libpq takes authorities only as a file."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(text)
        file.flush()
        yield file.name


def _fault(login: Login, bridge: Bridge, authorities: str) -> str | None:
    import psycopg

    place = f"{login.endpoint.hostname}: role {login.user}, database {login.database}"
    try:
        connection = psycopg.connect(
            # The name is what the certificate must be for; the bridge is where it answers.
            host=login.endpoint.hostname,
            hostaddr="127.0.0.1",
            port=bridge.port,
            dbname=login.database,
            user=login.user,
            password=login.password,
            sslmode="verify-full",
            sslrootcert=authorities,
            connect_timeout=LOGIN_SECONDS,
        )
        connection.close()
    except psycopg.OperationalError as error:
        return str(bridge.fault) if bridge.fault else f"{place}: {explained(str(error))}"
    return None


def explained(message: str) -> str:
    """Explains why PostgreSQL refused the login, and what to check."""
    if "certificate verify failed" in message:
        return "none of the stack's authorities signed PostgreSQL's certificate; check whether the host has converged"
    if "does not match host name" in message:
        return "PostgreSQL's certificate is for another name; check whether the host has converged"
    if "password authentication failed" in message:
        return "PostgreSQL refuses the password; check whether the host has converged since it was generated"
    if "no pg_hba.conf entry" in message:
        return "no pg_hba.conf entry lets this role into this database; check pg_hba.conf on the host"
    if "does not exist" in message:
        return "PostgreSQL has no such role or database; check whether the host has converged"
    if "starting up" in message or "shutting down" in message or "recovery" in message:
        return "PostgreSQL is starting, stopping or recovering"
    if "server does not support SSL" in message:
        return "PostgreSQL does not offer TLS; check its certificate on the host"
    if "too many" in message or "remaining connection slots" in message:
        return "PostgreSQL has no free connection for this role; check who holds them"
    reason = " ".join(message.rpartition("failed: ")[2].split())
    return f"PostgreSQL does not answer ({reason}); check PostgreSQL on the host"
