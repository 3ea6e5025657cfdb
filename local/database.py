"""The database's part: root file system, configuration by host/, PostgreSQL and its pooler, and migrations."""

import json
import os
import sys
from collections.abc import Mapping
from signal import SIGHUP
from typing import Any
from urllib.parse import quote, urlencode

from local import root_filesystem
from local.errors import LocalError
from local.host_spec import MAJOR, OBJECTS_CA
from local.part import Part
from local.stack import Progress, Stack, in_root
from local.supervisor import Outcome

APPLY_SECONDS = 180
SCHEMA_OF_RECORD = "regulated"
"""Where the migration tool keeps its own tables: out of sight of the public role."""
MIGRATOR = "migrator"
MIGRATIONS = "apps/worker/migrations"


def ensure_root(stack: Stack, progress: Progress) -> bool:
    """Has the host's root file system in place; whether it had to be made."""
    if stack.state.root.exists():
        return False
    tar = root_filesystem.cached(progress)
    progress("unpacking the root file system")
    root_filesystem.unpack(tar, stack.state.root)
    return True


def trust_objects(stack: Stack) -> None:
    """Lets the host check the certificate of the local S3."""
    target = f"{stack.state.root}{OBJECTS_CA}"
    answer = stack.inside(["install", "-D", "-m", "644", str(stack.state.tls / "ca.crt"), target], seconds=10)
    if answer.returncode:
        raise LocalError(f"{target}: can't be written: {answer.stderr.strip()}")


def apply(stack: Stack, stage: str) -> dict[str, Any]:
    """Applies one stage of host/ and returns its report. Raises LocalError that names what failed."""
    command = [sys.executable, "-P", "-m", "host.apply", str(stack.state.host_file), "--root", str(stack.state.root)]
    answer = stack.inside(["env", f"PYTHONPATH={stack.project}", *command, "--stage", stage], seconds=APPLY_SECONDS)
    try:
        report: dict[str, Any] = json.loads(answer.stdout)
    except ValueError:
        raise LocalError(f"host ({stage}): {answer.stderr.strip() or 'ended without a word'}") from None
    if answer.returncode:
        faults = "; ".join(f"{failure['operation']}: {failure['error']}" for failure in report["failed"])
        raise LocalError(f"host ({stage}): {faults}")
    return report


def postgres_part(stack: Stack) -> Part:
    """PostgreSQL in the foreground; SIGINT is its fast shutdown."""
    programs, settings = f"/usr/lib/postgresql/{MAJOR}/bin", f"/etc/postgresql/{MAJOR}/main"
    return Part(
        name="postgres",
        command=in_root(stack.state.root, [f"{programs}/postgres", "-D", settings]),
        stop_signal="INT",
        stop_seconds=60,
    )


def pooler_part(stack: Stack) -> Part:
    return Part(
        name="pooler",
        command=in_root(stack.state.root, ["/usr/sbin/pgbouncer", "/etc/pgbouncer/pgbouncer.ini"]),
        stop_signal="INT",
    )


def ensure_part(stack: Stack, part: Part, report: Mapping[str, Any]) -> Outcome:
    """Starts a part, or has a running one take up the settings that host/ changed."""
    outcome = stack.supervisor.ensure(part)
    if outcome is not Outcome.UNCHANGED:
        return outcome
    if part.name in report["restart"]:
        stack.supervisor.restart(part.name)
        return Outcome.RESTARTED
    if part.name in report["reload"]:
        stack.supervisor.signal(part.name, SIGHUP)
    return outcome


def wait_ready(stack: Stack, part: str, role: str, host: Mapping[str, Any]) -> None:
    """Returns when a role can log in over TLS: a stronger sign than an open port."""
    port = stack.ports.postgres if part == "postgres" else stack.ports.pooler

    def answers() -> bool:
        import psycopg

        try:
            with psycopg.connect(conninfo(stack, host, role, port), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    stack.supervisor.wait_ready(part, answers)


def wait_socket(stack: Stack) -> None:
    """Returns when PostgreSQL answers on its own socket, which it does before any role exists."""
    probe = [
        f"/usr/lib/postgresql/{MAJOR}/bin/pg_isready",
        "-q",
        "-h",
        "/run/postgresql",
        "-p",
        str(stack.ports.postgres),
    ]
    stack.supervisor.wait_ready("postgres", lambda: stack.in_host(probe, seconds=10).returncode == 0)


def conninfo(stack: Stack, host: Mapping[str, Any], role: str, port: int) -> str:
    """A libpq connection URI for a declared role, with the server's certificate checked to the full."""
    password = next(declared["password"] for declared in host["postgres"]["roles"] if declared["name"] == role)
    options = urlencode({"sslmode": "verify-full", "sslrootcert": str(stack.database_ca)})
    return f"postgresql://{role}:{quote(password, safe='')}@localhost:{port}/{host['postgres']['database']}?{options}"


def migrate(stack: Stack, host: Mapping[str, Any]) -> int:
    """Runs the migrations that are still to be run, directly and not through the pooler; how many there were."""
    import yoyo

    uri = conninfo(stack, host, MIGRATOR, stack.ports.postgres).replace("postgresql://", "postgresql+psycopg://", 1)
    # libpq reads ~/.pgpass and PG* variables too; the migration tool writes its user's name into the log.
    os.environ.setdefault("USER", MIGRATOR)
    with yoyo.get_backend(f"{uri}&schema={SCHEMA_OF_RECORD}") as backend:
        migrations = yoyo.read_migrations(str(stack.project / MIGRATIONS))
        pending = backend.to_apply(migrations)
        if pending:
            with backend.lock():
                backend.apply_migrations(backend.to_apply(migrations))
        return len(pending)
