"""The shape of a specification, and what each single value may be: of these limits there are no others.

Whoever declares a host builds it with these models. The settings of a stack are of the same types, some of them
narrowed (components/settings/). Nothing is imported here that the program of a stack does not have anyway.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

LOOPBACK = "127.0.0.1"
MAJORS = (15, 16, 17, 18)
"""PostgreSQL's major versions that a host can have."""
MAINTENANCE_DATABASES = frozenset({"postgres", "template0", "template1"})
"""PostgreSQL's own."""
RESERVED_DATABASES = frozenset({"all", "pgbouncer", "replication", "samegroup", "samerole", "sameuser"})
"""The pooler's own, without which it does not start, and words of pg_hba.conf that are more than one database."""
HOST_NAME = "[a-z][a-z0-9]{0,15}"
"""Pattern of a host's name in the settings, which its parts in the cloud are named after."""
# Below its first, checkpoint_timeout, which must not be longer, has no value (PostgreSQL, guc_tables.c).
SHORTEST_ARCHIVE_TIMEOUT_SECONDS, LONGEST_ARCHIVE_TIMEOUT_SECONDS = 30, 300
SHORTEST_TARGET_SECONDS, LONGEST_TARGET_SECONDS = 30, 86_400
PARAMETER = "$parameter"
DECLARED = "declared"
"""Context of a validation that lets parameters through; the host itself reads no specification without its secrets."""
Port = Annotated[int, Field(ge=1, le=65535)]
TimescaleEdition = Literal["community", "apache"]
Pinned = Literal["postgresql", "timescaledb", "pgbackrest"]
PINNED: tuple[Pinned, ...] = ("postgresql", "timescaledb", "pgbackrest")
ArchiveTimeoutSeconds = Annotated[int, Field(ge=SHORTEST_ARCHIVE_TIMEOUT_SECONDS, le=LONGEST_ARCHIVE_TIMEOUT_SECONDS)]
ArchiveQueueMb = Annotated[int, Field(ge=64, le=1_048_576)]
DiskGb = Annotated[int, Field(ge=1)]
FullBackups = Annotated[int, Field(ge=1)]
TargetSeconds = Annotated[int, Field(ge=SHORTEST_TARGET_SECONDS, le=LONGEST_TARGET_SECONDS)]
Origin = Literal["new", "backup"]
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Extension = Literal["postgis", "vector", "timescaledb", "pg_cron", "pg_stat_statements", "pg_buffercache"]


class Parameter(str):
    """Name of a SecureString that stands for a secret until the host has fetched it; in JSON {"$parameter": NAME}."""

    __slots__ = ()


def matching(pattern: str, message: str) -> AfterValidator:
    """Refuses what does not match as a whole; `message` says what is allowed, and the value is not shown."""

    def checked(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise PydanticCustomError("form", message)
        return value

    return AfterValidator(checked)


def _secret(value: object, check: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    if isinstance(value, Parameter):
        return value
    if info.context == DECLARED and isinstance(value, Mapping) and value.keys() == {PARAMETER}:
        return Parameter(value[PARAMETER])
    return check(value)


def _named(value: str) -> str | dict[str, str]:
    return {PARAMETER: str(value)} if isinstance(value, Parameter) else value


def _major(value: int) -> int:
    if value not in MAJORS:
        raise PydanticCustomError("form", f"{', '.join(map(str, MAJORS[:-1]))} or {MAJORS[-1]} is needed")
    return value


def _printable(value: str) -> str:
    # What is more than one line could become a setting of its own in a file made from it.
    if not value.isprintable():
        raise PydanticCustomError("form", "one line of text is needed")
    return value


def _address(value: str) -> str:
    try:
        ip_address(value)
    except ValueError:
        raise PydanticCustomError("form", "is not an IP address") from None
    return value


def _network(value: str) -> str:
    try:
        network = ip_network(value)
    except ValueError:
        raise PydanticCustomError("form", "is not a network such as 192.0.2.0/24, whose last bits are zero") from None
    if network.prefixlen == 0:
        raise PydanticCustomError("form", "is open to the world; name the networks that need it")
    return value


# In place of a secret its parameter may stand.
OR_PARAMETER = WrapValidator(_secret)
AS_PARAMETER = PlainSerializer(_named, when_used="json-unless-none")
Line = Annotated[str, AfterValidator(_printable)]
Identifier = Annotated[
    str, matching(r"(?!pg_)[a-z_][a-z0-9_]{0,62}", "lower case letters, digits and _ are allowed, not pg_ in front")
]
BACKUP_LABEL = "[0-9]{8}-[0-9]{6}F(_[0-9]{8}-[0-9]{6}[DI])?"
"""As pgBackRest names a full backup, and one that builds on it."""
BackupLabel = Annotated[str, matching(BACKUP_LABEL, "a backup's label such as 20261121-093000F is needed")]
# A password outside printable ASCII would need SASLprep (RFC 4013), which clients do differently.
Password = Annotated[
    str,
    matching(r"[!-~]{8,200}", "8 to 200 printable ASCII characters without spaces are needed"),
    OR_PARAMETER,
    AS_PARAMETER,
]
SecretLine = Annotated[str, AfterValidator(_printable), OR_PARAMETER, AS_PARAMETER]
Hostname = Annotated[
    str,
    matching(
        r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", "is not a host name"
    ),
]
Address = Annotated[str, AfterValidator(_address)]
Network = Annotated[str, AfterValidator(_network)]
Stanza = Annotated[str, matching(r"[A-Za-z0-9_-]{1,60}", "letters, digits, _ and - are allowed")]
Device = Annotated[str, matching(r"/dev/[a-z0-9/]{1,60}", "is not a device such as /dev/xvdf")]
AbsolutePath = Annotated[str, matching(r"/[A-Za-z0-9_./-]{1,200}", "is not an absolute path")]
Version = Annotated[str, matching(r"[0-9]+(\.[0-9]+){1,2}", "is not a version such as 17.12")]
# Empty lines and comments would do no harm, but nobody writes them.
Pem = Annotated[
    str,
    matching(r"(-----BEGIN [A-Z ]+-----\n[A-Za-z0-9+/=\n]+-----END [A-Z ]+-----\n?)+", "is not a PEM file"),
    OR_PARAMETER,
    AS_PARAMETER,
]
Endpoint = Annotated[str, matching(r"[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?", "is not a host name with or without a port")]
Namespace = Annotated[
    str, matching(r"(?!AWS/)[A-Za-z0-9._/#:-]{1,255}", "letters, digits and ._/#:- are allowed, not AWS/ in front")
]
Major = Annotated[int, AfterValidator(_major)]
TimeOfDay = Annotated[str, matching("([01][0-9]|2[0-3]):[0-5][0-9]", "is not a time such as 07:15")]


class LoginMethod(StrEnum):
    """How a role may log in. Not what it may do once it is in."""

    PASSWORD = "password"
    SOCKET = "socket"
    """Peer login on the host itself, as the system's user that it is mapped to."""
    NONE = "none"


class Model(BaseModel):
    """A part of the specification: never changed, no field that nobody knows, no value taken for another type's."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Packages(Model):
    source: Literal["vendor", "debian"]
    """The repositories of PostgreSQL and Timescale, or whatever Debian itself has."""
    timescaledb_edition: TimescaleEdition
    versions: dict[Pinned, Version]
    """Pinned to these; empty for Debian's own."""


class Disk(Model):
    path: Device
    """Where the cloud attaches it; the kernel may give it another name."""
    size_gb: DiskGb


class Networks(Model):
    ssh_networks: tuple[Network, ...]
    database_networks: tuple[Network, ...]
    """Who reaches PostgreSQL's port from outside, each with a client certificate; none with a tunnel."""


class Schema(Model):
    name: Identifier
    data_class: Literal["regulated", "personal", "public", "none"]


class Role(Model):
    name: Identifier
    password: Password | None = Field(repr=False)
    """Only with login method `password`."""
    # The name in specifications that hosts and the engine's state hold.
    login_method: LoginMethod = Field(alias="way_in")
    reads: tuple[str, ...]
    """Schemas whose tables it may read."""
    writes: tuple[str, ...]
    """Schemas whose rows it may add, change and delete; not read, unless `reads` says so."""
    creates: tuple[str, ...]
    """Schemas that it owns, with all that is in them."""
    connection_limit: int = Field(ge=1)
    is_monitor: bool
    """Sees the statistics of all sessions, and no table."""
    is_backup: bool
    """May do what pgBackRest does, and read no table."""
    acts_as: str | None
    """The role that it becomes on login: what it makes belongs to that one."""


class Postgres(Model):
    major: Major
    port: Port
    memory_mb: int = Field(ge=256)
    """What the whole server may use, not only its shared buffers."""
    cpus: int = Field(ge=1)
    database: Identifier
    extensions: tuple[Extension, ...]
    schemas: tuple[Schema, ...]
    origin: Origin
    """What an empty data directory becomes: a new cluster, or a standby restored from the backup repository."""
    restored_from: BackupLabel | None = None
    """The backup that it is restored from, with what the log has after it, be that all or not; else the newest."""
    is_serving: bool
    """Whether clients are to write here; a standby that serves is promoted."""
    is_followed: bool = False
    """Whether its standby is to serve in its place: this host shuts nobody out before that was seen to follow."""
    roles: tuple[Role, ...]


class Tls(Model):
    hostnames: tuple[Hostname, ...] = Field(min_length=1)
    addresses: tuple[Address, ...]
    authorities: Pem
    """All that are trusted, one after the other."""
    certificate: Pem
    """The server's own."""
    key: Pem = Field(repr=False)


class Pooler(Model):
    port: Port
    roles: tuple[str, ...]
    pool_size: int = Field(ge=1)
    takes_plain: bool = False
    """Whether clients may come without TLS: the API's Worker, which has the tunnel's alone."""


class Tunnel(Model):
    token: SecretLine = Field(repr=False, min_length=1)


class Copy(Model):
    """The replicated repository, in another region; read only."""

    endpoint: Endpoint
    bucket: Line
    region: Line


class Schedule(Model):
    """When the repository is written and tried, UTC."""

    full_day: Day
    verify_day: Day
    time: TimeOfDay


class Backup(Model):
    stanza: Stanza
    endpoint: Endpoint
    """Host name, with a port where it is not 443."""
    bucket: Line
    region: Line
    uri_style: Literal["path", "host"]
    ca_file: AbsolutePath | None
    """Path on the host of the certificate authority to trust; the system's own when null."""
    key_type: Literal["shared", "process"]
    """A key of its own, or credentials of the host's identity that a program hands out."""
    key_id: Line | None
    key_secret: Line | None = Field(repr=False)
    cipher_passphrase: SecretLine = Field(repr=False, min_length=8)
    retention_full: FullBackups
    replica: Copy | None = Field(alias="copy")
    """`copy` in the specification, which is a method's name here."""
    schedule: Schedule
    archive_timeout_seconds: ArchiveTimeoutSeconds
    archive_queue_max_mb: ArchiveQueueMb
    """Most log that may wait for the store; more is dropped, so that the disk does not fill."""
    recovery_point_seconds: TargetSeconds
    """Target: what a lost host may take with it."""
    recovery_time_seconds: TargetSeconds
    """Target: from the decision to restore to a server that answers."""
    alarm_namespace: Namespace | None
    """CloudWatch's, for the metrics of the alarm; none are sent when null."""
    alarm_host: Line | None = None
    """The metrics' dimension Host; needed with a namespace."""


class Spec(Model):
    platform: Literal["lightsail", "container", "local"]
    packages: Packages
    disk: Disk | None
    """Holds the data directory; null leaves it on the root file system."""
    network: Networks
    postgres: Postgres
    tls: Tls
    pooler: Pooler
    tunnel: Tunnel | None
    backup: Backup


def written(spec: Spec) -> dict[str, Any]:
    """The specification as JSON data, with secrets by their parameters' names where it is only declared."""
    return spec.model_dump(mode="json", by_alias=True)
