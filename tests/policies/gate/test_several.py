"""What is judged of several stacks together."""

from dataclasses import replace
from pathlib import Path

import pytest

from plan.model import Plan, Resource
from policies.gate.gate import assess
from policies.gate.rules import STACKS_RULE
from policies.gate.several import shared
from policies.rules.findings import Subject
from tests.changed_stack import record_with
from tests.policies import running

OWN = {f"{role}Hostname": f"{role}-dev-bob.example.com" for role in ("site", "api", "database", "pooler")}
ALONE = {**OWN, "ownsGithubOidcProvider": "false"}


@pytest.fixture(scope="module")
def bob(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """A personal stack with names of its own."""
    return record_with(tmp_path_factory.mktemp("bob"), "dev-bob", **ALONE)


def like(plan: Plan, **settings: str) -> Plan:
    return replace(plan, settings={**plan.settings, **{f"hybrid:{key}": text for key, text in settings.items()}})


def told(*plans: Plan) -> list[str]:
    return [one.message for one in shared(plans)]


def test_stacks_with_names_of_their_own_share_nothing(dev_plan: Plan, prod_plan: Plan, bob: Plan) -> None:
    assert told(dev_plan, prod_plan, bob) == []
    assert told(dev_plan, dev_plan) == []


def test_a_copy_of_another_stacks_settings_is_told_by_its_settings(dev_plan: Plan, tmp_path: Path) -> None:
    copy = record_with(tmp_path, "dev-bob")

    found = list(shared([dev_plan, copy]))

    assert {one.plan.stack for one in found} == {"dev-bob"}
    assert [one.setting for one in found] == [
        "siteHostname",
        "apiHostname",
        "databaseHostname",
        "poolerHostname",
        "ownsGithubOidcProvider",
    ]
    assert found[0].message.startswith("siteHostname is app-dev.automatonicai.com, as in Pulumi.dev.yaml:")


def test_hosts_of_pages_and_of_other_settings_are_compared(dev_plan: Plan, bob: Plan) -> None:
    (found,) = told(dev_plan, like(bob, pagesHostnames='["docs.example.com", "API-dev.automatonicai.com"]'))

    assert found.startswith("pagesHostnames is API-dev.automatonicai.com, as in ")


def test_a_singleton_is_of_its_account(dev_plan: Plan, bob: Plan) -> None:
    owning = like(bob, ownsGithubOidcProvider="true")

    assert told(dev_plan, owning)[0].startswith("ownsGithubOidcProvider is true for this AWS account, as in Pulumi.dev")
    assert told(dev_plan, like(owning, awsAccountId="333333333333")) == []


@pytest.mark.parametrize(
    ("type_token", "inputs", "other", "is_shared"),
    [
        ("aws:s3/bucket:Bucket", {"bucket": "same"}, {"bucket": "Same"}, True),
        ("aws:s3/bucket:Bucket", {"bucket": "same"}, {"bucket": "other"}, False),
        ("aws:iam/role:Role", {"name": "same"}, {"name": "same"}, True),
        ("cloudflare:index/worker:Worker", {"accountId": "a", "name": "w"}, {"accountId": "a", "name": "w"}, True),
        ("cloudflare:index/worker:Worker", {"accountId": "a", "name": "w"}, {"accountId": "b", "name": "w"}, False),
        ("aws:iam/rolePolicy:RolePolicy", {"role": "a", "name": "p"}, {"role": "b", "name": "p"}, False),
        ("aws:iam/openIdConnectProvider:OpenIdConnectProvider", {"url": "https://i"}, {"url": "https://i"}, True),
    ],
)
def test_names_of_resources_are_compared_within_their_account(
    dev_plan: Plan, bob: Plan, type_token: str, inputs: dict[str, str], other: dict[str, str], is_shared: bool
) -> None:
    def plus(plan: Plan, given: dict[str, str]) -> Plan:
        urn = f"urn:pulumi:{plan.stack}::hybrid::{type_token}::more"
        more = Resource(urn=urn, type=type_token, name="more", custom=True, inputs=given)
        return replace(plan, resources=(*plan.resources, more))

    found = told(plus(dev_plan, inputs), plus(bob, other))

    assert found == (["dev has one of this type and name, too."] if is_shared else [])


def test_the_gate_refuses_it_at_the_later_stack(dev_plan: Plan, bob: Plan) -> None:
    same = like(bob, siteHostname="app-dev.automatonicai.com")
    outcome = assess([Subject(plan=dev_plan), Subject(plan=same)], running.kept())

    assert [[one.rule for one in verdict.findings] for verdict in outcome.verdicts] == [[], [STACKS_RULE]]
