"""Records stacks (`python -m plan.recording`), each in a process of its own: the program may change or end it.

The providers' libraries are imported once, because that takes longest, and every stack's process starts with them. What
to run is read as JSON from stdin, the answers are JSON on stdout; what the program prints goes to stderr.
"""

import ast
import contextlib
import gc
import importlib
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from components.common.errors import HybridError
from plan import codec, from_source, lifetime, quick_import, recorder
from plan.inputs import Inputs
from plan.watch import Watch

POLL_SECONDS = 0.005
# What may be imported before the stack is known: the providers' libraries, and components, which declare nothing then.
FOR_ALL = ("pulumi_", "components.")


def main() -> None:
    """Answers a list of tasks with a list: of each a plan, an error, the exit of a process without a word, or late."""
    lifetime.end_with_parent()
    # A process that lives for seconds; its collector took a third of them.
    gc.disable()
    text = sys.stdin.read()
    if not text:
        # Who asks was interrupted before it had said what for.
        return
    order = json.loads(text)
    lifetime.end_with_parent(order["parent"])
    folder, deadline = Path(order["folder"]), time.monotonic() + order["seconds"]
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.path.insert(0, str(folder))
    os.chdir(folder)
    quick_import.install()
    from_source.install(folder)
    watch = Watch(Inputs.of_program(folder))
    watch.install()
    with watch.looking():
        _import_what_all_need(folder / "__main__.py")
    with contextlib.ExitStack() as files:
        started = [
            _start(folder, task, watch, files.enter_context(tempfile.TemporaryFile("w+"))) for task in order["tasks"]
        ]
        json.dump([_answer(process, file, deadline) for process, file in started], answers)
    answers.flush()


def _import_what_all_need(program: Path) -> None:
    """Of what the program imports. What fails does so again in every process, and is explained there."""
    with contextlib.suppress(OSError, ValueError, SyntaxError):
        for name in _imported(ast.parse(program.read_text())):
            if name.startswith(FOR_ALL):
                with contextlib.suppress(Exception):
                    importlib.import_module(name)


def _imported(tree: ast.Module) -> Iterator[str]:
    for statement in tree.body:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            yield statement.module
            yield from (f"{statement.module}.{alias.name}" for alias in statement.names)


def _start(folder: Path, task: dict[str, Any], watch: Watch, file: IO[str]) -> tuple[int, IO[str]]:
    """A process that writes one answer."""
    parent = os.getpid()
    process = os.fork()
    if process:
        return process, file
    # Whatever the program does with an interruption, or with its own end.
    lifetime.end_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        json.dump(_run(folder, task, watch), file)
        file.flush()
    finally:
        # Threads of the SDK may still wait; everything is written by now.
        os._exit(0)


def _run(folder: Path, task: dict[str, Any], watch: Watch) -> dict[str, Any]:
    try:
        with watch.looking():
            plan = recorder.record(folder, **task)
        return {"plan": codec.dumps(plan, reveal_secrets=True, indent=None), "seen": watch.result()}
    except BaseException as error:  # noqa: BLE001 - the program may raise anything, SystemExit too
        return {"error": _explain(folder, error)}


def _answer(process: int, file: IO[str], deadline: float) -> dict[str, Any]:
    ended, status = os.waitpid(process, os.WNOHANG)
    while not ended and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        ended, status = os.waitpid(process, os.WNOHANG)
    if not ended:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        return {"late": True}
    file.seek(0)
    text = file.read()
    found: dict[str, Any] = json.loads(text) if text else {"exit": os.waitstatus_to_exitcode(status)}
    return found


def _explain(folder: Path, error: BaseException) -> str:
    if isinstance(error, HybridError):
        return str(error)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(folder))]
    own = [frame for frame in frames if not os.path.relpath(frame.filename, folder).startswith(("plan", ".venv"))]
    place = f"{os.path.relpath(own[-1].filename, folder)}:{own[-1].lineno}: " if own else ""
    return f"{place}{type(error).__name__}: {error}"


if __name__ == "__main__":
    main()
    # Threads of the SDK may still wait.
    os._exit(0)
