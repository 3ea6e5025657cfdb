"""A rollback or restore in a process that kills itself at one line of its journal."""

import os
import signal
import sys
from pathlib import Path

from failover.changes import Act, Via
from failover.ids import read
from failover.journal import Journal
from failover.operation import Operation
from failover.place import Place


def main() -> None:
    number, when, act, via, file, token = sys.argv[1:]
    write, count = Journal.write, 0

    def killing(journal: Journal, *arguments: object, **details: object) -> None:
        nonlocal count
        count += 1
        if count == int(number) and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        write(journal, *arguments, **details)  # type: ignore[arg-type]
        if count == int(number):
            os.kill(os.getpid(), signal.SIGKILL)

    Journal.write = killing  # type: ignore[method-assign,assignment]
    ids = Path(file)
    Operation(ids=read(ids), place=Place.of(ids), token=token, act=Act(act), via=Via(via), total_seconds=60.0).execute()
    print("journal lines:", count)


if __name__ == "__main__":
    main()
