"""What the API's Worker is bound to, read back from the recorded plan."""

import json
import re
from typing import Any

import pytest

from components.settings.binding_names import REQUIRED_BUCKET, TAKEN, binding_name
from plan.model import Plan, reveal
from tests.changed_stack import record_with
from tests.commands import ROOT
from tests.components.declared import named


def bound(plan: Plan) -> dict[str, dict[str, Any]]:
    return {binding["name"]: binding for binding in named(plan, "api-version").inputs["bindings"]}


def test_the_api_is_bound_to_both_hyperdrives_and_every_bucket(dev_plan: Plan) -> None:
    version = named(dev_plan, "api-version").inputs
    bindings = bound(dev_plan)
    assert bindings["HYPERDRIVE"]["id"].reference == (named(dev_plan, "hyperdrive-regulated").urn, "id")
    assert bindings["HYPERDRIVE_PUBLIC"]["id"].reference == (named(dev_plan, "hyperdrive-public").urn, "id")
    assert bindings["MEDIA"]["bucketName"] == "automatonicai-dev-media"
    assert version["placement"] == {"region": "aws:ca-central-1"}


def test_only_known_names_are_bound_besides_buckets(dev_plan: Plan) -> None:
    own = {*bound(dev_plan), "SENTRY_DSN"} - {binding_name(REQUIRED_BUCKET)}
    assert own == TAKEN, f"components/settings/binding_names.py: TAKEN has to be {', '.join(sorted(own))}"


def test_each_binding_has_a_type_in_the_worker(dev_plan: Plan) -> None:
    typed = set(re.findall(r"^  (\w+)\??: ", (ROOT / "apps/worker/src/env.ts").read_text(), re.MULTILINE))
    missing = sorted(bound(dev_plan).keys() - typed)
    assert not missing, f"apps/worker/src/env.ts: Env lacks {', '.join(missing)}"


def test_the_api_tells_callers_to_wait_for_the_limits_period(dev_plan: Plan) -> None:
    told = re.search(r"LIMIT_PERIOD_SECONDS = (\d+);", (ROOT / "apps/worker/src/access.ts").read_text())
    assert told
    assert bound(dev_plan)["RATE_LIMIT"]["simple"]["period"] == int(told[1])


def test_the_path_past_hyperdrive_is_a_secret_with_a_token_of_its_own_and_hyperdrives_roles(dev_plan: Plan) -> None:
    text = reveal(bound(dev_plan)["DATABASE_DIRECT"]["text"])
    known = {(named(dev_plan, "tunnel-api-token").urn, half): half for half in ("clientId", "clientSecret")}
    known |= {(named(dev_plan, f"database-{role}-password").urn, "result"): role for role in ("app", "public_read")}
    assert json.loads(text.resolve(lambda urn, output: known[urn, output])) == {
        "url": "https://pooler-dev.automatonicai.com/",
        "clientId": "clientId",
        "clientSecret": "clientSecret",
        "regulated": "postgres://app:app@pooler-dev.automatonicai.com/automatonicai",
        "public": "postgres://public_read:public_read@pooler-dev.automatonicai.com/automatonicai",
    }


def test_without_a_fallback_there_is_nothing_of_it(tmp_path_factory: pytest.TempPathFactory, dev_plan: Plan) -> None:
    plan = record_with(tmp_path_factory.mktemp("alone"), hyperdriveFallback=False)
    assert "DATABASE_DIRECT" not in bound(plan)
    without = {found.name for found in plan.resources}
    assert {found.name for found in dev_plan.resources} - without == {"tunnel-api-token", "tunnel-api-policy"}
    (policy,) = named(plan, "tunnel-pooler-application").inputs["policies"]
    assert policy["id"].reference == (named(plan, "tunnel-operators-policy").urn, "id")
