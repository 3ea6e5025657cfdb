"""The workflows: they parse, pin what they use, ask for little, and call what people call."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.suite import TEST_SECONDS
from components.access.deploy_policies import DRILL_SESSION_SECONDS
from components.host.recovery import DRILL_TIMEOUT_SECONDS

FOLDER = Path(__file__).resolve().parents[1] / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))


def read(path: Path) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(path.read_text())
    return found


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in read(path)["jobs"].values() for step in job["steps"]]


def test_there_are_these() -> None:
    assert [path.name for path in WORKFLOWS] == [
        "deploy.yml",
        "drill.yml",
        "failover.yml",
        "gate.yml",
        "newest.yml",
        "soak.yml",
        "test.yml",
    ]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_to_a_commit_and_names_its_version(path: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", path.read_text())
    assert len(used) == sum("uses" in step for step in steps(path)) > 0
    for action, comment in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_job_has_a_limit_and_no_right_to_write(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        # GitHub ends a job after six hours by itself, without its last steps.
        assert job["timeout-minutes"] < 360
        assert job.get("permissions", {}).get("contents", "read") == "read"


def test_the_drill_runs_by_itself_and_keeps_its_evidence_when_it_fails() -> None:
    # YAML takes `on` for a truth value.
    triggers = read(FOLDER / "drill.yml")[True]
    assert set(triggers) == {"schedule", "workflow_dispatch"}
    jobs = read(FOLDER / "drill.yml")["jobs"]
    assert [job["timeout-minutes"] for job in jobs.values()] == [30, 350]
    for job in jobs.values():
        upload = job["steps"][-1]
        assert "upload-artifact" in upload["uses"]
        assert upload["if"] == "${{ !cancelled() }}"
        assert any("./hybrid drill" in step.get("run", "") for step in job["steps"])
    assert "make up" in [step.get("run") for step in jobs["local"]["steps"]]
    assert jobs["cloud"]["if"] == "${{ vars.HYBRID_DRILL_STACK != '' }}"
    assert jobs["cloud"]["permissions"]["id-token"] == "write"


def test_a_drill_in_the_cloud_is_not_cut_short() -> None:
    """By its job, or by the end of its role's session: the host is the first to give up."""
    job = read(FOLDER / "drill.yml")["jobs"]["cloud"]
    (session,) = [step["with"]["role-duration-seconds"] for step in job["steps"] if "role-to-assume" in str(step)]
    assert DRILL_TIMEOUT_SECONDS + 1800 < job["timeout-minutes"] * 60 <= session == DRILL_SESSION_SECONDS


def test_the_failover_is_checked_every_day_with_a_token_that_only_reads() -> None:
    workflow = read(FOLDER / "failover.yml")
    (trigger,) = workflow[True]["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* \*", trigger["cron"])
    last = steps(FOLDER / "failover.yml")[-1]
    assert last["run"].startswith("./hybrid failover status ")
    assert last["env"] == {"HYBRID_ROLLBACK_TOKEN": "${{ secrets.HYBRID_STATUS_TOKEN }}"}


def test_a_deployment_is_by_hand_alone_and_by_the_engine_that_is_pinned() -> None:
    workflow = read(FOLDER / "deploy.yml")
    assert set(workflow[True]) == {"workflow_dispatch"}
    # Nobody's own text reaches a shell.
    assert {given["type"] for given in workflow[True]["workflow_dispatch"]["inputs"].values()} == {"choice"}
    assert workflow["concurrency"]["cancel-in-progress"] is False
    job = workflow["jobs"]["deploy"]
    assert job["environment"] == "${{ inputs.stack }}"
    (engine,) = [step["with"]["pulumi-version"] for step in job["steps"] if "pulumi/actions" in step.get("uses", "")]
    assert f"pulumi=={engine}\n" in (FOLDER.parents[1] / "requirements.in").read_text()
    # No step has the token that does not need it.
    of_token = [step for step in job["steps"] if "CLOUDFLARE_API_TOKEN" in str(step)]
    assert all("./hybrid worker" in step["run"] or "pulumi up" in step["run"] for step in of_token)


def test_tests_run_what_the_readme_says() -> None:
    assert steps(FOLDER / "test.yml")[-1] == {"run": ".ci/run"}
    told = re.search(r"under (\d+) minutes on two cores", (FOLDER.parents[1] / "README.md").read_text())
    assert told
    assert read(FOLDER / "test.yml")["jobs"]["test"]["timeout-minutes"] == 2 * int(told[1])
    # The benchmark's limit is the aim.
    assert 0 <= int(told[1]) * 60 - TEST_SECONDS <= 60


def test_the_soak_runs_every_night_and_before_a_release() -> None:
    workflow = read(FOLDER / "soak.yml")
    assert workflow[True]["push"] == {"tags": ["v*"]}
    (trigger,) = workflow[True]["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* \*", trigger["cron"])
    runs = [step.get("run") for step in steps(FOLDER / "soak.yml")]
    assert {"make test-long", 'make bench ARGS="--suite --check"'} <= {*runs}


def test_the_newest_versions_are_tried_every_week_and_what_moved_is_said_also_when_they_fail() -> None:
    path = FOLDER / "newest.yml"
    (trigger,) = read(path)[True]["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* \d", trigger["cron"])
    *before, last = steps(path)
    assert [step["run"] for step in before[-2:]] == ["make lock", "make test"]
    assert last["if"] == "${{ !cancelled() }}"
    assert last["run"] == '.venv/bin/python -m scripts.versions --markdown >> "$GITHUB_STEP_SUMMARY"'
    # Of an older run's packages none would be new.
    assert "cache" not in "".join(step.get("uses", "") for step in steps(path))
