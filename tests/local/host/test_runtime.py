"""Where the host's files are as they should be, the database's stage is applied by the same process, and only then."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest

from host.common.report import Failure, Report
from local.common.errors import LocalError
from local.common.ports import Ports
from local.common.state import State
from local.host.runtime import Namespaces
from local.processes.stack import Stack
from tests.host.specs import spec

IDLE = Report(unchanged=2)
DONE = Report(unchanged=2, changed=["PostgreSQL settings"], restart=["postgres"])
ROLES = Report(unchanged=2, changed=["role app"])
FAILED = Report(unchanged=2, failed=[Failure(operation="role app", error="no")])


class Host(Namespaces):
    """One whose playbook answers what a test says, a list of reports for each process."""

    def __init__(self, stack: Stack, *answers: list[Report]) -> None:
        super().__init__(stack)
        self.answers = [*answers]
        self.asked: list[list[str]] = []
        self.is_up = True

    def _inside(self, argv: Sequence[str], *, seconds: float) -> subprocess.CompletedProcess[str]:
        if "host.apply" in argv:
            self.asked.append([argv[at + 1] for at, word in enumerate(argv) if word == "--stage"])
            reports = self.answers.pop(0)
            lines = "".join(f"{json.dumps(asdict(report))}\n" for report in reports)
            return subprocess.CompletedProcess(argv, int(bool(reports[-1].failed)), lines, "")
        return subprocess.CompletedProcess(argv, int("chroot" in argv and not self.is_up), "", "")


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    state = State(tmp_path / "state")
    state.prepare()
    state.write_json(state.host_file, spec())
    return Stack(project=tmp_path, state=state, ports=Ports())


def test_what_was_applied_ahead_is_not_applied_again(stack: Stack) -> None:
    host = Host(stack, [IDLE, ROLES], [IDLE])
    assert (host.prepare(), host.apply("database")) == (IDLE, ROLES)
    assert host.apply("database") == IDLE
    assert host.asked == [["files", "database"], ["database"]]


def test_what_a_refusal_says_to_make_is_named_as_it_is_seen_from_here(stack: Stack) -> None:
    refused = Report(failed=[Failure(operation="serving", error="If they may be lost, here: touch /etc/hybrid/leave")])
    with pytest.raises(LocalError, match=f"here: touch {stack.state.root}/etc/hybrid/leave$"):
        Host(stack, [refused]).apply("files")


def test_after_a_change_of_files_the_database_comes_in_its_turn(stack: Stack) -> None:
    """PostgreSQL may have to start again first."""
    host = Host(stack, [DONE], [ROLES])
    assert (host.prepare(), host.apply("database")) == (DONE, ROLES)
    assert host.asked == [["files", "database"], ["database"]]


def test_what_fails_ahead_is_tried_again_in_its_turn(stack: Stack) -> None:
    host = Host(stack, [IDLE, FAILED], [FAILED])
    assert host.prepare() == IDLE
    with pytest.raises(LocalError, match=r"host \(database\): role app: no"):
        host.apply("database")


def test_files_that_fail_end_it(stack: Stack) -> None:
    host = Host(stack, [FAILED])
    with pytest.raises(LocalError, match=r"host \(files\): role app: no"):
        host.prepare()


def test_a_database_that_does_not_answer_is_not_applied_to(stack: Stack) -> None:
    host = Host(stack, [IDLE], [IDLE])
    host.is_up = False
    host.prepare()
    host.apply("database")
    assert host.asked == [["files"], ["database"]]


def test_a_restored_database_is_not_applied_to_before_it_is_promoted(stack: Stack) -> None:
    stack.state.write_json(stack.state.host_file, spec(origin="backup"))
    host = Host(stack, [IDLE])
    host.prepare()
    assert host.asked == [["files"]]
