"""How one role reaches a database: libpq's parameters, and a connection with the server checked to the full."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from database.errors import DatabaseError

if TYPE_CHECKING:
    import psycopg

POOLED = ("app", "public_read")
"""Roles that requests come with; people's and programs' other roles need sessions of their own."""
CONNECT_SECONDS = 10
APPLICATION = "hybrid db"


@dataclass(frozen=True, kw_only=True)
class Access:
    """An open route. `host` is the name in the server's certificate; `address` and `port` are where it is reached."""

    stack: str
    role: str
    database: str
    host: str
    address: str
    port: int
    authorities: Path
    """PEM file of the authorities that may have signed the server's certificate."""
    route: str
    """What lies between, in words."""
    password: str = field(repr=False)
    fault: Callable[[], object] = lambda: None
    """What the route itself met last, if it failed: the server then only seems to hang up."""
    hint: str = ""
    """What to do when the server can't be reached."""

    @property
    def parameters(self) -> dict[str, str]:
        """libpq's, password included."""
        return {
            "host": self.host,
            "hostaddr": self.address,
            "port": str(self.port),
            "dbname": self.database,
            "user": self.role,
            "password": self.password,
            "sslmode": "verify-full",
            "sslrootcert": str(self.authorities),
            "connect_timeout": str(CONNECT_SECONDS),
            "application_name": APPLICATION,
        }


class OpenAccess(Protocol):
    """Opens access for a role; closes it again. Raises HybridError."""

    def __call__(self, role: str, *, is_pooled: bool = False) -> AbstractContextManager[Access]: ...


# host/ leaves the rules for clients out where a host does not serve.
NO_RULE = "no pg_hba.conf entry"
SERVES_NOBODY = "a standby, or a host that was told to stop serving, accepts no clients"


@contextmanager
def connected(access: Access) -> Iterator["psycopg.Connection[dict[str, Any]]"]:
    """A connection in autocommit mode, its rows as dicts. Raises DatabaseError when the server can't be reached."""
    import psycopg
    from psycopg.rows import dict_row

    parameters: dict[str, Any] = dict(access.parameters)
    try:
        connection = psycopg.connect("", **parameters, autocommit=True, row_factory=dict_row)
    except psycopg.OperationalError as error:
        reason = access.fault() or one_line(error)
        hint = SERVES_NOBODY if NO_RULE in str(error) else access.hint
        parts = [f"{access.stack}: {access.role} can't log in {access.route}: {reason}", hint]
        raise DatabaseError("; ".join(part for part in parts if part)) from error
    with connection:
        yield connection


def refuse_locked_out(access: Access) -> None:
    """Raises DatabaseError with the reason where the role can't log in."""
    with connected(access):
        pass


def one_line(error: BaseException) -> str:
    """An error's text; libpq's own goes over several lines and repeats itself."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].removeprefix("connection failed: ") if lines else type(error).__name__


def refuse_unknown(role: str, known: list[str]) -> None:
    """Raises DatabaseError unless a person can log in as the role."""
    if role not in known:
        raise DatabaseError(f"role {role}: can't log in with a password; allowed: {', '.join(known)}")
