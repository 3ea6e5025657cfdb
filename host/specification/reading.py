"""Reads a specification, with every fault named at once: of its single values, or of what they say together."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from host.specification.model import (
    DECLARED,
    LOOPBACK,
    MAINTENANCE_DATABASES,
    PINNED,
    RESERVED_DATABASES,
    Backup,
    Packages,
    Postgres,
    Role,
    Spec,
    Tls,
)

TAKEN = frozenset({"extensions", "cron", "monitoring", "information_schema"})
"""Schemas that the host itself makes."""


class SpecError(Exception):
    """The specification is refused; the message has one line a fault, and shows no secret."""


def load(path: Path) -> Spec:
    """Read and check a specification; raises SpecError."""
    try:
        value = json.loads(path.read_text())
    except OSError as error:
        raise SpecError(f"{path}: can't be read: {error.strerror}") from error
    except ValueError as error:
        raise SpecError(f"{path}: not readable as JSON: {error}") from error
    return parse(value)


def declared(value: object) -> Spec:
    """A specification that names its secrets, as whoever declares a host has written it; raises SpecError."""
    return _read(value, DECLARED)


def parse(value: object) -> Spec:
    """The specification in plain JSON data; raises SpecError with all faults of its values, or else of their sum."""
    spec = _read(value, None)
    found = list(faults(spec))
    if found:
        raise SpecError("\n".join(found))
    return spec


def _read(value: object, context: str | None) -> Spec:
    try:
        # Strict as JSON is: a list becomes a tuple, and nothing else another type.
        return Spec.model_validate_json(json.dumps(value), context=context)
    except ValidationError as error:
        lines = [f"{_path(found, value)}: {_message(found)}" for found in error.errors(include_url=False)]
        raise SpecError("\n".join(lines)) from None


def _path(found: ErrorDetails, value: object) -> str:
    """Where the fault is, a role by its name: `spec.postgres.roles.app.password`."""
    return ".".join(["spec", *_steps(found["loc"], value)])


def _steps(location: tuple[int | str, ...], value: object) -> Iterator[str]:
    for step in location:
        held: object = None
        if isinstance(value, Mapping):
            held = value.get(step)
        elif isinstance(value, list) and isinstance(step, int):
            held = value[step]
        name = held.get("name") if isinstance(held, Mapping) else None
        yield name if isinstance(step, int) and isinstance(name, str) and name.isidentifier() else str(step)
        value = held


def _message(found: ErrorDetails) -> str:
    kind = found["type"]
    if kind == "missing":
        return "missing"
    if kind == "extra_forbidden":
        return "unknown"
    return found["msg"][0].lower() + found["msg"][1:]


def faults(spec: Spec) -> Iterator[str]:
    """One line a fault: where, what, and what is allowed; never a secret."""
    roles = {role.name: role for role in spec.postgres.roles}
    yield from _package_faults(spec.packages, spec.postgres.major)
    if spec.tunnel and spec.network.database_networks:
        yield "spec.network.database_networks: with a tunnel nobody reaches PostgreSQL's port from outside; leave empty"
    if spec.postgres.port == spec.pooler.port:
        yield f"spec.pooler.port: {spec.pooler.port} is PostgreSQL's"
    yield from _name_faults(spec.postgres)
    yield from _tls_faults(spec.tls)
    for role in spec.postgres.roles:
        yield from _role_faults(role, roles, {schema.name for schema in spec.postgres.schemas})
    yield from _role_set_faults(spec.postgres)
    yield from _pooler_faults(spec, roles)
    yield from _backup_faults(spec.backup)


def _package_faults(packages: Packages, major: int) -> Iterator[str]:
    where = "spec.packages.versions"
    if packages.source == "vendor":
        yield from (f"{where}.{name}: missing" for name in PINNED if name not in packages.versions)
        pinned = packages.versions.get("postgresql")
        if pinned and pinned.partition(".")[0] != str(major):
            yield f"{where}.postgresql: {pinned} is not of PostgreSQL {major}"
        return
    if packages.versions:
        yield f"{where}: Debian has one version of each; leave empty"
    if packages.timescaledb_edition != "apache":
        yield "spec.packages.timescaledb_edition: Debian has the apache edition only"


def _name_faults(postgres: Postgres) -> Iterator[str]:
    schemas, roles = [schema.name for schema in postgres.schemas], [role.name for role in postgres.roles]
    for where, names in (("extensions", postgres.extensions), ("schemas", schemas), ("roles", roles)):
        for name, count in Counter(names).items():
            if count > 1:
                yield f"spec.postgres.{where}: {name!r} is declared {count} times"
    for name in sorted(TAKEN & set(schemas)):
        yield f"spec.postgres.schemas: {name!r} is taken by the host itself"
    if postgres.database in MAINTENANCE_DATABASES:
        yield f"spec.postgres.database: {postgres.database!r} is PostgreSQL's own"
    if postgres.database in RESERVED_DATABASES:
        yield f"spec.postgres.database: {postgres.database!r} is a name that PgBouncer or pg_hba.conf reserves"
    if "postgres" in roles:
        yield "spec.postgres.roles: 'postgres' is the superuser, reached only from the host itself"
    if "public" in roles:
        yield "spec.postgres.roles: 'public' means all roles"


def _tls_faults(tls: Tls) -> Iterator[str]:
    if LOOPBACK not in tls.addresses:
        yield f"spec.tls.addresses: {LOOPBACK} is missing; the tunnel and clients on the host reach PostgreSQL there"
    for name, kind in (("authorities", "CERTIFICATE"), ("certificate", "CERTIFICATE"), ("key", "PRIVATE KEY")):
        if f"{kind}-----" not in getattr(tls, name).partition("\n")[0]:
            yield f"spec.tls.{name}: a PEM of kind {kind} is needed"


def _role_faults(role: Role, roles: Mapping[str, Role], schemas: set[str]) -> Iterator[str]:
    where = f"spec.postgres.roles.{role.name}"
    if role.login_method == "password" and role.password is None:
        yield f"{where}.password: missing; a role that logs in by password needs one"
    if role.login_method != "password" and role.password is not None:
        yield f"{where}.password: only a role that logs in by password has one"
    for act in ("reads", "writes", "creates"):
        unknown = set(getattr(role, act)) - schemas
        yield from (f"{where}.{act}: {name} is not a declared schema" for name in sorted(unknown))
    if role.acts_as is None:
        return
    target = roles.get(role.acts_as)
    if target is None or target is role:
        yield f"{where}.acts_as: {role.acts_as} is not another declared role"
    elif target.acts_as is not None:
        yield f"{where}.acts_as: {role.acts_as} acts as another itself"
    if role.creates:
        yield f"{where}.creates: what it makes belongs to {role.acts_as}; only that role creates"


def _role_set_faults(postgres: Postgres) -> Iterator[str]:
    backups = [role for role in postgres.roles if role.is_backup]
    if len(backups) > 1:
        names = ", ".join(role.name for role in backups)
        yield f"spec.postgres.roles: {names}: one role at most is for backups"
    for role in backups:
        if role.login_method != "socket":
            yield f"spec.postgres.roles.{role.name}.way_in: {role.login_method}; pgBackRest comes over the socket"
    for name, count in Counter(schema for role in postgres.roles for schema in role.creates).items():
        if count > 1:
            yield f"spec.postgres.roles: {count} create in the schema {name!r}; it has one owner"


def _pooler_faults(spec: Spec, roles: Mapping[str, Role]) -> Iterator[str]:
    for name in spec.pooler.roles:
        if name not in roles:
            yield f"spec.pooler.roles: {name} is not a declared role"
        elif roles[name].login_method != "password":
            yield f"spec.pooler.roles: {name} has no password to log in with"
        elif roles[name].connection_limit < spec.pooler.pool_size:
            limit = roles[name].connection_limit
            yield f"spec.pooler.pool_size: {spec.pooler.pool_size}; {name} may open {limit} connections at most"


def _backup_faults(backup: Backup) -> Iterator[str]:
    for name in ("key_id", "key_secret"):
        is_there = getattr(backup, name) is not None
        if is_there != (backup.key_type == "shared"):
            yield f"spec.backup.{name}: " + ("only key_type shared has one" if is_there else "missing")
    if backup.alarm_namespace is not None and not backup.alarm_host:
        yield "spec.backup.alarm_host: missing; with alarm_namespace the metrics need the host's name"
    if backup.replica and (backup.replica.endpoint, backup.replica.bucket) == (backup.endpoint, backup.bucket):
        yield f"spec.backup.copy.bucket: {backup.bucket} is the repository itself"
