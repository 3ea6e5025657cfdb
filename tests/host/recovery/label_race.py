"""Fetches WAL while a label comes and goes, as it does when PostgreSQL begins: label_race.py SPEC ROOT TIMES.

Run in a host's namespaces as python -m. Prints how many looks fell in between, and what the recovery was told.
"""

import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path

from host.recovery import recovering
from host.recovery.clusters import working
from host.recovery.contract import MAIN, RestoreRequest, Target
from host.recovery.fetcher import BETWEEN, Fetcher
from host.recovery.machine import Machine
from host.recovery.pgbackrest import Repository
from host.recovery.plan import made
from host.specification.reading import load


def flip(data: Path, valid: Path, is_over: threading.Event) -> None:
    """Each time as PostgreSQL does: a control file that is valid without the label first, and then no label."""
    control, label = data / "global/pg_control", data / "backup_label"
    invalid = data / "invalid"
    shutil.copy2(control, invalid)

    def put(source: Path) -> None:
        shutil.copy2(source, data / "next")
        os.chown(data / "next", data.stat().st_uid, data.stat().st_gid)
        os.replace(data / "next", control)

    while not is_over.is_set():
        put(valid)
        os.replace(label, data / "backup_label.old")
        time.sleep(0.0005)
        os.replace(data / "backup_label.old", label)
        put(invalid)
        time.sleep(0.0005)


def main() -> None:
    machine = Machine(Path(sys.argv[2]), load(Path(sys.argv[1])))
    wanted = made(machine, RestoreRequest(act="plan", target=Target(kind="latest"), into="race"))
    name = wanted.choice.wal[0].name
    codes, looks = [], 0
    with working(machine) as work:
        repository = Repository(machine, data=work.data, work=work.folder)
        recovering._fetch_files(repository, wanted, work)
        fetcher = Fetcher(repository, work, {}, {})
        got = fetcher._got

        def counted(name: str) -> tuple[int, str]:
            nonlocal looks
            code, output = got(name)
            looks += BETWEEN in output
            return code, output

        fetcher._got = counted  # type: ignore[method-assign]
        is_over = threading.Event()
        valid = machine.path(machine.clusters / MAIN / "global/pg_control")
        thread = threading.Thread(target=flip, args=(machine.path(work.data), valid, is_over))
        thread.start()
        try:
            codes = [fetcher._fetch(name) for _ in range(int(sys.argv[3]))]
        finally:
            is_over.set()
            thread.join()
            fetcher.stop()
    print(json.dumps({"in between": looks, "codes": sorted(set(codes)), "fault": fetcher.fault}))


if __name__ == "__main__":
    main()
