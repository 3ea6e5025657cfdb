"""The database inside the server: its schemas by data class, its roles and their passwords."""

from dataclasses import dataclass, replace

import pulumi
import pulumi_random as random

from components.common.labels import DataClass, Labels
from components.common.protection import Protection
from host.specification.model import Extension, WayIn

# The five that the application uses, and what monitoring needs.
EXTENSIONS: tuple[Extension, ...] = (
    "postgis",
    "vector",
    "timescaledb",
    "pg_cron",
    "pg_stat_statements",
    "pg_buffercache",
)


@dataclass(frozen=True, kw_only=True)
class Role:
    """A role of the database, and the schemas it may use."""

    name: str
    way_in: WayIn = WayIn.PASSWORD
    reads: tuple[str, ...] = ()
    """Schemas whose tables it may select from."""
    writes: tuple[str, ...] = ()
    """Schemas whose rows it may insert, update and delete."""
    creates: tuple[str, ...] = ()
    """Schemas in which it makes, and so owns, tables."""
    acts_as: str | None = None
    """Role that it becomes when it logs in: what it makes is that role's."""
    connection_limit: int = 10
    is_monitor: bool = False
    """Sees the statistics of all sessions, and no table."""
    is_backup: bool = False
    """May start and stop a physical backup, and sees no table."""

    def inputs(self) -> dict[str, object]:
        """As the component declares it; `actsAs` only where there is one, because inputs hold no null."""
        return {
            "name": self.name,
            "wayIn": str(self.way_in),
            "reads": list(self.reads),
            "writes": list(self.writes),
            "creates": list(self.creates),
            "connectionLimit": self.connection_limit,
            "isMonitor": self.is_monitor,
            "isBackup": self.is_backup,
            **({"actsAs": self.acts_as} if self.acts_as else {}),
        }


# A schema holds one data class, so that a grant on a schema is a grant on a class.
SCHEMAS: dict[str, DataClass] = {"regulated": DataClass.REGULATED, "public": DataClass.PUBLIC}

APP = Role(name="app", reads=("regulated", "public"), writes=("regulated", "public"))
# Behind the cached Hyperdrive, whose storage place is not documented: it may see public data only.
PUBLIC_READ = Role(name="public_read", reads=("public",))
BEHIND_HYPERDRIVE = (APP, PUBLIC_READ)
# Owns what the schemas hold. Nobody logs in as it, but the jobs of pg_cron and TimescaleDB run as it.
OWNER = Role(name="owner", way_in=WayIn.NONE, reads=("regulated", "public"), creates=("regulated", "public"))
MIGRATOR = Role(name="migrator", acts_as=OWNER.name)
READ_ONLY = Role(name="read_only", reads=("regulated", "public"))
MONITOR = Role(name="monitor", is_monitor=True)
BACKUP = Role(name="backup", way_in=WayIn.SOCKET, is_backup=True)
ROLES = (OWNER, *BEHIND_HYPERDRIVE, MIGRATOR, READ_ONLY, MONITOR, BACKUP)
WITH_PASSWORD = tuple(role for role in ROLES if role.way_in is WayIn.PASSWORD)


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
    """PostgreSQL's major version on the host that serves."""
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
    """Password of each role that has one, secret."""

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
            for role in WITH_PASSWORD
        }
        self.register_outputs({"database": self.database, "passwords": self.passwords})
