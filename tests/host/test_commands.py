"""The playbook's commands: what they say and how they end is told as pyinfra tells it."""

import json
import sys

import pytest
from pyinfra.connectors import local
from pyinfra.connectors.util import run_local_process

from host import commands
from tests.commands import ran

CASES = [
    ("printf 'one\\ntwo'; echo three >&2; exit 3", None),
    ("echo; echo; printf '\\033[31mred\\r\\n'; printf 'a\\fb\\xc3\\xa9\\n'", None),
    ("cat", ["one", "two\n"]),
    ("cat; exit 1", "one line"),
    ("true", None),
]


# In a process of its own: gevent's copies of one that has threads may end by themselves.
ASK = """import json, sys
from pyinfra.connectors.util import run_local_process
for command, stdin in json.load(sys.stdin):
    code, output = run_local_process(command, stdin=stdin)
    print(json.dumps([code, output.stdout_lines, output.stderr_lines]))
"""


def test_it_answers_as_pyinfras_own() -> None:
    asked = ran([sys.executable, "-c", ASK], input=json.dumps(CASES), check=True).stdout
    answers = [commands._run(command, stdin=stdin) for command, stdin in CASES]
    assert [[code, said.stdout_lines, said.stderr_lines] for code, said in answers] == [
        json.loads(line) for line in asked.splitlines()
    ]


def test_much_on_both_streams_does_not_stop_it() -> None:
    code, output = commands._run("seq 100000 >&2; seq 100000")
    assert (code, len(output.stdout_lines), len(output.stderr_lines)) == (0, 100000, 100000)


def test_a_command_that_takes_too_long_is_one() -> None:
    with pytest.raises(TimeoutError):
        commands._run("exec sleep 60", timeout=1)


def refused(*_: object) -> int:
    raise AssertionError("it copies this process")


def test_pyinfra_starts_its_commands_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "run_local_process", run_local_process)
    monkeypatch.setattr("gevent.subprocess.fork_and_watch", refused)
    commands.install()
    assert local.run_local_process("echo so")[1].stdout == "so"  # type: ignore[attr-defined]
