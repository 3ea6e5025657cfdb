"""Settings outside the program's own namespace."""

from pathlib import Path

import pytest

from components.settings.namespaces import faults
from plan.model import PlanError
from plan.project import Project
from tests.changed_stack import record_with

NAMES = ("mediaBuckets", "siteHostname", "cloudflareZoneId")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("aws:region", "ca-central-1"),
        ("aws:region", "ca-west-1"),
        ("pulumi:tags", '{"team":"data"}'),
        ("pulumi:template", "aws-python"),
        ("pulumi:autonaming", "{}"),
        ("hybrid:anything", "x"),
    ],
)
def test_what_somebody_reads_may_be_there(key: str, text: str) -> None:
    assert list(faults({key: text}, NAMES)) == []


@pytest.mark.parametrize("stack", Project.load().stacks)
def test_what_stacks_have_may_be_there(stack: str) -> None:
    assert list(faults(Project.load().configuration(stack).values, NAMES)) == []


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("hybird:mediaBuckets", "is not a setting; did you mean hybrid:mediaBuckets?"),
        ("aws:regoin", "is not a setting; did you mean aws:region?"),
        ("pulumi:tag", "is not a setting; did you mean pulumi:tags?"),
        ("cloudflare:nonsense", "is not read: the program configures its providers, with credentials from"),
        ("cloudflare:apiToken", "is not read"),
        ("aws:region", "is not in Canada; allowed: ca-central-1 or ca-west-1"),
    ],
)
def test_what_nobody_reads_is_a_fault(key: str, fault: str) -> None:
    (found,) = faults({key: "us-east-1"}, NAMES)
    assert found.startswith(f"{key}: {fault}")
    assert "us-east-1" not in found


def test_the_program_names_all_and_where_a_missing_setting_went(tmp_path: Path) -> None:
    wrong = {"hybird:siteHostname": "x", "apiHostnam": "x", "aws:region": "us-east-1"}
    with pytest.raises(PlanError) as caught:
        record_with(tmp_path, siteHostname=None, apiHostname=None, **wrong)
    said = str(caught.value)
    keys = [line.partition(": ")[0] for line in (tmp_path / "Pulumi.dev.yaml").read_text().splitlines()]
    lines = {key.strip(): number for number, key in enumerate(keys, 1)}
    assert said.splitlines() == [
        f"dev: siteHostname: is missing; is it hybird:siteHostname in line {lines['hybird:siteHostname']}?",
        f"dev: apiHostname: is missing; is it hybrid:apiHostnam in line {lines['hybrid:apiHostnam']}?",
        f"dev: Pulumi.dev.yaml:{lines['hybrid:apiHostnam']}: apiHostnam: is not a setting; did you mean apiHostname?",
        f"dev: Pulumi.dev.yaml:{lines['aws:region']}: aws:region: is not in Canada; allowed: ca-central-1 or ca-west-1",
        f"dev: Pulumi.dev.yaml:{lines['hybird:siteHostname']}: hybird:siteHostname: is not a setting; "
        "did you mean hybrid:siteHostname?",
    ]
