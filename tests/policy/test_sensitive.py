"""The gate's own rules: what is given as a secret, and what exports hold."""

from dataclasses import replace

import pytest

from plan.model import Computed, Plan, Secret
from policies.gate import judge
from tests.policy.breaking import broken, origin, rules


def test_a_secret_password_passes(dev_plan: Plan) -> None:
    plan = broken(dev_plan, "hyperdrive-regulated", origin(password=Secret("hunter2")))
    (verdict,) = judge([plan])
    assert verdict.findings == ()


EXPORTS = {
    "token": "ghp_" + "a" * 36,
    "urls": ["postgres://app:hunter2@db/app"],
    "password": Computed("x-${%s#result}"),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_that_holds_a_secret_is_refused(dev_plan: Plan, name: str) -> None:
    (urn, *_) = (found.urn for found in dev_plan.of_type("random:index/randomPassword:RandomPassword"))
    value = EXPORTS[name]
    given = Computed(value.template % urn) if isinstance(value, Computed) else value
    bad, good = (replace(dev_plan, outputs={**dev_plan.outputs, name: found}) for found in (given, Secret(given)))
    assert rules([bad, good]) == [{"exports-hold-no-secret"}, set()]
