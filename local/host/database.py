"""PostgreSQL and its pooler: where they run on this machine, the steps that bring them up, and commands beside them."""

import os
import signal
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, urlencode

from host.common.layout import PROMOTE_WITHOUT_MARK, SOCKETS, programs
from host.common.report import Report
from host.specification.model import Spec
from local.common.errors import LocalError
from local.host import migrations
from local.host.container import Container
from local.host.realisation import UNCHANGED, Realisation
from local.host.runtime import HostRuntime, Namespaces, is_answering
from local.host.spec import running
from local.processes.program import Program
from local.processes.stack import Stack
from local.processes.supervisor import Outcome

# What a login there would set: PostgreSQL's programs find the server by it.
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
# A container first applies all of host/; in namespaces only a recovery takes long.
START_SECONDS = 120


def runtimes(stack: Stack) -> tuple[HostRuntime, ...]:
    """The best first."""
    return Namespaces(stack), Container(stack)


def runtime(stack: Stack) -> HostRuntime:
    """The runtime that the stack's database was made in; for one not made yet, the preferred one."""
    return next((found for found in runtimes(stack) if found.is_made), runtimes(stack)[0])


def choose(stack: Stack) -> HostRuntime:
    """The runtime that the stack's database was made in, or else the best that this machine has. Raises LocalError."""
    faults = []
    for found in [made for made in runtimes(stack) if made.is_made] or runtimes(stack):
        lacking = found.faults()
        if not lacking:
            return found
        faults += lacking
    raise LocalError("\n".join(faults))


def ensure_program(stack: Stack, program: Program, report: Report) -> Outcome:
    """Starts a program, or has a running one take up the settings that host/ changed."""
    outcome = stack.supervisor.ensure(program)
    if outcome is not Outcome.UNCHANGED:
        return outcome
    if program.name in report.restart:
        stack.supervisor.restart(program.name)
        return Outcome.RESTARTED
    if program.name in report.reload:
        stack.supervisor.signal(program.name, signal.SIGHUP)
    return outcome


def wait_ready(stack: Stack, part: str, role: str, host: Spec) -> None:
    """Returns when a role can log in to the pooler over TLS: a stronger sign than an open port."""

    def answers() -> bool:
        import psycopg

        try:
            with psycopg.connect(conninfo(stack, host, role, stack.ports.pooler), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    stack.supervisor.wait_ready(part, answers)


def wait_socket(stack: Stack, here: HostRuntime) -> None:
    """Returns when the host answers on its own socket."""
    stack.supervisor.wait_ready(here.postgres.name, lambda: is_answering(here), START_SECONDS)


def start_postgres(realisation: Realisation) -> str:
    report = realisation.runtime.prepare()
    try:
        return _started(realisation, report)
    except LocalError:
        # The log of a standby may have been written with larger settings than its backup was: PostgreSQL ends when it
        # comes there, and from then on its control file has them.
        report = realisation.runtime.prepare()
        if realisation.runtime.postgres.name not in report.restart:
            raise
        return _started(realisation, report)


def _started(realisation: Realisation, report: Report) -> str:
    realisation.report = report
    outcome = ensure_program(realisation.stack, realisation.runtime.postgres, report)
    wait_socket(realisation.stack, realisation.runtime)
    return _told(outcome, report)


def apply_stage(realisation: Realisation) -> str:
    """Roles, extensions and rights, by host/; before them a restored server is promoted."""
    if realisation.serving.is_restored and realisation.serving.is_serving:
        let_serve(realisation.runtime, realisation.host)
    return _told(Outcome.UNCHANGED, realisation.runtime.apply("database"))


def start_pooler(realisation: Realisation) -> str:
    pooler = realisation.runtime.pooler
    outcome = ensure_program(realisation.stack, pooler, realisation.report)
    for role in realisation.host.pooler.roles:
        wait_ready(realisation.stack, pooler.name, role, realisation.host)
    return str(outcome)


def migrate(realisation: Realisation) -> str:
    applied = run_migrations(realisation)
    return f"{len(applied)} applied" if applied else UNCHANGED


def run_migrations(realisation: Realisation) -> list[str]:
    """Runs the migrations that are still to be run, directly and not through the pooler; returns their names."""
    from psycopg.conninfo import conninfo_to_dict

    stack = realisation.stack
    uri = conninfo(stack, realisation.host, migrations.ROLE, stack.ports.postgres)
    parameters = {name: str(value) for name, value in conninfo_to_dict(uri).items()}
    return migrations.apply(parameters, stack.project / migrations.FOLDER)


def _told(outcome: Outcome, report: Report) -> str:
    if outcome is not Outcome.UNCHANGED:
        return str(outcome)
    count = len(report.changed)
    return f"settings changed: {count}" if count else UNCHANGED


def let_serve(runtime: HostRuntime, host: Spec) -> None:
    """Promotes a restored server without waiting for the old primary; no-op once promoted."""
    if _asked(runtime, host, "SELECT pg_is_in_recovery()") == "t":
        runtime.permit(PROMOTE_WITHOUT_MARK)


def restored_up_to(stack: Stack) -> datetime | None:
    """When the last transaction was committed that the server, which was restored, has replayed; None where none was.

    Known until it is started again. Raises LocalError.
    """
    told = _asked(runtime(stack), running(stack), "SELECT pg_last_xact_replay_timestamp()")
    return datetime.fromisoformat(told) if told else None


def _asked(runtime: HostRuntime, host: Spec, query: str) -> str:
    postgres = host.postgres
    program = f"{programs(postgres.major)}/psql"
    place = ["-h", SOCKETS, "-p", str(postgres.port), "-d", postgres.database]
    answer = runtime.in_host([program, "-XAtq", *place, "-c", query])
    if answer.returncode:
        raise LocalError(f"restored server: does not answer: {answer.stderr.strip()}")
    return answer.stdout.strip()


def trust(stack: Stack, host: Spec) -> None:
    """Lets clients outside the host check its certificate."""
    _write_changed(stack, stack.database_ca, host.tls.authorities)


def trust_store(stack: Stack, authority: str) -> None:
    """Lets the host check the certificate of the S3 that holds its backups."""
    _write_changed(stack, stack.store_ca, authority)


def _write_changed(stack: Stack, path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        stack.state.write(path, text, mode=0o644)


def conninfo(stack: Stack, host: Spec, role: str, port: int) -> str:
    """A libpq connection URI for a declared role, with the server's certificate checked to the full."""
    password = next(
        declared.password for declared in host.postgres.roles if declared.name == role and declared.password
    )
    # libpq takes a plus sign for itself, not for a blank.
    options = urlencode({"sslmode": "verify-full", "sslrootcert": str(stack.database_ca)}, quote_via=quote)
    return f"postgresql://{role}:{quote(password, safe='')}@localhost:{port}/{host.postgres.database}?{options}"


def run_on_host(stack: Stack, argv: Sequence[str]) -> int:
    """Runs it as the host's user postgres, with the caller's terminal; its exit code as a shell says it.

    Raises LocalError.
    """
    here = runtime(stack)
    if not here.is_made:
        raise LocalError("the local stack does not run; start it with `./hybrid local up`")
    postgres = running(stack).postgres
    variables = {
        "HOME": "/nonexistent",
        "TERM": os.environ.get("TERM", "dumb"),
        "PGHOST": SOCKETS,
        "PGPORT": str(postgres.port),
        "PGDATABASE": postgres.database,
        "PSQL_HISTORY": "/dev/null",
    }
    # Set there, past the chroot: the caller's names folders that its user may not enter, and what is not found is then
    # said to be forbidden.
    command = here.terminal(["env", f"PATH={PATH}", *argv], tuple(variables))
    # No setting of the caller's own libpq may lead elsewhere.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    # Ctrl-C is the command's; a handler, because what is ignored stays ignored in a child.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        code = subprocess.run(command, env=inherited | variables, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)
    return 128 - code if code < 0 else code
