"""The rules about what answers strangers, broken one way at a time."""

import json

from plan.model import Computed, Plan
from tests.policies.changes import having, minus, on, plus, port_rule, put, without
from tests.policies.safety.cases import Case, expected, findings, judged

SUBDOMAIN = "cloudflare:index/workersScriptSubdomain:WorkersScriptSubdomain"
R2_DOMAIN = "cloudflare:index/r2ManagedDomain:R2ManagedDomain"
FUNCTION_URL = "aws:lambda/functionUrl:FunctionUrl"
PERMISSION = "aws:lambda/permission:Permission"
DATABASE = "aws:lightsail/database:Database"
ACL = "aws:s3/bucketAcl:BucketAcl"
WORKERS_DEV, R2_DEV, ORIGIN = {"workers-dev-is-off"}, {"r2-dev-is-off"}, {"uploads-name-their-origin"}
CALLERS, SHARED, PORTS = {"functions-ask-who-calls"}, {"documents-are-private"}, {"only-known-ports-are-open"}
CLOSED, LISTS, TLS = (
    {"buckets-are-closed-to-the-public"},
    {"buckets-have-no-public-list"},
    {"buckets-refuse-plain-http"},
)
GUARDED = {"database-hostname-is-behind-access"}
PRIVATE = {"managed-databases-are-private"}
BUCKET_ARN = "arn:aws:s3:::automatonicai-dev-documents-111111111111"


def bucket_policy(**changes: object) -> str:
    """The policy as it is declared, changed."""
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [BUCKET_ARN, f"{BUCKET_ARN}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, **changes}]})


def tls(policy: object) -> Case:
    return on("documents-tls-only", having(policy=policy)), TLS


def acl(grantee: dict[str, str]) -> dict[str, object]:
    return {"owner": {"id": "aa"}, "grants": [{"permission": "READ", "grantee": grantee}]}


CASES: dict[str, Case] = {
    "as it is declared": (lambda plan: plan, set()),
    "workers.dev on": (on("api-worker", put("subdomain.enabled", True)), WORKERS_DEV),
    "previews on": (on("web-worker", put("subdomain.previewsEnabled", True)), WORKERS_DEV),
    "workers.dev left to the dashboard": (on("api-worker", without("subdomain")), WORKERS_DEV),
    "workers.dev as text": (on("api-worker", put("subdomain.enabled", "false")), WORKERS_DEV),
    "workers.dev unknown": (on("api-worker", having(subdomain=Computed())), WORKERS_DEV),
    "workers.dev on by a resource": (plus(SUBDOMAIN, enabled=True, previewsEnabled=False), WORKERS_DEV),
    "workers.dev off by a resource": (plus(SUBDOMAIN, enabled=False, previewsEnabled=False), set()),
    "r2.dev on": (plus(R2_DOMAIN, bucketName="b", enabled=True), R2_DEV),
    "r2.dev unsaid": (plus(R2_DOMAIN, bucketName="b"), R2_DEV),
    "r2.dev unknown": (plus(R2_DOMAIN, bucketName="b", enabled=Computed()), R2_DEV),
    "r2.dev off": (plus(R2_DOMAIN, bucketName="b", enabled=False), set()),
    "any page writes": (on("media-media-cors", put("rules.0.allowed.origins", ["*"])), ORIGIN),
    "any page of a domain writes": (on("media-media-cors", put("rules.0.allowed.origins", ["https://*.ca"])), ORIGIN),
    "any page reads": (
        on("media-media-cors", having(rules=[{"allowed": {"methods": ["GET"], "origins": ["*"]}}])),
        set(),
    ),
    "pages unknown": (on("media-media-cors", put("rules.0.allowed.origins", Computed())), ORIGIN),
    "function for everybody": (plus(FUNCTION_URL, functionName="f", authorizationType="NONE"), CALLERS),
    "function without a word": (plus(FUNCTION_URL, functionName="f"), CALLERS),
    "function unknown": (plus(FUNCTION_URL, functionName="f", authorizationType=Computed()), CALLERS),
    "function for AWS": (plus(FUNCTION_URL, functionName="f", authorizationType="AWS_IAM"), set()),
    "function for any page": (
        plus(FUNCTION_URL, authorizationType="AWS_IAM", cors={"allowOrigins": ["*"]}),
        CALLERS,
    ),
    "permission for everybody": (plus(PERMISSION, principal="*", function="f"), CALLERS),
    "permission of an address": (
        plus(PERMISSION, principal="arn:aws:iam::1:role/r", functionUrlAuthType="NONE"),
        CALLERS,
    ),
    "permission for a service": (plus(PERMISSION, principal="s3.amazonaws.com"), CALLERS),
    "permission for a service of one's own": (
        plus(PERMISSION, principal="s3.amazonaws.com", sourceAccount="111111111111"),
        set(),
    ),
    "permission for a service of another": (
        plus(PERMISSION, principal="s3.amazonaws.com", sourceAccount="999999999999"),
        CALLERS,
    ),
    "permission for an alarm of another": (
        plus(PERMISSION, principal="sns.amazonaws.com", sourceArn="arn:aws:sns:ca-central-1:999999999999:t"),
        CALLERS,
    ),
    "permission for another account": (plus(PERMISSION, principal="999999999999"), CALLERS),
    "permission for a role of one's own": (plus(PERMISSION, principal="arn:aws:iam::111111111111:role/r"), set()),
    "document shared": (on("recovery-document", having(permissions={"type": "Share", "accountIds": "All"})), SHARED),
    "document's sharing unknown": (on("recovery-document", having(permissions=Computed())), SHARED),
    "managed database in public": (
        plus(DATABASE, publiclyAccessible=True, skipFinalSnapshot=False),
        PRIVATE | {"cost-stays-below-the-ceiling"},
    ),
    "port of a web server": (on("postgres-a-ports", port_rule(fromPort=80, toPort=80)), PORTS),
    "ping": (on("postgres-a-ports", port_rule(protocol="icmp", fromPort=8, toPort=-1)), PORTS),
    "SSH by UDP": (on("postgres-a-ports", port_rule(protocol="udp")), PORTS),
    "SSH as text": (on("postgres-a-ports", port_rule(fromPort="22", toPort="22", protocol="TCP")), set()),
    "no number": (
        on("postgres-a-ports", port_rule(fromPort="ssh", toPort="ssh")),
        PORTS | {"database-port-is-closed", "database-port-asks-for-certificates"},
    ),
    "bucket that nothing closes": (minus("documents-public-access"), CLOSED),
    "backups that nothing closes": (minus("backups-copy-public-access"), CLOSED),
    "bucket half closed": (on("documents-public-access", without("restrictPublicBuckets")), CLOSED),
    "bucket closed as text": (on("bundles-public-access", having(blockPublicAcls="true")), CLOSED),
    "block of another bucket": (on("documents-public-access", having(bucket="other")), CLOSED),
    "block unknown": (on("documents-public-access", having(blockPublicPolicy=Computed())), CLOSED),
    "block of a bucket that is to come": (on("documents-public-access", having(bucket=Computed())), set()),
    "list for everybody": (plus(ACL, bucket="b", acl="public-read"), LISTS),
    "list for all who have an account": (plus(ACL, bucket="b", acl="authenticated-read"), LISTS),
    "list unknown": (plus(ACL, bucket="b", acl=Computed()), LISTS),
    "list by its older name": (plus("aws:s3/bucketAclV2:BucketAclV2", bucket="b", acl="Public-Read"), LISTS),
    "list for its owner": (plus(ACL, bucket="b", acl="private"), set()),
    "grant to everybody": (
        plus(ACL, accessControlPolicy={"grants": [{"grantee": {"uri": "http://acs.example/groups/global/AllUsers"}}]}),
        LISTS,
    ),
    "grant to another account": (plus(ACL, accessControlPolicy=acl({"type": "CanonicalUser", "id": "bb"})), LISTS),
    "grant to somebody by an address": (plus(ACL, accessControlPolicy=acl({"emailAddress": "a@b.example"})), LISTS),
    "grant to the owner": (plus(ACL, accessControlPolicy=acl({"type": "CanonicalUser", "id": "aa"})), set()),
    "grant to S3's own logs": (plus(ACL, accessControlPolicy=acl({"uri": "http://acs.example/groups/s3/Logs"})), set()),
    "bucket's own list": (on("documents-bucket", having(acl="public-read-write")), LISTS),
    "website": (plus("aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration", bucket="b"), LISTS),
    "bucket of Lightsail": (
        plus("aws:lightsail/bucket:Bucket", name="b"),
        LISTS | {"cost-stays-below-the-ceiling"},
    ),
    "no policy for TLS": (minus("documents-tls-only"), TLS),
    "policy of another bucket": (on("documents-tls-only", having(bucket="other", policy=bucket_policy())), TLS),
    "policy that is no JSON": (tls("{")[0], TLS | {"resource-policies-name-principals"}),
    "TLS for one action": tls(bucket_policy(Action="s3:DeleteBucket")),
    "TLS for the objects only": tls(bucket_policy(Resource=f"{BUCKET_ARN}/*")),
    "TLS for one principal": tls(bucket_policy(Principal={"AWS": "arn:aws:iam::111111111111:root"})),
    "TLS on a second condition": tls(
        bucket_policy(Condition={"Bool": {"aws:SecureTransport": "false"}, "IpAddress": {"aws:SourceIp": "::/0"}})
    ),
    "TLS the wrong way round": tls(bucket_policy(Condition={"Bool": {"aws:SecureTransport": "true"}})),
    "TLS as declared, in words": (on("documents-tls-only", having(policy=bucket_policy())), set()),
    "TLS as one statement": (
        on("documents-tls-only", having(policy=json.dumps({"Statement": json.loads(bucket_policy())["Statement"][0]}))),
        set(),
    ),
    "tunnel for people's devices": (on("tunnel-ingress", put("config.warpRouting", {"enabled": True})), GUARDED),
    "name in capitals": (on("tunnel-application", having(domain="POSTGRES-dev.automatonicai.com")), set()),
}


def test_what_answers_strangers_is_refused(dev_plan: Plan) -> None:
    assert judged(dev_plan, CASES) == expected(CASES)


def test_a_policy_that_is_not_made_yet_may_wait(dev_plan: Plan) -> None:
    (found,) = findings([on("documents-tls-only", having(policy=Computed()))(dev_plan)])
    assert found == ()


def test_no_other_bucket_goes_unjudged_when_one_is_unknown(dev_plan: Plan) -> None:
    unknown = on("backups-public-access", having(blockPublicAcls=Computed()))(dev_plan)
    (found,) = findings([minus("documents-public-access")(unknown)])
    assert {one.urn.rpartition("::")[2] for one in found} == {"backups-bucket", "documents-bucket"}
