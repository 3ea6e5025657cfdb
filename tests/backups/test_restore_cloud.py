"""Restores and drills of the real local stack as in the cloud, through what stands for Systems Manager."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.host.database import runtime
from tests.backups.on_stack import listed
from tests.backups.systems_manager import Manager, engine, served
from tests.commands import in_this_process
from tests.local.stack_under_test import StackUnderTest

pytestmark = [pytest.mark.local, pytest.mark.slow]


class Operator:
    """Who calls the commands with --stack, and what was sent for it."""

    def __init__(self, stack: StackUnderTest, manager: Manager, address: str, authority: Path) -> None:
        self.stack, self.manager = stack, manager
        self._variables = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_SSM": address,
            "AWS_CA_BUNDLE": str(authority),
        }

    def told(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The same in this process."""
        return in_this_process(self._variables, *arguments, "--stack", "dev")

    def done(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.stack.project / "hybrid"), *arguments, "--stack", "dev"]
        return subprocess.run(command, capture_output=True, text=True, env=self._variables, timeout=600, check=False)

    def documents(self) -> list[str]:
        """Documents of the commands that were sent."""
        return [given["DocumentName"] for name, given in self.manager.calls if name == "SendCommand"]


@pytest.fixture
def operator(stack: StackUnderTest) -> Iterator[Operator]:
    here = stack.here
    manager = Manager(engine(runtime(here).recovery()))
    with served(manager) as address:
        yield Operator(stack, manager, address, here.store_ca)


def side(operator: Operator) -> list[dict[str, object]]:
    found: list[dict[str, object]] = listed(operator.stack)["restored"]
    return found


def test_a_cluster_is_restored_beside_and_discarded(operator: Operator) -> None:
    answer = operator.done("restore", "--to", "latest", "--into", "side", "--apply")
    assert answer.returncode == 0, answer.stderr
    (cluster,) = side(operator)
    assert (cluster["name"], cluster["state"]) == ("side", "running")
    answer = operator.told("restore", "--discard", "side", "--apply")
    assert answer.returncode == 0, answer.stderr
    assert side(operator) == []
    assert set(operator.documents()) == {"automatonicai-dev-postgres-recovery"}


def test_a_plan_changes_nothing(operator: Operator) -> None:
    answer = operator.told("restore", "--to", "latest", "--into", "side")
    assert answer.returncode == 0, answer.stderr
    assert "nothing has been done" in answer.stderr
    assert side(operator) == []


def test_the_engines_refusal_reaches_the_operator(operator: Operator) -> None:
    answer = operator.told("restore", "--to", "2020-01-01T00:00:00Z", "--into", "side", "--apply")
    assert answer.returncode == 1
    assert "hybrid: " in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_drill_is_sent_by_the_document_that_does_nothing_else(operator: Operator, tmp_path: Path) -> None:
    answer = operator.told("drill", "--output", str(tmp_path), "--json")
    assert answer.returncode == 0, answer.stderr + answer.stdout
    found = json.loads(answer.stdout)
    assert (found["is_passed"], found["stack"], len(found["restores"])) == (True, "dev", 2)
    assert operator.documents()[0] == "automatonicai-dev-postgres-drill"
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} >= {".json", ".md"}
    assert side(operator) == []
