"""Where AWS resources are, and which services may be used at all."""

from collections.abc import Iterator

from pulumi_policy import ResourceValidationArgs, Severity

from policies.rule import Rule

CANADIAN_REGIONS = ("ca-central-1", "ca-west-1")
# Services that somebody has judged. These keep their data in the region they are declared in. Of some only these
# types: a key may be kept in somebody else's store, CloudWatch holds logs, streams and events, too.
REGIONAL_PREFIXES = (
    "aws:cloudwatch/metricAlarm:",
    "aws:kms/alias:",
    "aws:kms/key:",
    "aws:lightsail/",
    "aws:s3/",
    "aws:sns/topic:",
    "aws:sns/topicSubscription:",
    "aws:ssm/",
)
# These have no region, and hold no data of ours.
GLOBAL_PREFIXES = ("aws:iam/",)
# tls, like random, makes something in the provider itself: what it makes is in the state, and nowhere else.
OTHER_PACKAGES = ("cloudflare:", "hybrid:", "pulumi:", "random:", "tls:")


def _service_is_judged(args: ResourceValidationArgs) -> Iterator[str]:
    judged = (*REGIONAL_PREFIXES, *GLOBAL_PREFIXES, *OTHER_PACKAGES)
    if not args.resource_type.startswith(judged):
        yield "This resource is of a service that nobody has judged."


def _region_is_canadian(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type == "pulumi:providers:aws":
        if args.props.get("region") not in CANADIAN_REGIONS:
            yield "This AWS provider is not set to a Canadian region."
        return
    if not args.resource_type.startswith("aws:") or args.resource_type.startswith(GLOBAL_PREFIXES):
        return
    provider = args.provider.props.get("region") if args.provider else None
    if (args.props.get("region") or provider) not in CANADIAN_REGIONS:
        yield "This resource is not in a Canadian region, or does not say where it is."
    zone = args.props.get("availabilityZone")
    if zone is not None and not zone.startswith(CANADIAN_REGIONS):
        yield "This resource's availability zone is not in a Canadian region."


RULES = (
    Rule(
        name="services-are-judged",
        description="Only services whose place of storage somebody has looked at are used.",
        reason="",
        severity=Severity.CRITICAL,
        remediation="Find out where it keeps data, then add it to REGIONAL_PREFIXES or GLOBAL_PREFIXES.",
        check=_service_is_judged,
    ),
    Rule(
        name="resources-are-in-canada",
        description="Every AWS resource is in ca-central-1 or ca-west-1.",
        reason="",
        severity=Severity.CRITICAL,
        remediation="Set its region to ca-central-1.",
        check=_region_is_canadian,
    ),
)
