"""What a database host is to become, as data: the shape of a specification, and what each single value may be."""

import re
from ipaddress import ip_address, ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError


def matching(pattern: str, words: str) -> AfterValidator:
    """Refuses what does not match as a whole; `words` say what is allowed, and the value is not shown."""

    def checked(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise PydanticCustomError("form", words)
        return value

    return AfterValidator(checked)


def _printable(value: str) -> str:
    # What is more than one line could become a setting of its own in a file made from it.
    if not value.isprintable():
        raise PydanticCustomError("form", "one line of text is needed")
    return value


def _address(value: str) -> str:
    try:
        ip_address(value)
    except ValueError:
        raise PydanticCustomError("form", "is no IP address") from None
    return value


def _network(value: str) -> str:
    try:
        network = ip_network(value)
    except ValueError:
        raise PydanticCustomError("form", "is no network such as 192.0.2.0/24, whose last bits are zero") from None
    if network.prefixlen == 0:
        raise PydanticCustomError("form", "is open to the whole world; name the networks that need it")
    return value


Line = Annotated[str, AfterValidator(_printable)]
Identifier = Annotated[
    str, matching(r"(?!pg_)[a-z_][a-z0-9_]{0,62}", "lower case letters, digits and _ are allowed, not pg_ in front")
]
# A password outside printable ASCII would need SASLprep (RFC 4013), which clients do differently.
Password = Annotated[str, matching(r"[!-~]{8,200}", "8 to 200 printable ASCII characters without spaces are needed")]
Hostname = Annotated[str, matching(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", "is no host name")]
Address = Annotated[str, AfterValidator(_address)]
Network = Annotated[str, AfterValidator(_network)]
Stanza = Annotated[str, matching(r"[A-Za-z0-9_-]{1,60}", "letters, digits, _ and - are allowed")]
Device = Annotated[str, matching(r"/dev/[a-z0-9/]{1,60}", "is no device such as /dev/xvdf")]
AbsolutePath = Annotated[str, matching(r"/[A-Za-z0-9_./-]{1,200}", "is no absolute path")]
Version = Annotated[str, matching(r"[0-9]+(\.[0-9]+){1,2}", "is no version such as 17.12")]
# Empty lines and comments would do no harm, but nobody writes them.
Pem = Annotated[str, matching(r"(-----BEGIN [A-Z ]+-----\n[A-Za-z0-9+/=\n]+-----END [A-Z ]+-----\n?)+", "is no PEM")]
Endpoint = Annotated[str, matching(r"[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?", "is no host name with or without a port")]
Namespace = Annotated[
    str, matching(r"(?!AWS/)[A-Za-z0-9._/#:-]{1,255}", "letters, digits and ._/#:- are allowed, not AWS/ in front")
]
Port = Annotated[int, Field(ge=1, le=65535)]
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Extension = Literal["postgis", "vector", "timescaledb", "pg_cron", "pg_stat_statements", "pg_buffercache"]


class Model(BaseModel):
    """A part of the specification: never changed, no field that nobody knows, no value taken for another type's."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Packages(Model):
    source: Literal["vendor", "debian"]
    """The repositories of PostgreSQL and Timescale, or whatever Debian itself has."""
    timescaledb_edition: Literal["community", "apache"]
    versions: dict[Literal["postgresql", "timescaledb", "pgbackrest"], Version]
    """Pinned to these; empty for Debian's own."""


class Disk(Model):
    path: Device
    """Where the cloud attaches it; the kernel may give it another name."""
    size_gb: int = Field(ge=1)


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
    """Only with way_in password."""
    way_in: Literal["password", "socket", "none"]
    """By socket is for the host's own user `postgres`; none is for roles that only own."""
    reads: tuple[str, ...]
    """Schemas whose tables it may read."""
    writes: tuple[str, ...]
    """Schemas whose rows it may add, change and delete; not read, unless `reads` says so."""
    creates: tuple[str, ...]
    """Schemas that it owns, with all that is in them."""
    connection_limit: int = Field(ge=1)
    is_monitor: bool
    is_backup: bool
    """May do what pgBackRest does, and read no table."""
    acts_as: str | None
    """The role that it becomes on login: what it makes belongs to that one."""


class Postgres(Model):
    major: Literal[15, 16, 17, 18]
    port: Port
    memory_mb: int = Field(ge=256)
    """What the whole server may use, not only its shared buffers."""
    cpus: int = Field(ge=1)
    database: Identifier
    extensions: tuple[Extension, ...]
    schemas: tuple[Schema, ...]
    origin: Literal["new", "backup"]
    """What an empty data directory becomes: a new cluster, or a standby restored from the backup repository."""
    is_serving: bool
    """Whether clients are to write here; a standby that serves is promoted."""
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


class Tunnel(Model):
    token: Line = Field(repr=False, min_length=1)


class Copy(Model):
    """The replicated repository, in another region; read only."""

    endpoint: Endpoint
    bucket: Line
    region: Line


class Schedule(Model):
    """When the repository is written and tried, UTC."""

    full_day: Day
    verify_day: Day
    time: Annotated[str, matching(r"([01][0-9]|2[0-3]):[0-5][0-9]", "is no time such as 07:15")]


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
    cipher_passphrase: Line = Field(repr=False, min_length=8)
    retention_full: int = Field(ge=1)
    replica: Copy | None = Field(alias="copy")
    """`copy` in the specification, which is a method's name here."""
    schedule: Schedule
    archive_timeout_seconds: int = Field(ge=10, le=300)
    archive_queue_max_mb: int = Field(ge=64, le=1048576)
    """Log that waits for the store; what is over it is dropped, so that the disk does not fill."""
    recovery_point_seconds: int = Field(ge=30, le=86400)
    """Target: what a lost host may take with it."""
    recovery_time_seconds: int = Field(ge=30, le=86400)
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
