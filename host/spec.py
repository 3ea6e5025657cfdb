"""What a database host is to become, as data: read from JSON, with every fault named at once."""

import json
import re
import types
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}")
# A password outside printable ASCII would need SASLprep (RFC 4013), which clients do differently.
PASSWORD = re.compile(r"[!-~]{8,200}")
HOSTNAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
STANZA = re.compile(r"[A-Za-z0-9_-]{1,60}")
LOOPBACK = "127.0.0.1"


class SpecError(Exception):
    """The specification is refused; the message has one line a fault."""


@dataclass(frozen=True, kw_only=True)
class Schema:
    name: str
    data_class: Literal["regulated", "personal", "public", "none"]


@dataclass(frozen=True, kw_only=True)
class Role:
    name: str
    password: str = field(repr=False)
    reads: tuple[str, ...]
    """Schemas whose tables it may read."""
    writes: tuple[str, ...]
    """Schemas whose rows it may add, change and delete; not read, unless `reads` says so."""
    creates: tuple[str, ...]
    """Schemas in which it may create; it owns what it creates."""
    connection_limit: int
    is_monitor: bool


@dataclass(frozen=True, kw_only=True)
class Postgres:
    major: Literal[15, 16, 17]
    port: int
    memory_mb: int
    """What the whole server may use, not only its shared buffers."""
    cpus: int
    database: str
    extensions: tuple[Literal["postgis", "vector", "timescaledb", "pg_cron", "pg_stat_statements"], ...]
    schemas: tuple[Schema, ...]
    roles: tuple[Role, ...]


@dataclass(frozen=True, kw_only=True)
class Tls:
    hostnames: tuple[str, ...]
    addresses: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Pooler:
    port: int
    roles: tuple[str, ...]
    pool_size: int


@dataclass(frozen=True, kw_only=True)
class Backup:
    stanza: str
    endpoint: str
    """Host name, with a port where it is not 443."""
    bucket: str
    region: str
    uri_style: Literal["path", "host"]
    ca_file: str | None
    """Path on the host of the certificate authority to trust; the system's own when null."""
    key_id: str
    key_secret: str = field(repr=False)
    cipher_passphrase: str = field(repr=False)
    retention_full: int


@dataclass(frozen=True, kw_only=True)
class Spec:
    postgres: Postgres
    tls: Tls
    pooler: Pooler
    backup: Backup


def load(path: Path) -> Spec:
    """Read and check a specification; raises SpecError."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SpecError(f"{path}: not readable as JSON: {error}") from error
    return parse(value)


def parse(value: object) -> Spec:
    """The specification in plain JSON data; raises SpecError with all faults of its shape, or else of its meaning."""
    faults: list[str] = []
    spec = _read(Spec, value, "spec", faults)
    faults = faults or list(_faults(spec))
    if faults:
        raise SpecError("\n".join(faults))
    return spec  # type: ignore[no-any-return]


def _read(kind: Any, value: object, where: str, faults: list[str]) -> Any:
    """The value as the type `kind`; what does not fit becomes a fault, which never shows the value."""
    if is_dataclass(kind):
        return _read_fields(kind, value, where, faults)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is tuple and isinstance(value, list):
        return tuple(_read(inner[0], item, f"{where}[{index}]", faults) for index, item in enumerate(value))
    if origin in (Union, types.UnionType):
        return None if value is None else _read(inner[0], value, where, faults)
    if origin is Literal:
        fits = any(value == option and type(value) is type(option) for option in inner)
    else:
        # What is more than one line could become a setting of its own in a file made from it.
        fits = type(value) is kind and (not isinstance(value, str) or value.isprintable())
    if not fits:
        faults.append(f"{where}: {_expectation(kind)} is needed, not {type(value).__name__}")
    return value


def _read_fields(kind: Any, value: object, where: str, faults: list[str]) -> Any:
    if not isinstance(value, Mapping):
        faults.append(f"{where}: an object is needed, not {type(value).__name__}")
        return None
    hints = get_type_hints(kind)
    faults.extend(f"{where}.{name}: unknown; allowed: {', '.join(hints)}" for name in value if name not in hints)
    faults.extend(f"{where}.{item.name}: missing" for item in fields(kind) if item.name not in value)
    known = {name: _read(hints[name], value[name], f"{where}.{name}", faults) for name in hints if name in value}
    return kind(**known) if len(known) == len(hints) else None


def _expectation(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(str(option) for option in get_args(kind))
    if get_origin(kind) is tuple:
        return "a list"
    return "one line of text" if kind is str else f"a value of type {kind.__name__}"


def _faults(spec: Spec) -> Iterator[str]:
    postgres, schemas = spec.postgres, {schema.name for schema in spec.postgres.schemas}
    yield from _name_faults(spec)
    for name, port in (("postgres", postgres.port), ("pooler", spec.pooler.port)):
        if not 0 < port < 65536:
            yield f"spec.{name}.port: {port} is no port; allowed: 1 to 65535"
    if postgres.memory_mb < 256:
        yield f"spec.postgres.memory_mb: {postgres.memory_mb} is too little; at least 256"
    for where, number in (("postgres.cpus", postgres.cpus), ("pooler.pool_size", spec.pooler.pool_size)):
        if number < 1:
            yield f"spec.{where}: {number}; at least 1"
    yield from _tls_faults(spec.tls)
    if not STANZA.fullmatch(spec.backup.stanza):
        yield f"spec.backup.stanza: {spec.backup.stanza!r}: letters, digits, _ and - are allowed"
    for role in postgres.roles:
        yield from _role_faults(role, schemas)
    yield from _pooler_faults(spec.pooler, {role.name: role for role in postgres.roles})


def _name_faults(spec: Spec) -> Iterator[str]:
    schemas = [schema.name for schema in spec.postgres.schemas]
    roles = [role.name for role in spec.postgres.roles]
    for where, names in (("database", [spec.postgres.database]), ("schemas", schemas), ("roles", roles)):
        for name, count in Counter(names).items():
            if not IDENTIFIER.fullmatch(name) or name.startswith("pg_"):
                yield f"spec.postgres.{where}: {name!r}: lower case letters, digits and _, not pg_ in front"
            if count > 1:
                yield f"spec.postgres.{where}: {name!r} is declared {count} times"
    for name in {"extensions", "cron", "information_schema"} & set(schemas):
        yield f"spec.postgres.schemas: {name!r} is taken by the host itself"
    if "postgres" in roles:
        yield "spec.postgres.roles: 'postgres' is the superuser, reached only from the host itself"


def _tls_faults(tls: Tls) -> Iterator[str]:
    if not tls.hostnames:
        yield "spec.tls.hostnames: at least one is needed"
    for name in tls.hostnames:
        if not HOSTNAME.fullmatch(name):
            yield f"spec.tls.hostnames: {name!r} is no host name"
    for address in tls.addresses:
        try:
            ip_address(address)
        except ValueError:
            yield f"spec.tls.addresses: {address!r} is no IP address"
    if LOOPBACK not in tls.addresses:
        yield f"spec.tls.addresses: {LOOPBACK} is missing; the pooler reaches PostgreSQL there"


def _role_faults(role: Role, schemas: set[str]) -> Iterator[str]:
    where = f"spec.postgres.roles.{role.name}"
    if not PASSWORD.fullmatch(role.password):
        yield f"{where}.password: 8 to 200 printable ASCII characters without spaces are needed"
    for act in ("reads", "writes", "creates"):
        unknown = set(getattr(role, act)) - schemas
        yield from (f"{where}.{act}: {name} is no declared schema" for name in sorted(unknown))
    if role.connection_limit < 1:
        yield f"{where}.connection_limit: {role.connection_limit}; at least 1"


def _pooler_faults(pooler: Pooler, roles: Mapping[str, Role]) -> Iterator[str]:
    for name in pooler.roles:
        if name not in roles:
            yield f"spec.pooler.roles: {name} is no declared role"
        elif roles[name].connection_limit < pooler.pool_size:
            limit = roles[name].connection_limit
            yield f"spec.pooler.pool_size: {pooler.pool_size}; {name} may open {limit} connections at most"
