"""The statements that bring a role to what is declared: attributes, password, settings and groups."""

from collections.abc import Iterator

from host.facts.database_state import RoleState, State
from host.scram import matches, verifier
from host.specification.model import Role

MONITORS = "pg_monitor"
BACKUPS = "pg_read_all_settings"
# Of pooled roles, which serve requests: nobody waits longer, and a connection is one of few. Migrations may take long.
STATEMENT_TIMEOUT = "10s"
ABSENT = RoleState(verifier=None, connection_limit=-1, is_plain=False, groups=frozenset())


def role_sql(role: Role, state: State, pooled: str | None) -> Iterator[str]:
    """The server is sent a verifier, so that no log or statistic holds the password; `pooled` is the pooler's own."""
    present = state.roles.get(role.name, ABSENT)
    if role.name not in state.roles:
        yield f'CREATE ROLE "{role.name}";'
    if not present.is_plain or present.connection_limit != role.connection_limit:
        # Also a role that nobody logs in as: pg_cron and TimescaleDB run jobs only of roles that could.
        yield (
            f'ALTER ROLE "{role.name}" LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS'
            f" CONNECTION LIMIT {role.connection_limit};"
        )
    yield from _password(role, present, pooled)
    yield from _settings(role, present, is_pooled=pooled is not None)
    yield from _groups(role, present)


def settings(role: Role, *, is_pooled: bool) -> dict[str, str]:
    """The role's own settings."""
    found = {"role": role.acts_as} if role.acts_as else {}
    return found | ({"statement_timeout": STATEMENT_TIMEOUT} if is_pooled else {})


def groups(role: Role) -> frozenset[str]:
    """The roles of which it is a member."""
    held = (role.acts_as, MONITORS if role.is_monitor else None, BACKUPS if role.is_backup else None)
    return frozenset(name for name in held if name)


def _password(role: Role, present: RoleState, pooled: str | None) -> Iterator[str]:
    if role.password is None:
        if present.verifier is not None:
            yield f'ALTER ROLE "{role.name}" PASSWORD NULL;'
        return
    is_right = present.verifier == pooled if pooled else matches(present.verifier, role.password)
    if not is_right:
        yield f"ALTER ROLE \"{role.name}\" PASSWORD '{pooled or verifier(role.password)}';"


def _settings(role: Role, present: RoleState, *, is_pooled: bool) -> Iterator[str]:
    wanted = settings(role, is_pooled=is_pooled)
    held = dict(entry.split("=", 1) for entry in present.settings)
    for name in sorted(held.keys() - wanted.keys()):
        yield f'ALTER ROLE "{role.name}" RESET "{name}";'
    for name, value in wanted.items():
        if held.get(name) != value:
            yield f'ALTER ROLE "{role.name}" SET "{name}" = \'{value}\';'


def _groups(role: Role, present: RoleState) -> Iterator[str]:
    wanted = groups(role)
    yield from (f'GRANT "{group}" TO "{role.name}";' for group in sorted(wanted - present.groups))
    yield from (f'REVOKE "{group}" FROM "{role.name}";' for group in sorted(present.groups - wanted))
