"""Where S3, logs and messages go, and who keeps the keys."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pulumi_policy import PolicyResource, ResourceValidationArgs, Severity, StackValidationArgs
from pulumi_policy.proxy import UnknownValueError

from components.resource_types import tokens
from components.resource_types.table import of
from policies.residency.regions import CANADIAN_REGIONS
from policies.rules.reading import known, known_accounts
from policies.rules.rule import Rule, StackRule

# With the type's older name.
BUCKETS = ("aws:s3/bucket:", "aws:s3/bucketV2:")
REPLICATION_INPUTS = {"replicationConfiguration", "replicationConfigurations"}
LOGGING_INPUTS = {"logging", "loggings"}
ARN = "arn:aws:s3:::"
NOTIFICATION = "aws:s3/bucketNotification:BucketNotification"
# Whom S3 tells of objects, by list of a notification.
LISTENERS = {"lambdaFunctions": "lambdaFunctionArn", "queues": "queueArn", "topics": "topicArn"}
_CANADIAN_ARN = re.compile(rf"arn:aws:[a-z0-9-]+:({'|'.join(CANADIAN_REGIONS)}):([0-9]{{12}}):.+")


def _replication_stays(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    declared = _buckets(args)
    for resource in args.resources:
        if resource.resource_type == tokens.REPLICATION:
            sources = resource.property_dependencies.get("rules", [])
            for destination in _destinations(resource.props):
                fault = _fault_of_what_is_to_come(sources) if destination is None else _fault(declared, destination)
                if fault:
                    yield f"This replication goes to a bucket that {fault}.", resource.urn


def _reports_stay(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    declared = _buckets(args)
    for resource in args.resources:
        steps = of(resource.resource_type).reports_to
        if not steps or steps[0] not in list(resource.props):
            continue
        destination = known(resource.props, *steps)
        sources = resource.property_dependencies.get(steps[0], [])
        if destination is None and sources:
            # Not known yet, but of which bucket it is made is.
            destination = next(
                (known(found.props, "bucket") for found in sources if found.resource_type == tokens.BUCKET), None
            )
        fault = _fault(declared, destination)
        if fault:
            yield f"This bucket's reports go to a bucket that {fault}.", resource.urn


def _buckets(args: StackValidationArgs) -> dict[Any, PolicyResource]:
    return {known(found.props, "bucket"): found for found in args.resources if found.resource_type == tokens.BUCKET}


def _fault(declared: Mapping[Any, PolicyResource], destination: str | None) -> str:
    """What is wrong with the bucket of this name or ARN; empty where nothing is."""
    bucket = declared.get(destination.removeprefix(ARN)) if destination else None
    if bucket is None:
        return "this stack does not declare"
    return "" if known(bucket.props, "region") in CANADIAN_REGIONS else "does not say it is in Canada"


def _fault_of_what_is_to_come(sources: Iterable[PolicyResource]) -> str:
    """The same, of a bucket that is not known yet, by all that the rules are made of: no other than the stack's own."""
    buckets = [found for found in sources if found.resource_type == tokens.BUCKET]
    if not buckets or any(found.resource_type == tokens.STACK_REFERENCE for found in sources):
        return "this stack does not declare"
    is_canadian = all(known(found.props, "region") in CANADIAN_REGIONS for found in buckets)
    return "" if is_canadian else "does not say it is in Canada"


def _destinations(replication: Mapping[str, Any]) -> list[str | None]:
    """Where each rule goes, by ARN; None where that is not known."""
    rules = known(replication, "rules")
    if not rules:
        return [None]
    return [known(rules, index, "destination", "bucket") for index in range(len(rules))]


def _replication_is_in_sight(args: ResourceValidationArgs) -> Iterator[str]:
    # Of what was declared: the provider reads a replication back into the bucket's outputs.
    if not args.resource_type.startswith(BUCKETS):
        return
    if REPLICATION_INPUTS & set(args.props):
        yield "This bucket is replicated by a property of its own, which no rule looks at."
    if LOGGING_INPUTS & set(args.props):
        yield "This bucket's log goes out by a property of its own, which no rule looks at."


def _logs_stay(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    for resource in args.resources:
        key = of(resource.resource_type).logs_to
        if key:
            fault = _fault_of_a_listener(resource, key, known(resource.props, key))
            if fault:
                yield f"These log lines are handed to {fault}.", resource.urn
        if resource.resource_type == NOTIFICATION:
            faults = dict.fromkeys(
                fault for key, arn in _listeners(resource) if (fault := _fault_of_a_listener(resource, key, arn))
            )
            yield from ((f"This bucket tells of its objects to {fault}.", resource.urn) for fault in faults)


def _listeners(notification: PolicyResource) -> Iterator[tuple[str, Any]]:
    """List and ARN of everything that is notified of objects; None where it is not known."""
    for key, name in LISTENERS.items():
        try:
            listed = notification.props.get(key) or []
        except UnknownValueError:
            listed = [{}]
        yield from ((key, known(listed, index, name)) for index in range(len(listed)))


def _fault_of_a_listener(resource: PolicyResource, key: str, arn: Any) -> str:
    """Fault of what gets log lines or notifications; empty where there is none."""
    if arn is None and resource.property_dependencies.get(key):
        # Made of a resource of this stack, whose region is judged by itself.
        return ""
    found = _CANADIAN_ARN.fullmatch(arn) if isinstance(arn, str) else None
    if found is None:
        return "something that does not say it is in Canada"
    return "" if found[2] in known_accounts(resource.provider) else "another account"


def _key_stays_in_its_region(args: ResourceValidationArgs) -> Iterator[str]:
    if args.props.get("multiRegion"):
        yield "This key can be replicated to any region."
    if args.props.get("customKeyStoreId") or args.props.get("xksKeyId"):
        yield "This key is kept in a store that nobody has judged."


def _topic_tells_people(args: ResourceValidationArgs) -> Iterator[str]:
    if args.props.get("protocol") != "email":
        yield "This subscription hands messages to a machine, wherever that is."


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="replication-stays-in-the-stack",
        description="S3 copies only to a bucket that the stack itself declares in Canada.",
        reason="The ARN of a bucket does not say its region, and S3 replicates to any (AWS, S3 replication). Only of a"
        " bucket of the same stack is it known where it is.",
        severity=Severity.CRITICAL,
        remediation="Name the other bucket's ARN as text, and declare that bucket with a Canadian region.",
        check=_replication_stays,
    ),
    Rule(
        name="replication-is-in-sight",
        description="What S3 copies, and where it logs, is declared apart from the bucket, where it can be judged.",
        reason="The bucket's own properties for it are older than the types of their own (pulumi_aws 7, Bucket), and"
        " the provider reads them back, so that they can't be told from what was declared.",
        severity=Severity.CRITICAL,
        remediation="Declare it as BucketReplicationConfig, or as BucketLogging.",
        check=_replication_is_in_sight,
    ),
    StackRule(
        name="bucket-reports-stay-in-the-stack",
        description="A bucket's access log, inventory and analysis go to a bucket that the stack declares in Canada.",
        reason="Reports name every object and who read it, and S3 delivers inventories to buckets of other accounts"
        " (AWS, S3 inventory). The name of a bucket does not say where it is.",
        severity=Severity.CRITICAL,
        remediation="Declare the bucket that gets them, with a Canadian region.",
        check=_reports_stay,
    ),
    StackRule(
        name="logs-stay-in-canada",
        description="Log lines, and names of a bucket's objects, go only to what is in Canada and in the account of the"
        " stack.",
        reason="Log lines of an API hold what people asked. A subscription hands them to another account's destination"
        " as easily as to one's own (AWS, CloudWatch Logs subscriptions), and a bucket tells any queue of its region"
        " what its objects are called (AWS, S3 event notifications).",
        severity=Severity.CRITICAL,
        remediation="Hand them to an ARN of the account in ca-central-1 or ca-west-1, or to what this stack declares.",
        check=_logs_stay,
    ),
    Rule(
        name="keys-stay-in-their-region",
        description="Every key is of one region and kept by AWS itself.",
        reason="A multi-Region key can be replicated to any region at any time, and what it encrypts can then be read"
        " there (AWS, KMS multi-Region keys). It can't be made a key of one region afterwards.",
        severity=Severity.CRITICAL,
        remediation="Declare it with EncryptionKey.",
        types=(tokens.KMS_KEY,),
        check=_key_stays_in_its_region,
    ),
    Rule(
        name="topics-tell-people",
        description="Topics of SNS are subscribed to by e-mail only.",
        reason="Other protocols hand messages to machines that no rule sees, in any region (AWS, SNS cross-Region"
        " delivery). An e-mail leaves Canada when its reader's mailbox does, so alarms hold no data.",
        severity=Severity.HIGH,
        remediation="Set its protocol to email.",
        types=(tokens.TOPIC_SUBSCRIPTION,),
        check=_topic_tells_people,
    ),
)
