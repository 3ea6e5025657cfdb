"""Logs that don't fill the disk: PostgreSQL's own, and the journal, where the pooler and the tunnel write."""

from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.operations import files

from host.common.layout import BOOTED
from host.common.rendering import render, written
from host.common.units import is_pending

# The place of postgresql-common's own rules: two for one file would be an error.
ROTATION = "/etc/logrotate.d/postgresql-common"
JOURNAL_FOLDER = "/etc/systemd/journald.conf.d"
JOURNAL = f"{JOURNAL_FOLDER}/hybrid.conf"
RESTARTED = "/run/systemd/journal/hybrid"


def apply() -> None:
    written(
        name="log rotation",
        text=render("logrotate.conf.j2"),
        path=ROTATION,
        owner="root",
        mode="644",
        check="! logrotate --debug {} 2>&1 | grep --ignore-case '^error:' >&2",
    )
    files.directory(name="folder of the journal's settings", path=JOURNAL_FOLDER, mode="755")
    # No program checks it; journald passes over what it doesn't know and says so as it starts.
    written(name="journal's limits", text=render("journald.conf.j2"), path=JOURNAL, owner="root", mode="644")
    journal(name="journal with its limits")


@operation()
def journal() -> Generator[str, None, None]:
    if not is_pending(JOURNAL, since=BOOTED, stamp=RESTARTED):
        host.noop("the journal has its limits")
        return
    yield f"systemctl restart systemd-journald.service && touch {RESTARTED}"
