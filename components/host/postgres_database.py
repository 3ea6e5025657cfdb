"""The database inside the server: its schemas by data class, its roles and their passwords."""

from dataclasses import dataclass

import pulumi
import pulumi_random as random

from components.common.labels import DataClass, Labels
from components.common.protection import Protection
from host.specification.model import Extension, LoginMethod, Role

# The five that the application uses, and what monitoring needs.
EXTENSIONS: tuple[Extension, ...] = (
    "postgis",
    "vector",
    "timescaledb",
    "pg_cron",
    "pg_stat_statements",
    "pg_buffercache",
)


def _role(name: str, login_method: LoginMethod = LoginMethod.PASSWORD, **facts: object) -> Role:
    """A role that logs in with a password, left out of the declaration, and may do nothing but what `facts` say."""
    bare = {"way_in": login_method, "password": None, "reads": (), "writes": (), "creates": (), "acts_as": None}
    limits = {"connection_limit": 10, "is_monitor": False, "is_backup": False}
    return Role.model_validate({**bare, **limits, "name": name, **facts})


# A schema holds one data class, so that a grant on a schema is a grant on a class.
SCHEMAS: dict[str, DataClass] = {"regulated": DataClass.REGULATED, "public": DataClass.PUBLIC}

APP = _role("app", reads=("regulated", "public"), writes=("regulated", "public"))
# Behind the cached Hyperdrive, whose storage place is not documented: it may see public data only.
PUBLIC_READ = _role("public_read", reads=("public",))
BEHIND_HYPERDRIVE = (APP, PUBLIC_READ)
# Owns what the schemas hold. Nobody logs in as it, but the jobs of pg_cron and TimescaleDB run as it.
OWNER = _role("owner", LoginMethod.NONE, reads=("regulated", "public"), creates=("regulated", "public"))
MIGRATOR = _role("migrator", acts_as=OWNER.name)
READ_ONLY = _role("read_only", reads=("regulated", "public"))
MONITOR = _role("monitor", is_monitor=True)
BACKUP = _role("backup", LoginMethod.SOCKET, is_backup=True)
ROLES = (OWNER, *BEHIND_HYPERDRIVE, MIGRATOR, READ_ONLY, MONITOR, BACKUP)
WITH_PASSWORD = tuple(role for role in ROLES if role.login_method is LoginMethod.PASSWORD)


def roles(hyperdrive_connections: int) -> list[Role]:
    """ROLES, of which those behind Hyperdrive may open twice as many connections as one configuration.

    Its limit is a soft one, and while it moves to new connections the old ones are still open.
    """
    limit = 2 * hyperdrive_connections
    return [
        role.model_copy(update={"connection_limit": limit}) if role in BEHIND_HYPERDRIVE else role for role in ROLES
    ]


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
            "roles": [_inputs(role) for role in roles(args.hyperdrive_connections)],
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


def _inputs(role: Role) -> dict[str, object]:
    """The role as the component declares it; `actsAs` only where there is one, because inputs hold no null."""
    return {
        "name": role.name,
        # In state, as an input of the component.
        "wayIn": str(role.login_method),
        "reads": list(role.reads),
        "writes": list(role.writes),
        "creates": list(role.creates),
        "connectionLimit": role.connection_limit,
        "isMonitor": role.is_monitor,
        "isBackup": role.is_backup,
        **({"actsAs": role.acts_as} if role.acts_as else {}),
    }
