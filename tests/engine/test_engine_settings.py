"""Settings reach the program, and a wrong one is refused in words that name it."""

from typing import Any

import pytest
import yaml

from tests.engine.trial_engine import TrialEngine

pytestmark = pytest.mark.engine


def test_defaults_reach_the_program(fresh: TrialEngine, first_previews: dict[str, Any]) -> None:
    declared = yaml.safe_load((fresh.project / "Pulumi.yaml").read_text())["config"]
    preview = first_previews["dev"]
    assert {f"hybrid:{key}" for key in declared} <= set(preview["config"])
    instance = next(step for step in preview["steps"] if step["urn"].endswith("::postgres-a-instance"))
    assert instance["newState"]["inputs"]["availabilityZone"] == declared["availabilityZone"]["default"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"awsAccountId": None}, "'awsAccountId'"),
        ({"hyperdriveConnections": "many"}, "'hyperdriveConnections' must be of type 'integer'"),
        ({"mediaBuckets": "media"}, "'mediaBuckets' must be of type 'array<string>'"),
    ],
)
def test_a_missing_setting_or_a_wrong_type_is_named(mine: TrialEngine, settings: dict[str, Any], message: str) -> None:
    mine.set("dev", **settings)
    refusal = mine.run("preview", "--stack=dev", is_refused=True)
    assert message in refusal
    assert "Traceback" not in refusal


def test_all_that_the_program_refuses_is_named_at_once(mine: TrialEngine) -> None:
    hosts = [{"name": "a", "bundle": "small_3_0", "version": 14}]
    mine.set("dev", postgresHosts=hosts, mediaBucket=["media"], adminIpv4Networks=["0.0.0.0/0"])
    mine.set("dev", owner="Hunter2", **{"hybird:owner": "x", "pulumi:tags": {"team": "data"}})
    refusal = mine.run("preview", "--stack=dev", is_refused=True)
    lines = (mine.project / "Pulumi.dev.yaml").read_text().splitlines()
    at = {line.strip("- ").partition(": ")[0].rstrip(":"): number for number, line in enumerate(lines, 1)}
    file = "dev: Pulumi.dev.yaml"
    version, bucket, typo = at["version"], at["hybrid:mediaBucket"], at["hybird:owner"]
    assert f"{file}:{version}: postgresHosts.0.version: is not in the table of versions" in refusal
    assert f"{file}:{bucket}: mediaBucket: is not a setting; did you mean mediaBuckets?" in refusal
    assert f"{file}:{typo}: hybird:owner: is not a setting; did you mean hybrid:owner?" in refusal
    assert "adminIpv4Networks.0: is open to the world" in refusal
    assert "Hunter2" not in refusal
    assert "Traceback" not in refusal
