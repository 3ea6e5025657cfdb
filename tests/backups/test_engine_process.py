"""The engine as a process: what it answers, says, and how it is interrupted. A few lines of Python stand for it."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from backups.connection import answered, read
from backups.engine_process import run
from backups.errors import BackupError
from host.recovery.contract import Verified

REQUEST = {"act": "list"}


def talked(script: str) -> tuple[dict[str, Any], list[str]]:
    """The answer of a script, and what it said."""
    said: list[str] = []
    answer = run([sys.executable, "-c", textwrap.dedent(script)], REQUEST, said.append, lambda _: None)
    return answer, said


def test_the_request_goes_in_and_the_answer_comes_out() -> None:
    answer, said = talked(
        """
        import json, sys
        print("at work", file=sys.stderr)
        print(json.dumps({"asked": json.load(sys.stdin)}))
        """
    )
    assert (answer, said) == ({"asked": REQUEST}, ["at work"])


def test_each_fault_is_a_line() -> None:
    with pytest.raises(BackupError) as met:
        talked("""import json, sys; print(json.dumps({"faults": ["one", "two"]})); sys.exit(1)""")
    assert str(met.value) == "one\ntwo"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("raise SystemExit(3)", "ended with exit code 3 and without an answer"),
        ("import os; os.kill(os.getpid(), 9)", "was killed by signal 9"),
        ("print('{\"half\": ')", "ended with exit code 0 and without an answer"),
        ("print('[]')", "without an answer"),
        ("raise SystemExit(130)", "was interrupted on the host"),
    ],
)
def test_an_engine_that_ends_otherwise_is_one_line(script: str, message: str) -> None:
    with pytest.raises(BackupError, match=message) as met:
        talked(script)
    assert "\n" not in str(met.value)


def test_an_answer_of_another_shape_names_what_is_wrong() -> None:
    with pytest.raises(BackupError, match=r"host.recovery \(verify\): answers otherwise than expected: is_sound: "):
        read(Verified, "verify", answered(0, "{}"))


def test_ctrl_c_reaches_the_engine_alone_and_waits_until_it_has_cleaned_up(tmp_path: Path) -> None:
    engine = tmp_path / "engine.py"
    engine.write_text(
        "import pathlib, signal, sys, time\n"
        "told = []\n"
        "signal.signal(signal.SIGINT, lambda *_: told.append(1))\n"
        "print('ready', file=sys.stderr, flush=True)\n"
        "while not told:\n    time.sleep(0.01)\n"
        "end = time.monotonic() + 0.5\n"
        "while time.monotonic() < end:\n    time.sleep(0.01)\n"
        f"pathlib.Path({str(tmp_path / 'told')!r}).write_text(str(len(told)))\n"
        "sys.exit(130)\n"
    )
    # A while after the terminal, so that the two would be two.
    client = (
        "import os, signal, sys, time\n"
        "from backups.engine_process import run\n"
        f"argv = [sys.executable, {str(engine)!r}]\n"
        "def interrupt(pid):\n    time.sleep(0.2)\n    os.kill(pid, signal.SIGINT)\n"
        "try:\n"
        "    run(argv, {}, lambda text: print(text, flush=True), interrupt)\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(42)\n"
    )
    # As a terminal does it: the whole group of the command is told.
    with subprocess.Popen(
        ["env", "--default-signal=INT", sys.executable, "-c", client],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGINT)
        said = process.stdout.read()
    assert process.returncode == 42
    assert "interrupted: the host ends what it began" in said
    assert (tmp_path / "told").read_text() == "1"


def test_an_interruption_before_the_engine_is_listened_to_is_not_lost(tmp_path: Path) -> None:
    """As Ctrl-C at the moment that it starts: it waited for the engine's own end, and the engine for it."""
    engine = tmp_path / "engine.py"
    engine.write_text(
        "import signal, sys, time\n"
        "try:\n"
        "    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})\n"
        "    time.sleep(100)\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(130)\n"
    )
    client = (
        "import os, signal, sys, threading\n"
        "from backups import engine_process\n"
        "class Interrupted(threading.Thread):\n"
        "    def start(self):\n"
        "        super().start()\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "engine_process.Thread = Interrupted\n"
        "interrupt = lambda pid: os.kill(pid, signal.SIGINT)\n"
        "try:\n"
        f"    engine = ['env', '--block-signal=INT', sys.executable, {str(engine)!r}]\n"
        "    engine_process.run(engine, {}, print, interrupt)\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(42)\n"
    )
    command = ["env", "--default-signal=INT", sys.executable, "-c", client]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (42, "interrupted: the host ends what it began, and clears up\n")
