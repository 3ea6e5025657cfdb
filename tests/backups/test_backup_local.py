"""Backups of the real local stack, through both connections: its own, and what stands for Systems Manager."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from local.host.database import runtime
from tests.backups.on_stack import listed
from tests.backups.systems_manager import Manager, engine, served
from tests.local.stack_under_test import StackUnderTest
from tests.waiting import until

pytestmark = [pytest.mark.local, pytest.mark.slow]


def test_a_backup_is_taken_listed_copied_and_drawn(stack: StackUnderTest, tmp_path: Path) -> None:
    known = [one["label"] for one in listed(stack)["backups"]]
    answer = stack.hybrid("backup", "now", "--type", "incr", "--json")
    assert answer.returncode == 0, answer.stderr
    taken = json.loads(answer.stdout)["backup"]
    assert taken["kind"] == "incr"
    assert until(lambda: listed(stack)["backups"][-1]["copy"] == "copied")
    answer = stack.hybrid("backup", "list", "--json")
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert [one["label"] for one in found["backups"]] == [*known, taken["label"]]
    assert found["backups"][-1]["copy"] == "copied"
    picture = tmp_path / "window.svg"
    answer = stack.told("backup", "list", "--svg", str(picture))
    assert taken["label"] in answer.stdout
    assert "Any moment from " in answer.stdout
    assert taken["label"] in picture.read_text()


def test_a_backup_that_is_left_out_is_a_differential_one(stack: StackUnderTest) -> None:
    answer = stack.told("backup", "now")
    assert answer.returncode == 0, answer.stderr
    assert ": diff, " in answer.stdout


def test_the_repository_is_sound(stack: StackUnderTest) -> None:
    answer = stack.hybrid("backup", "verify")
    assert (answer.returncode, answer.stdout.split(":")[0]) == (0, "sound"), answer.stderr


def test_a_plan_says_what_would_be_and_does_nothing(stack: StackUnderTest) -> None:
    answer = stack.hybrid("restore", "--to", "latest", "--into", "side")
    assert answer.returncode == 0, answer.stderr
    told = {line.partition("  ")[0].strip(): line.partition("  ")[2] for line in answer.stdout.splitlines()}
    assert told["into"].strip() == "side, a cluster beside main"
    assert "needed" in told["space"]
    assert "nothing has been done; to do it: ./hybrid restore --to latest --into side --apply" in answer.stderr
    assert listed(stack)["restored"] == []


def test_the_cluster_that_serves_is_not_overwritten_without_its_name(stack: StackUnderTest) -> None:
    answer = stack.told("restore", "--to", "latest", "--into", "main", "--apply")
    assert answer.returncode == 1
    assert "--replace main" in answer.stderr
    assert stack.parts()["postgres"].is_running


def test_a_target_before_the_first_backup_is_refused_with_the_window(stack: StackUnderTest) -> None:
    answer = stack.told("restore", "--to", "2020-01-01T00:00:00Z", "--into", "side", "--apply")
    assert answer.returncode == 1
    assert "hybrid: " in answer.stderr
    assert "Traceback" not in answer.stderr
    assert listed(stack)["restored"] == []


def test_the_same_is_had_through_systems_manager(stack: StackUnderTest) -> None:
    here = stack.here
    manager = Manager(engine(runtime(here).recovery()))
    with served(manager) as address:
        variables = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_SSM": address,
            "AWS_ENDPOINT_URL_S3": f"https://localhost:{here.ports.objects}",
            "AWS_CA_BUNDLE": str(here.store_ca),
        }
        command = [str(stack.project / "hybrid"), "backup", "list", "--stack", "dev", "--json"]
        answer = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=120, check=False)
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert [one["label"] for one in found["backups"]] == [one["label"] for one in listed(stack)["backups"]]
    assert found["backups"][0]["copy"] == "copied"


def test_a_stack_that_is_stopped_says_so(stack: StackUnderTest) -> None:
    stack.stop()
    try:
        answer = stack.told("backup", "list")
    finally:
        stack.bring_up()
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == "hybrid: the local stack does not run; start it with `./hybrid local up`\n"
    assert len(listed(stack)["backups"]) >= 1
