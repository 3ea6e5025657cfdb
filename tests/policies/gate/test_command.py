"""`./hybrid gate` on files: what it takes, what it refuses, what it writes and how it ends."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands import ROOT, hybrid
from tests.plan.engine_files import BUCKET, PROVIDER, exported, previewed, stack, state, step

WORKFLOW = ROOT / ".github/workflows/gate.yml"


def abroad(folder: Path) -> Path:
    provider = state(PROVIDER, inputs={"region": "us-east-1"})
    return exported(folder, stack(), provider, state(BUCKET, provider=f"{PROVIDER}::id", inputs={"bucket": "b"}))


def test_a_state_with_violations_ends_with_1_and_every_report(tmp_path: Path) -> None:
    reports = {form: tmp_path / form for form in ("sarif", "junit", "markdown", "json", "text")}
    options = [f"--report={form}={path}" for form, path in reports.items()]
    answer = hybrid("gate", "--state", str(abroad(tmp_path)), "--format", "github", *options)
    assert (answer.code, answer.err) == (1, "")
    title = "resources-are-in-canada%3A montreal (pulumi%3Aproviders%3Aaws)"
    assert f"::error title={title}::dev: " in re.sub("file=[^:]*,line=7,", "", answer.out)
    for form, path in reports.items():
        assert "resources-are-in-canada" in path.read_text(), form
    (verdict,) = json.loads(reports["json"].read_text())["stacks"]
    assert (verdict["stack"], verdict["origin"], verdict["resources"]) == ("dev", "state", 2)


def test_what_was_protected_before_is_looked_for(tmp_path: Path) -> None:
    before = exported(tmp_path, stack(), state(BUCKET, protect=True, inputs={"region": "ca-central-1"}))
    (tmp_path / "now").mkdir()
    now = exported(tmp_path / "now", stack())
    answer = hybrid("gate", "--state", str(now), "--previous", str(before), "--format", "json")
    (verdict,) = json.loads(answer.out)["stacks"]
    assert ("protected-data-is-kept", BUCKET) in {(found["rule"], found["urn"]) for found in verdict["findings"]}


def test_a_preview_brings_what_was_before(tmp_path: Path) -> None:
    old = state(BUCKET, protect=True)
    path = previewed(tmp_path, step("same", stack(), stack()), step("delete", old=old))
    answer = hybrid("gate", "--preview", str(path), "--format", "json")
    (verdict,) = json.loads(answer.out)["stacks"]
    assert verdict["origin"] == "preview"
    assert "protected-data-is-kept" in {found["rule"] for found in verdict["findings"]}


def test_this_repository_holds_no_secret_and_the_command_says_so() -> None:
    answer = hybrid("gate", "--repository")
    assert answer.code == 0, answer.out
    assert re.fullmatch(r"repository: passed \(\d+ files, \d+ commits, \d+ known lines\)", answer.out.strip())


def test_another_stack_s_past_is_refused(tmp_path: Path) -> None:
    now = exported(tmp_path, stack())
    other = tmp_path / "other.json"
    other.write_text(now.read_text().replace("pulumi:dev::", "pulumi:prod::"))
    answer = hybrid("gate", "--state", str(now), "--previous", str(other))
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == f"hybrid: {other}: is of the stack prod, which is not gated here; gated: dev\n"


def test_a_preview_that_hides_something_is_one_line(tmp_path: Path) -> None:
    path = previewed(tmp_path, step("same", stack(), stack()), changeSummary={"same": 9})
    answer = hybrid("gate", "--preview", str(path))
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith(f"hybrid: {path}: shows 1 of the 9 resources")
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--previous", "x"],
        ["dev", "--report", "sarif"],
        ["dev", "--report", "sarif="],
        ["dev", "--report", "xml=y"],
        ["dev", "--format", "SARIF"],
        ["--state"],
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    answer = hybrid("gate", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert "Traceback" not in answer.err


def workflow() -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(WORKFLOW.read_text())
    return found


def test_the_workflow_gates_forks_without_any_credential() -> None:
    text = WORKFLOW.read_text()
    assert not re.search(r"\bsecrets\.\w+ \}|pull_request_target|id-token|\bvars\.", text)
    assert {"pull_request", "push", "schedule"} == set(workflow()[True])
    (job,) = workflow()["jobs"].values()
    assert job["permissions"] == {"contents": "read", "security-events": "write"}
    assert job["steps"][0]["with"] == {"persist-credentials": False, "fetch-depth": 0}


def test_the_workflow_s_command_is_one_that_people_can_run() -> None:
    (job,) = workflow()["jobs"].values()
    (command,) = [step["run"] for step in job["steps"] if "./hybrid gate" in step.get("run", "")]
    known = hybrid("gate", "--help").out
    used = set(re.findall(r"--[a-z]+", command + WORKFLOW.read_text().partition("PREVIOUS=")[2].partition("'")[0]))
    assert {"--repository", "--format", "--report", "--previous"} <= used
    assert [option for option in used if option not in known] == []
    written = re.findall(r"--report \"?(\w+)=(\S+?)\"?(?:\s|$)", command)
    assert [form for form, _ in written] == ["sarif", "junit", "markdown"]
    assert dict(written)["markdown"] == "$GITHUB_STEP_SUMMARY"
    upload = next(step for step in job["steps"] if "upload-sarif" in step.get("uses", ""))
    assert upload["with"]["sarif_file"] == dict(written)["sarif"]


def test_what_cannot_be_read_is_in_every_report(tmp_path: Path) -> None:
    damaged = tmp_path / "state.json"
    damaged.write_text("{")
    reports = {form: tmp_path / form for form in ("sarif", "junit", "markdown", "json", "text")}
    options = [f"--report={form}={path}" for form, path in reports.items()]
    answer = hybrid("gate", "--state", str(damaged), "--format", "github", *options)
    assert answer.code == 1
    assert "is not JSON: it ends too early" in answer.err
    assert answer.out.startswith("::error ")
    for form, path in reports.items():
        assert "ends too early" in path.read_text(), form
