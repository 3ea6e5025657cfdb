"""Who reaches what is in S3: nobody without an identity, and nobody without TLS."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pulumi_policy import PolicyResource, ResourceValidationArgs, Severity, StackValidationArgs

from components.resource_types import tokens
from policies.rules.pairing import by_bucket
from policies.rules.reading import current, each, each_to_the_end, items, of_type, text, value
from policies.rules.rule import Rule, StackRule
from policies.safety.documents import DocumentError, Statement, statements

PUBLIC_ACCESS = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
BUCKET_ACL = "aws:s3/bucketAcl:BucketAcl"
WEBSITE = "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration"
BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
PRIVATE_ACLS = ("", "private", "bucket-owner-read", "bucket-owner-full-control", "log-delivery-write")


def _buckets_are_closed(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    blocks = by_bucket(args.resources, PUBLIC_ACCESS)

    def check(bucket: PolicyResource) -> Iterator[str]:
        own = blocks[bucket.urn]
        if not own:
            yield "This bucket has no block of public access."
        for block in own:
            if any(value(block, name) is not True for name in BLOCKS):
                yield "This bucket's block of public access is incomplete."

    yield from each(of_type(args.resources, tokens.BUCKET), check)


def _no_acl_is_public(args: ResourceValidationArgs) -> Iterator[str]:
    kind = current(args.resource_type)
    if kind in (tokens.BUCKET, BUCKET_ACL) and text(args.props, "acl") not in PRIVATE_ACLS:
        yield "This access control list admits people without an identity, or a whole group."
    for grant in ("grants", "accessControlPolicy"):
        # Of what the program gives: the provider reads an owner's own grant back.
        if kind in (tokens.BUCKET, BUCKET_ACL) and "global/" in _flat(value(args.props, grant)):
            yield "This access control list grants something to everyone."
    if kind == BUCKET_ACL and any(_is_a_strangers(grant, args.props) for grant in _grants(args.props)):
        yield "This access control list grants something to another account."
    if kind == WEBSITE or (kind == tokens.BUCKET and value(args.props, "website")):
        yield "This bucket is a website, which S3 serves without TLS."
    if kind == tokens.LIGHTSAIL_BUCKET:
        yield "This is a bucket of Lightsail, which has no lock, no key of one's own and no block of public access."


def _grants(props: Mapping[str, Any]) -> list[Any]:
    return items(props, "accessControlPolicy", "grants")


def _is_a_strangers(grant: Any, props: Mapping[str, Any]) -> bool:
    """Whether a grant is to one account other than the owner, by canonical number or address; groups have a URI."""
    owner, grantee = value(props, "accessControlPolicy", "owner", "id"), value(grant, "grantee")
    return value(grantee, "uri") is None and (owner is None or value(grantee, "id") != owner)


def _flat(values: Any) -> str:
    """All text inside, in lower case."""
    if isinstance(values, str):
        return values.lower()
    if isinstance(values, Mapping):
        return " ".join(_flat(values[key]) for key in values)
    return " ".join(_flat(item) for item in values) if isinstance(values, Sequence) else ""


def _plain_http_is_refused(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    policies = by_bucket(args.resources, tokens.BUCKET_POLICY)

    def check(bucket: PolicyResource) -> Iterator[str]:
        if not any(_demands_tls(value(policy, "policy")) for policy in policies[bucket.urn]):
            yield "This bucket has no policy that refuses requests without TLS."

    yield from each_to_the_end(of_type(args.resources, tokens.BUCKET), check)


def _demands_tls(document: Any) -> bool:
    try:
        return any(map(_refuses_plain_http, statements(document)))
    except DocumentError:
        return False


def _refuses_plain_http(statement: Statement) -> bool:
    """Whether it covers everyone, every action and all of the bucket; a narrower one leaves the rest open."""
    whole = statement.resources
    refused = [(operator, key, [one.lower() for one in values]) for operator, key, values in statement.conditions]
    return (
        not statement.allows
        and any(kind in ("*", "AWS") and name == "*" for kind, name in statement.principals)
        and bool({"s3:*", "*"}.intersection(statement.actions))
        and refused == [("bool", "aws:securetransport", ["false"])]
        and ("*" in whole or (any(one.endswith("/*") for one in whole) and any("/" not in one for one in whole)))
    )


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="buckets-are-closed-to-the-public",
        description="Every S3 bucket blocks public access by all four settings.",
        reason=(
            "One wrong list or policy makes a bucket public; the block holds whatever they say "
            "(AWS, Blocking public access to your Amazon S3 storage)."
        ),
        severity=Severity.CRITICAL,
        remediation="Declare it with PrivateBucket.",
        check=_buckets_are_closed,
    ),
    Rule(
        name="buckets-have-no-public-list",
        description="No list opens a bucket to anybody but its owner, no bucket is a website, none is Lightsail's.",
        reason=(
            "Lists are S3's oldest way of giving rights and its easiest to get wrong, so AWS advises to switch them "
            "off; a website's address has no TLS (AWS, S3 object ownership; website endpoints)."
        ),
        severity=Severity.CRITICAL,
        remediation="Declare it with PrivateBucket, and serve public files from R2.",
        check=_no_acl_is_public,
    ),
    StackRule(
        name="buckets-refuse-plain-http",
        description="Every S3 bucket has a policy that refuses requests without TLS.",
        reason=(
            "S3 answers plain HTTP, too, and a client that is set up wrongly would send data readable by everyone "
            "between (AWS, Security best practices for Amazon S3)."
        ),
        severity=Severity.HIGH,
        remediation="Declare it with PrivateBucket.",
        may_wait=(
            "the policy names its bucket by an ARN that AWS gives when it makes the bucket; that there is a policy "
            "for each bucket is judged before"
        ),
        check=_plain_http_is_refused,
    ),
)
