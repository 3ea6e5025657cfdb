"""Apply a stage of the playbook to a host: python -m host.apply SPEC --root DIR --stage STAGE [--dry].

Prints a JSON object on a line: what changed (with --dry: would change), what failed, and which services need a restart
or a reload for it. Another --stage is applied where those before it found nothing to do, and prints another line.
The stages, in their order, are those of STAGES; only those from `database` on need PostgreSQL running.
"""

import atexit
import gc

if __name__ == "__main__":
    # Loading the libraries is half the time of an application that finds nothing to do; collecting garbage meanwhile
    # would be a sixth of that, and at the end a quarter.
    gc.disable()
    atexit.register(gc.freeze)

import argparse
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from pyinfra.api.config import Config
from pyinfra.api.exceptions import ConnectError, NestedOperationError, PyinfraError
from pyinfra.api.inventory import Inventory
from pyinfra.api.state import State
from pyinfra.context import ctx_host, ctx_state, host

from host import commands
from host.backup import credentials, repository
from host.common import layout
from host.common.facts import IsNewer
from host.common.rendering import RefusedError
from host.common.report import Failure, Report
from host.database import cluster, contents, pooler, services
from host.machine import disk, logs
from host.network import firewall, tls, tunnel
from host.packages import install, upgrade
from host.specification.model import Spec
from host.specification.reading import SpecError, load

RESTARTS = {"PostgreSQL settings": "postgres", "pooler settings": "pooler"}
RELOADS = {
    "client authentication rules": ("postgres",),
    "user name map": ("postgres",),
    "server certificate": ("postgres", "pooler"),
    "pooler passwords": ("pooler",),
}


class FailureMessages(logging.Handler):
    """Keeps what pyinfra says of failures; it never holds the statements or the content of a file."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage().strip())


def apply_machine(spec: Spec) -> None:
    """What a container and a namespace have from the machine around them."""
    if spec.platform != "lightsail":
        return
    firewall.apply(spec)
    disk.apply(spec.disk)
    install.apply_security_updates(spec)
    logs.apply()
    credentials.apply(spec)


def apply_files(spec: Spec) -> None:
    disk.guard(spec.disk)
    contents.guard_standby(spec)
    # While it is still fenced.
    contents.begin_again(spec, repository.later_major, repository.ahead_fault)
    refused = tls.apply(spec.tls)
    # A restore needs pgBackRest's settings.
    repository.apply_settings(spec)
    if spec.postgres.origin == "backup":
        credentials.needed(spec)
    cluster.apply(spec, repository.newest)
    pooler.apply(spec)
    if refused:
        raise refused


def apply_database(spec: Spec) -> None:
    contents.apply(spec, repository.later_major)


def apply_services(spec: Spec) -> None:
    # Before the database changes sides: the tunnel leads only to a host that serves.
    tunnel.end(spec)
    services.apply(spec)


STAGES: dict[str, Callable[[Spec], None]] = {
    "packages": install.apply,
    "machine": apply_machine,
    "files": apply_files,
    "services": apply_services,
    "database": apply_database,
    "upgrade": upgrade.apply,
    "tunnel": tunnel.apply,
    # Last: a store that does not answer keeps nothing else from being done.
    "backups": repository.apply,
}
"""Stages in the order in which they are applied."""


def apply(spec: Spec, root: Path, stage: str, *, is_dry: bool) -> Report:
    """Bring the host to what the specification says; is_dry only looks."""
    messages = FailureMessages()
    logging.getLogger("pyinfra").addHandler(messages)
    try:
        return _applied(spec, root, stage, messages, is_dry=is_dry)
    finally:
        logging.getLogger("pyinfra").removeHandler(messages)


def _applied(spec: Spec, root: Path, stage: str, messages: FailureMessages, *, is_dry: bool) -> Report:
    with _connected(root, is_dry=is_dry) as state:
        failure, refused = None, None
        try:
            STAGES[stage](spec)
        except (NestedOperationError, PyinfraError):
            failure = "; ".join(messages.lines)
        except RefusedError as error:
            refused = error
        report = _report(state, failure)
        if refused:
            report.may_go_on = refused.may_go_on and not report.failed
            report.failed.append(Failure(operation=refused.operation, error=str(refused)))
        if stage == "files" and failure is None:
            report.restart = sorted({*report.restart, *_outdated(spec)})
        return report


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="host.apply", description="Apply the playbook to a database host.")
    parser.add_argument("spec", type=Path, help="JSON file that says what the host is to become")
    parser.add_argument("--root", type=Path, required=True, help="root file system; / for this machine itself")
    parser.add_argument("--stage", dest="stages", action="append", choices=tuple(STAGES), required=True)
    parser.add_argument("--dry", action="store_true", help="only say what would change")
    options = parser.parse_args(arguments)
    prepare_process(options.root)
    for stage in options.stages:
        try:
            report = apply(load(options.spec), options.root, stage, is_dry=options.dry)
        except (SpecError, ConnectError) as error:
            print(error, file=sys.stderr)
            return 1
        for failure in report.failed:
            print(failure, file=sys.stderr)
        print(json.dumps(asdict(report)), flush=True)
        if not report.is_idle:
            break
    return 1 if report.failed else 0


@contextmanager
def _connected(root: Path, *, is_dry: bool) -> Iterator[State]:
    """pyinfra's state with the host connected; each operation is carried out where it is declared, unless is_dry."""
    name = "@local" if root == Path("/") else f"@chroot/{root.resolve()}"
    inventory, config = Inventory(([name], {})), Config()  # type: ignore[no-untyped-call]
    state = State(inventory, config, check_for_changes=is_dry)
    (target,) = inventory
    target.connect(raise_exceptions=True)
    state.activate_host(target)
    state.is_executing = not is_dry
    with ctx_state.use(state), ctx_host.use(target):
        yield state
    target.disconnect()


def _report(state: State, failure: str | None) -> Report:
    report = Report()
    (target,) = state.inventory
    for operation, data in state.ops[target].items():
        (name,) = state.get_op_meta(operation).names
        meta = data.operation_meta
        if meta.is_complete() and meta.did_error():
            report.failed.append(Failure(operation=name, error=failure or ""))
        elif state.is_executing and not meta.is_complete():
            # It refused in the middle, and asking what it would change would only have it refuse again.
            continue
        elif meta.changed:
            report.changed.append(name)
        else:
            report.unchanged += 1
    if failure is not None and not report.failed:
        report.failed.append(Failure(operation="reading the host's state", error=failure))
    report.restart = [RESTARTS[name] for name in report.changed if name in RESTARTS]
    report.reload = sorted({part for name in report.changed for part in RELOADS.get(name, ())})
    return report


def _outdated(spec: Spec) -> Iterator[str]:
    """Services that run with older settings, as after an application that was killed before the restart."""
    major = spec.postgres.major
    if host.get_fact(
        IsNewer, path=f"{layout.settings(major)}/postgresql.conf", than=f"{layout.data(major)}/postmaster.pid"
    ):
        yield "postgres"
    if host.get_fact(IsNewer, path=layout.POOLER_SETTINGS, than=layout.POOLER_PID):
        yield "pooler"


def prepare_process(root: Path) -> None:
    # No setting of the caller's own libpq or pgBackRest may redirect what runs in the host.
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    # chroot is in sbin, which is not on an ordinary user's PATH; and the root has no other folders of programs.
    programs = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), *programs])
    commands.install()
    # pyinfra lays files ready in the temporary folder, secrets among them: in memory, a kill leaves none behind.
    tempfile.tempdir = str(root / "run")


if __name__ == "__main__":
    logging.getLogger("pyinfra").setLevel(logging.ERROR)
    sys.exit(main())
