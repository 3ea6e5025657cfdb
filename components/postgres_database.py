"""The database inside the server: its schemas by data class, its roles and their passwords."""

from dataclasses import dataclass, replace

import pulumi
import pulumi_random as random

from components.labels import DataClass, Labels
from components.protection import Protection

EXTENSIONS = ("postgis", "vector", "timescaledb", "pg_cron", "pg_stat_statements")


@dataclass(frozen=True, kw_only=True)
class Role:
    """A role that logs in with a password, and the schemas it may use."""

    name: str
    reads: tuple[str, ...] = ()
    """Schemas whose tables it may select from."""
    writes: tuple[str, ...] = ()
    """Schemas whose rows it may insert, update and delete."""
    creates: tuple[str, ...] = ()
    """Schemas in which it makes, and so owns, tables."""
    connection_limit: int = 10
    is_monitor: bool = False
    """Sees the statistics of all sessions, and no table."""

    def inputs(self) -> dict[str, object]:
        return {
            "name": self.name,
            "reads": list(self.reads),
            "writes": list(self.writes),
            "creates": list(self.creates),
            "connectionLimit": self.connection_limit,
            "isMonitor": self.is_monitor,
        }


# A schema holds one data class, so that a grant on a schema is a grant on a class.
SCHEMAS: dict[str, DataClass] = {"regulated": DataClass.REGULATED, "public": DataClass.PUBLIC}

APP = Role(name="app", reads=("regulated", "public"), writes=("regulated", "public"))
# Behind the cached Hyperdrive, whose storage place is not documented: it may see public data only.
PUBLIC_READ = Role(name="public_read", reads=("public",))
BEHIND_HYPERDRIVE = (APP, PUBLIC_READ)
MIGRATOR = Role(name="migrator", reads=("regulated", "public"), creates=("regulated", "public"))
READ_ONLY = Role(name="read_only", reads=("regulated", "public"))
MONITOR = Role(name="monitor", is_monitor=True)
ROLES = (*BEHIND_HYPERDRIVE, MIGRATOR, READ_ONLY, MONITOR)


def roles(hyperdrive_connections: int) -> list[Role]:
    """ROLES, of which those behind Hyperdrive may open twice as many connections as one configuration.

    Its limit is a soft one, and while it moves to new connections the old ones are still open.
    """
    limit = 2 * hyperdrive_connections
    return [replace(role, connection_limit=limit) if role in BEHIND_HYPERDRIVE else role for role in ROLES]


@dataclass(frozen=True, kw_only=True)
class PostgresDatabaseArgs:
    labels: Labels
    protection: Protection
    database: str
    """Name of the database that the application uses."""
    version: int
    """PostgreSQL's major version."""
    hyperdrive_connections: int
    """Connections that each Hyperdrive configuration may open."""


class PostgresDatabase(pulumi.ComponentResource):
    """What must exist inside PostgreSQL. The host's configuration makes it so; here it is declared.

    Replacing a password locks out whoever uses the role until all have the new one. To renew one by hand:
    `pulumi state unprotect URN`, `pulumi up --target-replace URN`, configure the host with it, and then
    `pulumi up` at once: Hyperdrive tests what it is given, so it comes last.
    """

    database: pulumi.Output[str]
    """Name of the database."""
    passwords: dict[str, pulumi.Output[str]]
    """Password of each role, secret."""

    def __init__(self, name: str, args: PostgresDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        declared = {
            **args.labels.inputs(DataClass.REGULATED),
            "database": args.database,
            "version": args.version,
            "extensions": list(EXTENSIONS),
            "schemas": [{"name": schema, "dataClass": str(held)} for schema, held in SCHEMAS.items()],
            "roles": [role.inputs() for role in roles(args.hyperdrive_connections)],
        }
        super().__init__("hybrid:postgres:PostgresDatabase", name, declared, opts)
        self.database = pulumi.Output.from_input(args.database)
        self.passwords = {
            # In state: renaming one of these makes a new password.
            role.name: random.RandomPassword(
                f"{name}-{role.name}-password",
                length=40,
                # Letters and digits go into connection strings and SQL without escaping.
                special=False,
                opts=args.protection.options(self),
            ).result
            for role in ROLES
        }
        self.register_outputs({"database": self.database, "passwords": self.passwords})
