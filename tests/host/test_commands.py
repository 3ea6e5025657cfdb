"""The playbook's commands: what they say and how they end is told as pyinfra tells it."""

import json
import shlex
import sys

import pytest
from pyinfra.api import arguments, inventory
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


SCRIPT = "echo 'a  b' \"$0\" $((1 + 1)); exit 3"
IN_SHELL = f"sh -c {shlex.quote(SCRIPT)}"


@pytest.mark.parametrize(
    ("command", "argv"),
    [
        (IN_SHELL, ["sh", "-c", SCRIPT]),
        (
            f"sh -c {shlex.quote(f'chroot /a/root sh -c {shlex.quote(IN_SHELL)}')}",
            ["chroot", "/a/root", "sh", "-c", SCRIPT],
        ),
        (f"{IN_SHELL} argument", ["sh", "-c", f"{IN_SHELL} argument"]),
        (f"{IN_SHELL}; true", ["sh", "-c", f"{IN_SHELL}; true"]),
        ("sh -c $HOME", ["sh", "-c", "sh -c $HOME"]),
        ("chroot /a/root sh -c 'a' 'b'", ["sh", "-c", "chroot /a/root sh -c 'a' 'b'"]),
        ("chroot /a/$HOME sh -c 'a'", ["sh", "-c", "chroot /a/$HOME sh -c 'a'"]),
    ],
)
def test_of_shells_that_start_each_other_the_last_is_started(command: str, argv: list[str]) -> None:
    assert commands._argv(command) == argv


def test_a_shell_alone_answers_as_in_the_others() -> None:
    alone, within = commands._run(SCRIPT), commands._run(f"sh -c {shlex.quote(IN_SHELL)}")
    assert (alone[0], alone[1].stdout) == (within[0], within[1].stdout) == (3, "a  b sh 2")


def test_global_arguments_are_worked_out_once_and_are_pyinfras() -> None:
    ask = "from pyinfra.api.arguments import all_global_arguments as ask; print([name for name, _ in ask()])"
    names = [name for name, _ in arguments.all_global_arguments()]
    assert str(names) == ran([sys.executable, "-c", ask], check=True).stdout.strip()
    assert arguments.all_global_arguments() is arguments.all_global_arguments()


def test_both_ways_into_a_host_are_known() -> None:
    for name in ("@local", "@chroot//"):
        assert len(inventory.Inventory(([name], {}))) == 1  # type: ignore[no-untyped-call]


def refused(*_: object) -> int:
    raise AssertionError("it copies this process")


def test_pyinfra_starts_its_commands_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "run_local_process", run_local_process)
    monkeypatch.setattr("gevent.subprocess.fork_and_watch", refused)
    commands.install()
    assert local.run_local_process("echo so")[1].stdout == "so"  # type: ignore[attr-defined]
