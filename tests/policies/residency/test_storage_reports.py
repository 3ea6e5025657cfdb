"""Where a bucket's reports and CloudWatch's log lines go, broken one way at a time."""

from typing import Any

import pytest

from components.resource_types.table import RESOURCE_TYPES, judged
from plan.model import Computed
from policies.residency.storage import LISTENERS, NOTIFICATION
from tests.policies.changes import Change, both, having, made_of, on, plus
from tests.policies.residency.cases import case

REPORT, LOG, SIGHT = "bucket-reports-stay-in-the-stack", "logs-stay-in-canada", "replication-is-in-sight"
WRITTEN, PLACED = "written-regions-are-canadian", "resources-are-in-canada"
LOGGING = "aws:s3/bucketLogging:BucketLogging"
INVENTORY = "aws:s3/inventory:Inventory"
ANALYTICS = "aws:s3/analyticsConfiguration:AnalyticsConfiguration"
FILTER = "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter"
DOCUMENTS = "automatonicai-dev-documents-111111111111"
BUNDLES = "automatonicai-dev-bundles-111111111111"


def logging(target: Any) -> Change:
    return plus(LOGGING, bucket=DOCUMENTS, targetBucket=target, targetPrefix="l/")


def logging_to(source: str) -> Change:
    """Logs to a bucket by a name that is made of another resource."""
    return both(logging(Computed()), made_of("extra", "targetBucket", source))


def inventory(arn: Any) -> Change:
    return plus(INVENTORY, bucket=DOCUMENTS, destination={"bucket": {"bucketArn": arn, "format": "CSV"}})


def analysis(arn: Any) -> Change:
    export = {"dataExport": {"destination": {"s3BucketDestination": {"bucketArn": arn}}}}
    return plus(ANALYTICS, bucket=DOCUMENTS, storageClassAnalysis=export)


def subscription(arn: Any) -> Change:
    return plus(FILTER, logGroup="l", destinationArn=arn)


def told(key: str, arn: Any) -> Change:
    return plus(NOTIFICATION, bucket=DOCUMENTS, **{key: [{LISTENERS[key]: arn, "events": ["s3:ObjectCreated:*"]}]})


CASES = {
    "log to a bucket of this stack": case(logging(BUNDLES)),
    "log to somebody else's": case(logging("somebody-else"), REPORT),
    "log to a bucket that does not say where it is": case(
        both(on("bundles-bucket", lambda inputs: {**inputs, "region": None}), logging(BUNDLES)), REPORT
    ),
    "log to a bucket elsewhere": case(
        both(on("bundles-bucket", having(region="us-east-1")), logging(BUNDLES)), REPORT, PLACED
    ),
    "log somewhere": case(logging(Computed()), REPORT),
    "log to a name made of a bucket": case(logging_to("bundles-bucket")),
    "log to a name made of a key": case(logging_to("backups-key"), REPORT),
    "no target": case(plus(LOGGING, bucket=DOCUMENTS)),
    "inventory in this stack": case(inventory(f"arn:aws:s3:::{BUNDLES}")),
    "inventory elsewhere": case(inventory("arn:aws:s3:::somebody-else"), REPORT),
    "inventory somewhere": case(inventory(Computed()), REPORT),
    "inventory of another partition": case(inventory(f"arn:aws-cn:s3:::{BUNDLES}"), REPORT, WRITTEN),
    "analysis in this stack": case(analysis(f"arn:aws:s3:::{BUNDLES}")),
    "analysis elsewhere": case(analysis("arn:aws:s3:::somebody-else"), REPORT),
    "analysis without a report": case(plus(ANALYTICS, bucket=DOCUMENTS)),
    "logged by the bucket itself": case(on("documents-bucket", having(loggings=[{"targetBucket": BUNDLES}])), SIGHT),
    "objects told to a queue of Montreal": case(told("queues", "arn:aws:sqs:ca-central-1:111111111111:q")),
    "objects told to another account": case(told("queues", "arn:aws:sqs:ca-central-1:999999999999:q"), LOG),
    "objects told to another account's function": case(
        told("lambdaFunctions", "arn:aws:lambda:ca-central-1:999999999999:function:f"), LOG
    ),
    "objects told to a topic of this stack": case(
        both(told("topics", Computed()), made_of("extra", "topics", "alarms-topic"))
    ),
    "objects told to a topic from nowhere": case(told("topics", Computed()), LOG),
    "objects told to nobody": case(plus(NOTIFICATION, bucket=DOCUMENTS, queues=None, eventbridge=True)),
    "objects told to nobody knows whom": case(plus(NOTIFICATION, bucket=DOCUMENTS, queues=Computed()), LOG),
    "lines to Montreal": case(subscription("arn:aws:lambda:ca-central-1:111111111111:function:f")),
    "lines to another account": case(subscription("arn:aws:firehose:ca-central-1:999999999999:deliverystream/d"), LOG),
    "lines from an account unknown": case(
        both(
            subscription("arn:aws:lambda:ca-central-1:111111111111:function:f"),
            on("montreal", having(allowedAccountIds=Computed())),
        ),
        LOG,
    ),
    "lines elsewhere": case(subscription("arn:aws:logs:eu-west-1:111111111111:destination:d"), LOG, WRITTEN),
    "lines to no ARN": case(subscription("ca-central-1"), LOG),
    "lines somewhere": case(subscription(Computed()), LOG),
    "lines to a part of this stack": case(
        both(subscription(Computed()), made_of("extra", "destinationArn", "alarms-topic"))
    ),
    "a destination elsewhere": case(
        plus("aws:cloudwatch/logDestination:LogDestination", targetArn="arn:aws:kinesis:sa-east-1:1:stream/s"),
        LOG,
        WRITTEN,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_case_breaks_its_rules_and_no_other(name: str, rules_broken: dict[str, set[str]]) -> None:
    assert rules_broken[name] == CASES[name].rules


def test_every_type_that_reports_is_judged() -> None:
    sent_on = [token for token, row in RESOURCE_TYPES.items() if row.reports_to or row.logs_to]
    assert len(sent_on) == 6
    assert [token for token in (*sent_on, NOTIFICATION) if judged(token) is None] == []
