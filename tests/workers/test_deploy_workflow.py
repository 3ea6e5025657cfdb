"""The deploy workflow's own steps, run against the emulated control plane; Pulumi is played by a few lines."""

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.control_plane.settings import Account
from plan.project import ROOT, Project
from tests.commands import SURROUNDINGS, ran
from tests.local.control_plane.under_test import serving, settings
from tests.web_server import served
from tests.workers.worker_under_test import WorkerUnderTest, answers_as, commit

WORKFLOW = ROOT / ".github/workflows/deploy.yml"
# `up` uploads a version of both Workers, and deploys it as the settings of that moment say.
PULUMI = """
import os, re, sys
from cloudflare import Cloudflare
said, settings = sys.argv[1:], open("Pulumi.dev.yaml").read()
if said[:2] == ["config", "set"]:
    open("Pulumi.dev.yaml", "w").write(settings.replace("config:\\n", f"config:\\n  {said[2]}: {said[3]}\\n"))
if said[0] == "up":
    account, sdk = {"account_id": os.environ["ACCOUNT"]}, Cloudflare()
    build = re.search("buildId: (.*)", settings)[1]
    for worker in ("api", "web"):
        script = f"automatonicai-dev-{worker}"
        found = sdk.workers.beta.workers.get(script, **account)
        new = sdk.workers.beta.workers.versions.create(found.id, **account, annotations={"workers_tag": build})
        old = re.search(f"{worker}EarlierVersion: (.*)", settings)[1]
        kept = int(re.search(f"{worker}EarlierPercent: (.*)", settings)[1])
        shares = [{"version_id": new.id, "percentage": 100 - kept}, {"version_id": old, "percentage": kept}]
        sdk.workers.scripts.deployments.create(script, **account, strategy="percentage", versions=shares)
"""
HYBRID = """#!/bin/sh
test "$2" != check || set -- "$@" --url "$CHECKED" --seconds 0
exec {root}/hybrid "$@"
"""


class Job:
    """A checkout, in which its steps are run as GitHub runs them."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.outputs = folder, folder / "outputs"
        self.steps: list[dict[str, Any]] = yaml.safe_load(WORKFLOW.read_text())["jobs"]["deploy"]["steps"]
        (folder / "Pulumi.yaml").touch()
        (folder / "Pulumi.dev.yaml").write_text("config:\n  hybrid:environment: dev\n")
        self._program("hybrid", HYBRID.format(root=ROOT))
        self._program("bin/pulumi", f'#!/bin/sh\nexec {sys.executable} {folder}/pulumi.py "$@"\n')
        (folder / "pulumi.py").write_text(PULUMI)
        self.environment = {
            **os.environ,
            **SURROUNDINGS,
            **environment,
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
            "GITHUB_OUTPUT": str(self.outputs),
            "GITHUB_SHA": commit(),
            "STACK": "dev",
            "PERCENT": "10",
        }

    def _program(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def run(self, name: str) -> int:
        (step,) = [step for step in self.steps if step.get("name") == name]
        held = dict(re.findall(r"(\w+)=(.*)", self.outputs.read_text())) if self.outputs.exists() else {}
        values = {"API": held.get("api", ""), "WEB": held.get("web", "")}
        argv = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        answer = ran(argv, cwd=self.folder, env={**self.environment, **values})
        print(answer.stdout, answer.stderr)
        return answer.returncode


@pytest.fixture
def account(tmp_path: Path) -> Iterator[dict[str, WorkerUnderTest]]:
    """Both Workers of the dev stack, in an account of their own."""
    account = Project.load().configuration("dev").values["hybrid:cloudflareAccountId"]
    with serving(settings(tmp_path / "plane", account=Account(id=account, name="shop"))) as plane:
        yield {name: WorkerUnderTest(plane, account, f"automatonicai-dev-{name}") for name in ("api", "web")}


@pytest.mark.soak
def test_new_versions_answer_a_share_and_then_all_or_nothing(
    account: dict[str, WorkerUnderTest], tmp_path: Path
) -> None:
    (tmp_path / "checkout").mkdir()
    job = Job(tmp_path / "checkout", {**account["api"].environment, "ACCOUNT": account["api"].account["account_id"]})
    old = {name: worker.release(commit()) for name, worker in account.items()}
    with served(answers_as(commit())) as url:
        job.environment["CHECKED"] = url
        assert job.run("Refuse while a rollback stands in the settings") == 0
        assert job.run("Hold what answers now") == 0
        assert job.run("Upload and deploy") == 0
        for name, worker in account.items():
            assert (old[name], 90) in worker.answering()
        assert job.run("Ask the new versions, then have them answer all") == 0
    new = {name: worker.answering() for name, worker in account.items()}
    assert all(len(shares) == 1 and shares[0] != (old[name], 100) for name, shares in new.items())

    with served(answers_as("")) as url:
        job.environment["CHECKED"] = url
        assert [job.run("Hold what answers now"), job.run("Upload and deploy")] == [0, 0]
        assert job.run("Ask the new versions, then have them answer all") == 1
    assert job.run("Put back what was held") == 0
    assert {name: worker.answering() for name, worker in account.items()} == new
    # In a checkout that is kept, it would undo the next deployment.
    assert job.run("Refuse while a rollback stands in the settings") == 1


def test_what_was_held_is_put_back_after_any_failure_of_the_deployment() -> None:
    steps = yaml.safe_load(WORKFLOW.read_text())["jobs"]["deploy"]["steps"]
    last = steps[-1]
    assert last["if"] == "${{ !success() && steps.up.outcome != 'skipped' }}"
    assert json.dumps(last["env"]).count("steps.held.outputs") == 2
    ids = {step["id"] for step in steps if "id" in step}
    assert ids == {"held", "up"}
