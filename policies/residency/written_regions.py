"""Regions that stand in texts: ARNs, names of hosts and buckets, policies, scripts, settings."""

import re
from collections.abc import Iterator

from pulumi_policy import ResourceValidationArgs, Severity

from policies.residency.regions import AWS_PROVIDER, CANADIAN_REGIONS
from policies.residency.written import plain, written
from policies.rule import Rule

_POINTS = "(?:north|south)?(?:east|west)|north|south|central"
_REGION = re.compile(
    rf"(?<![a-z0-9])(?:(?:af|ap|ca|cn|eu|il|me|mx|sa|us)(?:-gov|-isof?b?e?)?|eusc-de)-(?:{_POINTS})-[0-9]+"
)
# Texts that hold none of these hold no region, and most do not.
_HINT = re.compile(r"east|west|north|south|central|amazonaws|arn:aws-|mrk-|\.mrap|-az[0-9]")
_OTHERS: dict[str, re.Pattern[str]] = {
    "a region outside of Canada, by another name": re.compile(
        rf"(?<![a-z0-9])(?:us|eu|ap|sa|af|me|cn|il|mx)[_ ]?(?:gov[_ ]?)?(?:{_POINTS})"
        # Before another word a number of its own counts doors and offices.
        r"(?:_?[0-9](?![a-z0-9])| [0-9](?![a-z0-9]| [a-z])| ?\()"
    ),
    "another cloud's region": re.compile(
        rf"(?<![a-z0-9])(?:us|europe|asia|australia|southamerica|africa|me)-(?:{_POINTS})[0-9]{{1,2}}(?![a-z0-9])"
    ),
    "an availability zone outside of Canada": re.compile(
        r"(?<![a-z0-9])(?!ca[cw]1-)[a-z]{2,3}[nsewc]{1,2}[0-9]-az[0-9]"
    ),
    "another partition of AWS": re.compile(r"(?<![a-z0-9])arn:aws-[a-z]"),
    # A bare s3.amazonaws.com is the name of a service in a policy.
    "an endpoint of S3 that is not of one region": re.compile(
        r"(?:://|[a-z0-9]\.)s3(?:-accelerate|-external-1)?(?:\.dualstack)?\.amazonaws\.com|s3-global\.amazonaws\.com"
    ),
    "an access point of several regions": re.compile(r"\.mrap(?![a-z0-9])"),
    "a key of several regions": re.compile(r"(?<![a-z0-9])mrk-[0-9a-f]{32}"),
}
# Code and files, which name regions without using them; what runs on the host gets its region from its specification.
CODE = {
    "aws:s3/bucketObject:BucketObject": ("content", "source"),
    "aws:s3/bucketObjectv2:BucketObjectv2": ("content", "source"),
    "cloudflare:index/workerVersion:WorkerVersion": ("modules", "assets"),
}
# resources-are-in-canada judges these.
_JUDGED = ("region", "availabilityZone")


def _written_regions_are_canadian(args: ResourceValidationArgs) -> Iterator[str]:
    code = CODE.get(args.resource_type, ())
    judged = _JUDGED if args.resource_type.startswith("aws:") or args.resource_type == AWS_PROVIDER else ()
    found: dict[tuple[str, str], None] = {}
    for path, text in written(args.props):
        if path in judged or path.startswith(code):
            continue
        for what in foreign(text):
            found[path, what] = None
        # A region may be a key, as of a map from regions to buckets.
        for what in foreign(plain(path)):
            found[path.split(".")[0], f"a key that names {what}"] = None
    for path, what in found:
        yield f"Property {path} holds {what}."


def foreign(text: str) -> Iterator[str]:
    """What a text in lower case names that is not in Canada, in words."""
    if not _HINT.search(text):
        return
    if any(region not in CANADIAN_REGIONS for region in _REGION.findall(text)):
        yield "a region outside of Canada"
    yield from (what for what, pattern in _OTHERS.items() if pattern.search(text))


RULES = (
    Rule(
        name="written-regions-are-canadian",
        description="No ARN, host name, policy or other text names a region outside of Canada.",
        reason="A resource in Montreal can still send data away: by an ARN of another region, an endpoint, a policy in"
        " JSON text. S3's endpoint without a region is in Virginia (AWS, S3 endpoints).",
        severity=Severity.CRITICAL,
        remediation="Name ca-central-1 or ca-west-1.",
        may_wait="what a cloud makes up names the region of the resource that it belongs to, which is judged",
        check=_written_regions_are_canadian,
    ),
)
