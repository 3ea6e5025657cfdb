"""What one setting causes is one finding, at the setting's line; two causes stay two findings."""

from dataclasses import replace

from plan.model import Plan, Resource
from policies.gate.folding import folded
from policies.gate.rules import own_finding
from policies.gate.sensitive import SETTINGS_RULE
from policies.rules.findings import Finding

VALUE = "a-value-of-twenty-letters"
OWNER, SITE = "hybrid:owner", "hybrid:siteHostname"


def plan(**settings: str) -> Plan:
    resources = tuple(
        Resource(urn=f"urn:pulumi:dev::hybrid::t:t:T::r{number}", type="t:t:T", name=f"r{number}", custom=True)
        for number in range(6)
    )
    with_tags = tuple(replace(one, inputs={"tags": {"owner": VALUE}, "hosts": [VALUE]}) for one in resources)
    return Plan(project="hybrid", stack="dev", resources=with_tags, settings=settings)


def about(number: int, path: str = "tags.owner", rule: str = "inputs-hold-no-known-secret") -> Finding:
    return Finding(
        stack="dev",
        pack="secrets",
        rule=rule,
        severity="critical",
        message=f"Property {path} holds a token.",
        urn=f"urn:pulumi:dev::hybrid::t:t:T::r{number}",
        place=f"a.py:{number}",
    )


def setting() -> Finding:
    said = f"Setting {OWNER} holds a token and is in the clear."
    return own_finding(SETTINGS_RULE, said, stack="dev", urn=plan().stack_urn, place="Pulumi.dev.yaml:3")


def test_a_secret_in_a_setting_is_one_finding_with_the_settings_line() -> None:
    (found,) = folded(plan(**{OWNER: VALUE}), [*map(about, range(6)), setting()])
    assert (found.rule, found.place) == (SETTINGS_RULE, "Pulumi.dev.yaml:3")
    assert "The same value is the cause of 6 more, in r0, r1, r2 and 3 more." in found.message
    assert len(found.also) == 6


def test_what_a_setting_causes_without_a_finding_of_its_own_is_one_for_each_rule() -> None:
    given = [about(0, "hosts[0]", "a-b"), about(1, "hosts[0]", "a-b"), about(2, "hosts[0]", "c-d")]
    first, second = folded(plan(**{SITE: VALUE}), given)
    assert first.message.startswith(f"Setting {SITE} is the cause. ") or second.message.startswith("Setting")
    assert {found.rule for found in (first, second)} == {"a-b", "c-d"}


def test_what_no_setting_causes_stays_as_it_is() -> None:
    given = [about(0), about(1), about(2, "tags.other")]
    assert folded(plan(**{OWNER: "another-value-of-twenty"}), given) == given
    assert folded(plan(**{"hybrid:product": "a"}), given) == given
