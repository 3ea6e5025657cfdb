"""The database inside the server: its schemas by data class, its roles and their passwords."""

from dataclasses import dataclass

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
    writes: tuple[str, ...] = ()
    creates: tuple[str, ...] = ()
    connection_limit: int = 10
    is_monitor: bool = False

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

APP = Role(name="app", reads=("regulated", "public"), writes=("regulated", "public"), connection_limit=60)
# Behind the cached Hyperdrive, whose storage place is not documented: it may see public data only.
PUBLIC_READ = Role(name="public_read", reads=("public",), connection_limit=60)
MIGRATOR = Role(name="migrator", reads=("regulated", "public"), creates=("regulated", "public"))
READ_ONLY = Role(name="read_only", reads=("regulated", "public"))
MONITOR = Role(name="monitor", is_monitor=True)
ROLES = (APP, PUBLIC_READ, MIGRATOR, READ_ONLY, MONITOR)


@dataclass(frozen=True, kw_only=True)
class PostgresDatabaseArgs:
    labels: Labels
    protection: Protection
    database: str
    """Name of the database that the application uses."""
    version: int
    """PostgreSQL's major version."""


class PostgresDatabase(pulumi.ComponentResource):
    """What must exist inside PostgreSQL. The host's configuration makes it so; here it is declared.

    A password is replaced only by `rotate`: replacing the resource locks out whoever uses the role.
    """

    database: pulumi.Output[str]
    passwords: dict[str, pulumi.Output[str]]
    """Password of each role, secret."""

    def __init__(self, name: str, args: PostgresDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        declared = {
            **args.labels.inputs(DataClass.REGULATED),
            "database": args.database,
            "version": args.version,
            "extensions": list(EXTENSIONS),
            "schemas": [{"name": schema, "dataClass": str(held)} for schema, held in SCHEMAS.items()],
            "roles": [role.inputs() for role in ROLES],
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
