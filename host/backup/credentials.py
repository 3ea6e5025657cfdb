"""Gives pgBackRest the rotating credentials of the host's identity, where the backups' key is not one of its own."""

from collections.abc import Generator
from pathlib import Path

from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.files import File
from pyinfra.operations import files

from host.backup import credential_process
from host.common import layout
from host.common.rendering import RefusedError, render, written
from host.common.units import running, unit_written, units_read
from host.specification.model import Spec

UNITS = tuple(f"hybrid-backup-credentials.{kind}" for kind in ("service", "path", "timer"))
# systemd starts it long after it was written: a syntax error would only be noticed when backups fail.
PROGRAM_CHECK = "/usr/bin/python3 -I -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' {}"


def is_wanted(spec: Spec) -> bool:
    return spec.platform == "lightsail" and spec.backup.key_type == "process"


def apply(spec: Spec) -> None:
    if not is_wanted(spec):
        return
    files.directory(name="folder of programs", path=layout.PROGRAMS, mode="755")
    program("program for backup credentials", credential_process.__file__, "backup_credentials.py")
    for unit in UNITS:
        unit_written(unit, render(f"{unit}.j2", layout=layout, owner=layout.OWNER))
    units_read(name="units for backup credentials read by systemd", units=list(UNITS))
    for unit in UNITS[1:]:
        running(unit)


def program(name: str, source: str, file: str) -> None:
    """A file of this package, installed as a program that runs alone."""
    written(
        name=name,
        text=Path(source).read_text(),
        path=f"{layout.PROGRAMS}/{file}",
        owner="root",
        mode="755",
        check=PROGRAM_CHECK,
    )


def needed(spec: Spec) -> None:
    """Writes the credentials now, for a restore that can't wait for the timer's first run."""
    if is_wanted(spec):
        handed_on(name="credentials for backups")


@operation()
def handed_on() -> Generator[str, None, None]:
    if host.get_fact(File, path=layout.BACKUP_CREDENTIALS):
        host.noop("they are there")
        return
    # Returns once the program has ended.
    yield f"systemctl start {UNITS[0]} || true"
    if not host.get_fact(File, path=layout.BACKUP_CREDENTIALS):
        raise RefusedError(
            "credentials for backups",
            f"{UNITS[0]} has none to hand on; the SSM agent writes {layout.AWS_CREDENTIALS} once the host is"
            f" registered; see journalctl --unit={UNITS[0]}",
        )
