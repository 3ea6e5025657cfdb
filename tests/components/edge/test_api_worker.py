"""What the API's Worker is bound to, read back from the recorded plan."""

from components.settings.binding_names import REQUIRED_BUCKET, TAKEN, binding_name
from plan.model import Plan
from tests.components.declared import named


def test_the_api_is_bound_to_both_hyperdrives_and_every_bucket(dev_plan: Plan) -> None:
    version = named(dev_plan, "api-version").inputs
    bindings = {binding["name"]: binding for binding in version["bindings"]}
    assert bindings["HYPERDRIVE"]["id"].reference == (named(dev_plan, "hyperdrive-regulated").urn, "id")
    assert bindings["HYPERDRIVE_PUBLIC"]["id"].reference == (named(dev_plan, "hyperdrive-public").urn, "id")
    assert bindings["MEDIA"]["bucketName"] == "automatonicai-dev-media"
    assert version["placement"] == {"region": "aws:ca-central-1"}


def test_only_known_names_are_bound_besides_buckets(dev_plan: Plan) -> None:
    bound = {binding["name"] for binding in named(dev_plan, "api-version").inputs["bindings"]}
    assert bound == TAKEN - {"SENTRY_DSN"} | {binding_name(REQUIRED_BUCKET)}
