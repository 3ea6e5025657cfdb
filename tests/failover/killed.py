"""Operations and drills in processes that kill themselves at one line of their journal.

A process of its own that forks for each: a new interpreter takes longer than what is to be killed. It reads one JSON
object a line and answers with the signal that ended the child (0: none), and the lines that its journal got.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from failover.common.ids import read
from failover.common.terms import Act, Via
from failover.drill import drill as drill_module
from failover.drill.drill import drill
from failover.operation.journal import Journal, Paths
from failover.operation.operation import Operation
from tests.failover.quick import PAUSE_SECONDS, ImpatientView


def kill_at(number: int, when: str) -> None:
    """kill -9 before a line is written, or when it is on the disk and its effect is not there yet."""
    write, count = Journal.write, 0

    def killing(journal: Journal, *arguments: str, **details: Any) -> None:
        nonlocal count
        count += 1
        if count == number and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        write(journal, *arguments, **details)
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    Journal.write = killing  # type: ignore[method-assign,assignment]


def operation_of(point: dict[str, Any], act: Act, **more: Any) -> Operation:
    file = Path(point["ids"])
    ids = read(file)
    operation = Operation(
        ids=ids, paths=Paths.of(file, stack=ids.stack), token=point["token"], act=act, via=Via(point["via"]), **more
    )
    operation.view = ImpatientView(ids)
    return operation


def run(point: dict[str, Any]) -> None:
    kill_at(point["number"], point["when"])
    if point["act"] == "drill":
        drill_module.SETTLE_SECONDS = PAUSE_SECONDS
        drill(
            lambda act, part_of: operation_of(point, act, is_drill=True, drill=part_of),
            Via(point["via"]),
            1,
            lambda _: None,
        )
    else:
        operation_of(point, Act(point["act"])).execute()


def main() -> None:
    for line in sys.stdin:
        point = json.loads(line)
        sys.stdout.flush()
        process = os.fork()
        if process == 0:
            run(point)
            # A fault has ended it with its traceback and 1.
            os._exit(0)
        _, status = os.waitpid(process, 0)
        journal = Paths.of(Path(point["ids"]), stack="local").journal
        answer = {
            "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
            "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
            "lines": len(Journal(journal).lines()),
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
