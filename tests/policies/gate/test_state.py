"""What the gate makes of a deployed stack: nothing may wait there, and what may still be there is judged."""

from dataclasses import replace
from typing import Any

import pytest

from plan.model import Computed, Plan, Resource, Secret
from policies.gate.gate import assess
from policies.gate.sensitive import STATE_RULE
from policies.rules.findings import Origin, Subject, Verdict
from tests.policies import running
from tests.policies.changes import custom, swapped
from tests.policies.secrets.adversaries import GITHUB

DISK, INSTANCE, ROLE = "postgres-a-data", "postgres-a-instance", "identity-metrics"
REGION_RULE = "resources-are-in-canada"


@pytest.fixture(scope="module")
def deployed(dev_plan: Plan) -> Plan:
    """A few of the dev stack's resources, with outputs."""
    kept = [found for found in dev_plan.resources if found.name in (DISK, INSTANCE, ROLE) or "providers" in found.type]
    return replace(dev_plan, resources=tuple(_up(found) for found in kept if found.custom), outputs={})


def _up(resource: Resource) -> Resource:
    inputs = {key: _known(value) for key, value in resource.inputs.items()}
    return replace(resource, inputs=inputs, outputs=inputs, identifier="i-1", property_dependencies={})


def _known(value: Any) -> Any:
    if isinstance(value, Secret):
        return Secret(Computed())
    if isinstance(value, dict):
        return {key: _known(item) for key, item in value.items()}
    return "known" if isinstance(value, Computed) else value


def verdict(plan: Plan) -> Verdict:
    return assess([Subject(plan=plan, origin=Origin.STATE)], running.kept()).verdicts[0]


def changed(plan: Plan, name: str, **changes: Any) -> Plan:
    old = custom(plan, name)
    return swapped(plan, old, replace(old, **changes))


def rules_of(plan: Plan, name: str) -> set[str]:
    return {finding.rule for finding in verdict(plan).findings if finding.subject == name}


def test_only_what_is_ciphertext_by_its_nature_waits(deployed: Plan) -> None:
    found = verdict(deployed)
    assert [finding.subject for finding in found.waiting] == [INSTANCE]
    assert "is ciphertext" in found.waiting[0].message
    assert not any(finding.is_unchecked for finding in found.findings)


def test_what_a_state_does_not_show_is_a_violation(deployed: Plan) -> None:
    role = custom(deployed, ROLE)
    for unseen in (Secret(Computed()), Computed()):
        found = verdict(changed(deployed, ROLE, inputs={**role.inputs, "policy": unseen}))
        hits = [finding for finding in found.findings if finding.rule == "policies-name-actions"]
        assert [(hit.subject, hit.is_unchecked, hit.severity) for hit in hits] == [(ROLE, True, "critical")]
        assert "policies-name-actions" not in "".join(finding.message for finding in found.waiting)


def test_what_is_called_by_several_words_does_not_wait(deployed: Plan) -> None:
    role = custom(deployed, ROLE)
    condition = {"StringEquals": {"aws:ResourceTag/cost centre": Computed()}}
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/*", "Condition": condition}
    plan = changed(deployed, ROLE, inputs={**role.inputs, "policy": {"Statement": [statement]}})
    assert "policies-name-actions" in rules_of(plan, ROLE)


def test_user_data_in_the_clear_does_not_wait(deployed: Plan) -> None:
    instance = custom(deployed, INSTANCE)
    plan = changed(deployed, INSTANCE, inputs={**instance.inputs, "userData": Computed()})
    assert "user-data-holds-no-secret" in rules_of(plan, INSTANCE)


@pytest.mark.parametrize("place", [{"region": "us-east-1"}, {"availabilityZone": "us-east-1a"}])
def test_where_the_cloud_says_it_is_counts(deployed: Plan, place: dict[str, str]) -> None:
    disk = custom(deployed, DISK)
    assert REGION_RULE in rules_of(changed(deployed, DISK, outputs={**disk.outputs, **place}), DISK)
    assert REGION_RULE in rules_of(changed(deployed, DISK, inputs={**disk.inputs, **place}), DISK)


@pytest.mark.parametrize(
    "shown", [{"tagsAll": {"note": GITHUB}}, {"tagsAll": {GITHUB: "x"}}, {"deep": [{"a": [f"x {GITHUB}"]}]}]
)
def test_an_output_that_shows_a_secret_is_refused(deployed: Plan, shown: dict[str, Any]) -> None:
    disk = custom(deployed, DISK)
    found = verdict(changed(deployed, DISK, outputs={**disk.outputs, **shown}))
    assert STATE_RULE in {finding.rule for finding in found.findings if finding.subject == DISK}
    assert not any(GITHUB in finding.message for finding in found.findings)


def test_an_id_that_is_a_secret_is_refused(deployed: Plan) -> None:
    assert STATE_RULE in rules_of(changed(deployed, DISK, identifier=GITHUB), DISK)


def test_a_secret_output_is_kept(deployed: Plan) -> None:
    disk = custom(deployed, DISK)
    kept = changed(deployed, DISK, outputs={**disk.outputs, "more": Secret(GITHUB)})
    assert STATE_RULE not in rules_of(kept, DISK)


def test_a_twin_that_waits_for_its_deletion_is_judged(deployed: Plan) -> None:
    disk = custom(deployed, DISK)
    twin = replace(
        disk,
        urn=f"{disk.urn} (to be deleted)",
        name=f"{DISK} (to be deleted)",
        inputs={**disk.inputs, "region": "us-east-1"},
        is_left_over=True,
    )
    plan = replace(deployed, resources=(*deployed.resources, twin))
    assert REGION_RULE in rules_of(plan, twin.name)
    assert REGION_RULE not in rules_of(plan, DISK)


@pytest.mark.parametrize("origin", [Origin.PREVIEW, Origin.STATE])
def test_a_list_that_is_encrypted_for_a_secret_in_it_waits(dev_plan: Plan, origin: Origin) -> None:
    """As the engine writes it; another value that is hidden is a violation."""
    version = custom(dev_plan, "web-version")
    hidden = replace(version, inputs=version.inputs | {"bindings": Secret(Computed())})

    def found(plan: Plan, given: Origin) -> tuple[set[str], set[str]]:
        judged = assess([Subject(plan=plan, origin=given)], running.kept()).verdicts[0]
        waiting = {finding.message for finding in judged.waiting if "is ciphertext" in finding.message}
        return {finding.rule for finding in judged.findings if finding.is_unchecked}, waiting

    rules = "edge-stores-hold-public-data-only", "plain-text-bindings-hold-no-secret"
    violated, waiting = found(swapped(dev_plan, version, hidden), origin)
    assert violated.isdisjoint(rules)
    assert waiting >= {f"{rule}: bindings is ciphertext; the packs judge it in updates." for rule in rules}
    violated, _ = found(swapped(dev_plan, version, hidden), Origin.RECORDED)
    assert violated >= {*rules}
    moved = replace(version, inputs=version.inputs | {"bindings": Computed()})
    violated, _ = found(swapped(dev_plan, version, moved), origin)
    assert violated >= {*rules}
