"""The statements that bring a role to what is declared: attributes, password, settings and groups."""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterator

from host.database.state import RoleState, State
from host.specification.model import Role

ITERATIONS = 4096  # PostgreSQL's own scram_iterations.
MONITORS = "pg_monitor"
BACKUPS = "pg_read_all_settings"
# Of pooled roles, which serve requests: nobody waits longer, and a connection is one of few. Migrations may take long.
STATEMENT_TIMEOUT = "10s"
ABSENT = RoleState(verifier=None, connection_limit=-1, is_plain=False, groups=frozenset())


def verifier(password: str, salt: bytes | None = None) -> str:
    """`SCRAM-SHA-256$iterations:salt$stored key:server key` (PostgreSQL, pg_authid); a new salt unless given one."""
    salt = salt or secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${ITERATIONS}:{_text(salt)}${_text(stored_key)}:{_text(server_key)}"


def matches(stored: str | None, password: str) -> bool:
    """Whether a server that stores this verifier lets in who knows the password; false for any other kind."""
    parts = (stored or "").split("$")
    if len(parts) != 3 or parts[0] != "SCRAM-SHA-256" or not parts[1].startswith(f"{ITERATIONS}:"):
        return False
    salt = b64decode(parts[1].partition(":")[2])
    return hmac.compare_digest(verifier(password, salt), stored or "")


def _text(raw: bytes) -> str:
    return b64encode(raw).decode()


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
