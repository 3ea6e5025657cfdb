"""Which version of a Worker answers, and when it runs by itself, read back from recorded plans."""

from typing import Any

import pytest

from plan.model import Plan
from tests.changed_stack import record_each
from tests.components.declared import named

VERSION = "0190f5a2-7b1c-4d3e-8f00-0123456789ab"
SETTINGS: dict[str, dict[str, Any]] = {
    "rollback": {"apiEarlierVersion": VERSION},
    "gradual": {"webEarlierVersion": VERSION, "webEarlierPercent": 90},
    "by itself": {"apiCrons": ["*/15 * * * *"], "apiCustomDomain": True},
}


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Plan]:
    variants = [("dev", settings) for settings in SETTINGS.values()]
    return dict(zip(SETTINGS, record_each(tmp_path_factory.mktemp("workers"), variants), strict=True))


def shares(plan: Plan, worker: str) -> list[tuple[str, int]]:
    """Version and share of each that answers; the declared one by its property."""
    version = named(plan, f"{worker}-version")
    versions = named(plan, f"{worker}-deployment").inputs["versions"]
    declared = (version.urn, "id")
    return [
        (
            "declared" if getattr(one["versionId"], "reference", None) == declared else one["versionId"],
            one["percentage"],
        )
        for one in versions
    ]


def test_the_declared_version_answers(dev_plan: Plan) -> None:
    assert shares(dev_plan, "api") == shares(dev_plan, "web") == [("declared", 100)]
    assert [found for found in dev_plan.resources if "CronTrigger" in found.type or "CustomDomain" in found.type] == []


def test_after_a_rollback_the_earlier_one_does(plans: dict[str, Plan]) -> None:
    assert shares(plans["rollback"], "api") == [(VERSION, 100)]
    assert shares(plans["rollback"], "web") == [("declared", 100)]


def test_of_a_gradual_deployment_both_do(plans: dict[str, Plan]) -> None:
    assert shares(plans["gradual"], "web") == [("declared", 10), (VERSION, 90)]


def test_a_worker_runs_by_itself_and_on_its_own_domain(plans: dict[str, Plan]) -> None:
    plan = plans["by itself"]
    assert named(plan, "api-crons").inputs["schedules"] == [{"cron": "*/15 * * * *"}]
    domain = named(plan, "api-domain")
    assert domain.inputs["hostname"] == plan.settings["hybrid:apiHostname"]
    assert [found.name for found in plan.resources if found.name in ("api-record", "api-route")] == []


def test_every_default_of_its_logs_is_said(dev_plan: Plan) -> None:
    observability = named(dev_plan, "api-worker").inputs["observability"]
    assert (observability["headSamplingRate"], observability["logs"]["headSamplingRate"]) == (1, 1)
    assert observability["logs"]["invocationLogs"] is False
