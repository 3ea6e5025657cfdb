"""Runs the playbook, or the recovery engine, each time in a copy of a process that has loaded both.

To load them takes half a second of CPU, which is half of a run that finds nothing to do. What a program does as it ends
by a signal, or beside another, is tried with processes of their own.
"""

import gc
import json
import os
import runpy
import subprocess
import sys
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from local.host import namespace
from tests.commands import ROOT


class Preloaded:
    """A preloaded Python in the namespaces of a process, with which it ends."""

    def __init__(self, pid: int, folder: Path) -> None:
        """The folder is its own."""
        self.is_lost = False
        folder.mkdir()
        self._files = [folder / name for name in ("in", "out", "err")]
        argv = namespace.enter(pid, [sys.executable, "-m", "tests.host.preloaded", *map(str, self._files)])
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(argv, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)

    def run(self, module: str, arguments: Sequence[str], text: str = "") -> subprocess.CompletedProcess[str]:
        assert self._process.stdin
        assert self._process.stdout
        self._files[0].write_text(text)
        try:
            print(json.dumps([module, *arguments]), file=self._process.stdin, flush=True)
            code = int(self._process.stdout.readline())
        except BaseException:
            # A test that took too long: what still runs would answer the next one's question.
            self._process.stdin.close()
            self.is_lost = True
            raise
        out, err = (path.read_text() for path in self._files[1:])
        return subprocess.CompletedProcess([module, *arguments], code, out, err)

    def end(self) -> None:
        """Waits for its end; to be called after the namespaces have ended."""
        with self._process:
            pass


def main() -> None:
    import host.apply
    import host.recovery.__main__  # noqa: F401

    # A copy that looks for garbage in what it shares has all of it copied.
    gc.disable()
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(*json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(module: str, *arguments: str) -> None:
    """Never returns."""
    with ExitStack() as stack:
        for number, (path, mode) in enumerate(zip(sys.argv[1:], ("r", "w", "w"), strict=True)):
            os.dup2(stack.enter_context(Path(path).open(mode)).fileno(), number)
    sys.argv = [module, *arguments]
    for loaded in (module, f"{module}.__main__"):
        sys.modules.pop(loaded, None)
    code = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:  # noqa: BLE001 - as Python itself would end the process
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # What Python clears away as it ends is shared, and would be copied for that.
    os._exit(code)


if __name__ == "__main__":
    main()
