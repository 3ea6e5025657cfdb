"""What reaches a part's program, and what does not."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.common.state import State
from local.processes import processes
from local.processes.program import Program, content_hash
from local.processes.supervisor import Supervisor
from tests.local.processes.programs import sleeper

Eventually = Callable[..., None]


def test_arguments_and_environment_arrive_as_they_are(
    state: State, started: Supervisor, eventually: Eventually
) -> None:
    arguments = [
        "50%",
        "%(here)s",
        "it's",
        '"quoted"',
        "a ;b #c",
        "back\\slash",
        "",
        "two\nlines",
        "é",
        "$HOME",
        " end ",
    ]
    target = state.folder / "seen.json"
    program = "import json, os, sys; open(sys.argv[1], 'x').write(json.dumps([sys.argv[2:], os.environ['ODD']]))"
    odd = "a=b,\"c\" 'd' %(x)s ;#"
    command = (sys.executable, "-c", program, str(target), *arguments)
    started.ensure(Program(name="odd", command=command, environment={"ODD": odd}))
    eventually(lambda: target.exists() and target.read_text())
    assert json.loads(target.read_text()) == [arguments, odd]


def test_a_part_gets_nothing_of_the_callers_environment(
    state: State, supervisor: Supervisor, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the caller's")
    supervisor.start(list)
    supervisor.ensure(sleeper(environment={"GIVEN": "yes"}))
    # It is started in two steps, and has its own environment only in the second.
    eventually(lambda: processes.marked(state.folder, "sleeper"))
    (process,) = processes.marked(state.folder, "sleeper")
    environment = process.environ()
    assert environment["GIVEN"] == "yes"
    assert not [name for name in environment if name.startswith(("AWS_", "SUPERVISOR_"))]


def test_a_secret_is_on_no_command_line_and_in_no_open_file(state: State, started: Supervisor) -> None:
    started.ensure(sleeper(environment={"PASSWORD": "hunter2"}))
    assert not any("hunter2" in " ".join(process.cmdline()) for process in psutil.Process(started.pid).children())
    assert "hunter2" not in repr(sleeper(environment={"PASSWORD": "hunter2"}))
    holding = [path for path in state.folder.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]
    assert [path.stat().st_mode & 0o777 for path in holding] == [0o600]


@pytest.mark.parametrize("fields", [{"name": "Bad Name"}, {"name": "../x"}, {"command": ()}])
def test_a_part_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="part"):
        sleeper(**fields)


def test_the_content_hash_sees_names_and_contents(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    hashes = [content_hash(folder)]
    for name, text in (("a", "1"), ("a", "2"), ("b", "2")):
        (folder / name).write_text(text)
        hashes.append(content_hash(folder))
    (folder / "a").rename(folder / "c")
    hashes.append(content_hash(folder))
    assert len(set(hashes)) == 5
    assert content_hash(folder) == hashes[-1]
