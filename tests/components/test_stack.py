"""What the program declares, read back from the recorded plan."""

import base64
import json

import pytest

from components.common.labels import DataClass
from plan import codec
from plan.model import Computed, Plan, Secret, reveal
from tests.components.declared import named

HOLDS_DATA = {
    "aws:lightsail/instance:Instance",
    "aws:lightsail/disk:Disk",
    "aws:lightsail/staticIp:StaticIp",
    "aws:s3/bucket:Bucket",
    "cloudflare:index/r2Bucket:R2Bucket",
    "aws:kms/key:Key",
}
# Messages are sent and gone: nothing is lost with the key.
KEEPS_NOTHING = "alarms-key"


@pytest.mark.parametrize("stack", ["dev_plan", "prod_plan"])
def test_what_holds_data_is_protected(stack: str, request: pytest.FixtureRequest) -> None:
    plan: Plan = request.getfixturevalue(stack)
    holders = [found for found in plan.resources if found.type in HOLDS_DATA and found.name != KEEPS_NOTHING]
    assert {resource.type for resource in holders} == HOLDS_DATA
    assert all(resource.options.protect for resource in holders)
    assert all(resource.options.retain_on_delete == (plan.stack == "prod") for resource in holders)


def test_every_component_declares_environment_class_and_owner(dev_plan: Plan) -> None:
    components = [resource for resource in dev_plan.resources if not resource.custom]
    assert len(components) >= 15
    for component in components:
        assert component.inputs["environment"] == "dev"
        assert component.inputs["dataClass"] in set(DataClass)
        assert component.inputs["owner"] == "platform@automatonicai.com"


def test_every_resource_that_takes_tags_has_them(dev_plan: Plan) -> None:
    tagged = [resource for resource in dev_plan.resources if isinstance(resource.inputs.get("tags"), dict)]
    assert {resource.type for resource in tagged} >= {
        "aws:lightsail/instance:Instance",
        "aws:lightsail/disk:Disk",
        "aws:lightsail/keyPair:KeyPair",
        "aws:s3/bucket:Bucket",
        "aws:s3/bucketObjectv2:BucketObjectv2",
        "aws:kms/key:Key",
        "aws:sns/topic:Topic",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "aws:ssm/activation:Activation",
        "aws:ssm/association:Association",
        "aws:ssm/document:Document",
        "aws:ssm/parameter:Parameter",
        "aws:iam/role:Role",
        "aws:iam/user:User",
        "aws:iam/policy:Policy",
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
    }
    assert all({"environment", "data-class", "owner"} <= resource.inputs["tags"].keys() for resource in tagged)


def test_everything_in_aws_names_its_region_and_provider(dev_plan: Plan) -> None:
    regional = [
        resource
        for resource in dev_plan.resources
        if resource.type.startswith("aws:") and not resource.type.startswith("aws:iam/")
    ]
    elsewhere = {resource.name for resource in regional if resource.inputs["region"] != "ca-central-1"}
    calgary = {resource.name for resource in regional if resource.inputs["region"] == "ca-west-1"}
    assert elsewhere == calgary
    assert all(name.startswith("backups-copy-") for name in calgary)
    custom = [found for found in dev_plan.resources if found.type.startswith(("aws:", "cloudflare:"))]
    assert all(resource.provider for resource in custom)


def test_the_public_role_reads_the_public_schema_only(dev_plan: Plan) -> None:
    declared = named(dev_plan, "database", "PostgresDatabase").inputs
    roles = {role["name"]: role for role in declared["roles"]}
    assert roles["public_read"]["reads"] == ["public"]
    assert roles["public_read"]["writes"] == []
    assert {schema["name"]: schema["dataClass"] for schema in declared["schemas"]} == {
        "regulated": "regulated",
        "public": "public",
    }


def test_github_is_admitted_by_exact_subject(dev_plan: Plan) -> None:
    trust = json.loads(named(dev_plan, "deploy-deploy").inputs["assumeRolePolicy"])
    conditions = trust["Statement"][0]["Condition"]["StringEquals"]
    assert conditions["token.actions.githubusercontent.com:sub"] == "repo:automatonicai/hybrid:environment:dev"


def test_the_tunnels_name_is_open_only_behind_access(dev_plan: Plan) -> None:
    application = named(dev_plan, "tunnel-application").urn
    assert application in named(dev_plan, "tunnel-record").dependencies
    assert application in named(dev_plan, "tunnel-ingress").dependencies


def test_the_tunnels_secret_is_traceable_base64_and_protected(dev_plan: Plan) -> None:
    secret = named(dev_plan, "tunnel-secret")
    assert (secret.inputs["length"], secret.inputs["special"]) == (48, False)
    assert len(base64.b64decode("a" * 48, validate=True)) == 36
    assert secret.options.protect
    given = reveal(named(dev_plan, "tunnel-tunnel").inputs["tunnelSecret"])
    assert given.reference == (secret.urn, "result")


def _secrets(value: object) -> list[Secret]:
    match value:
        case Secret():
            return [value]
        case dict():
            return [found for item in value.values() for found in _secrets(item)]
        case list():
            return [found for item in value for found in _secrets(item)]
        case _:
            return []


def test_no_export_holds_a_secret(dev_plan: Plan) -> None:
    assert len(dev_plan.outputs) >= 15
    assert not _secrets(dev_plan.outputs)
    sensitive = {"result", "clientSecret", "tunnelSecret", "activationCode", "privateKeyPem"}
    for value in dev_plan.outputs.values():
        if isinstance(value, Computed):
            assert not {name for _, name in value.references} & sensitive


def test_printed_json_has_no_secret_value(dev_plan: Plan) -> None:
    # Certificates and the public half of a token are no secrets; the parameter store has one kind for all.
    public = ("-tls-authorities", "-tls-certificate", "-access-client-id")
    resources = [found for found in dev_plan.resources if not found.name.endswith(public)]
    values = [secret for resource in resources for secret in _secrets(resource.inputs)]
    assert len(values) > 15
    printed = codec.dumps(dev_plan)
    assert all(str(getattr(reveal(secret), "template", secret.value)) not in printed for secret in values)
