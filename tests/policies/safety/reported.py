"""Reports about rights, principals, trust, buckets and firewalls, by repository and number."""

import json
from collections.abc import Mapping
from typing import Any

from plan.model import Computed, reference
from tests.policies.changes import both, having, minus, on, plus, port_rule
from tests.policies.reported import ACCOUNT, BUCKET_ARN, HOST, REGION, Report, allow, deny, document, rights

STRANGER = "999999999999"
GITHUB = "token.actions.githubusercontent.com"
ENVIRONMENT = "repo:automatonicai/hybrid:environment:dev"
QUEUE_ARN, TOPIC_ARN = (f"arn:aws:{service}:{REGION}:{ACCOUNT}:jobs" for service in ("sqs", "sns"))
DOCUMENTS, BACKUPS = "hybrid:storage:CmsDocuments", "hybrid:backup:BackupRepository"
DEPLOY = "hybrid:identity:DeployIdentity"


def written(fed: str, policy: Any, breaks: str = "") -> Report:
    """The same, with a document of another form."""
    return Report(fed, plus("aws:iam/policy:Policy", "more", name="more", policy=policy), breaks)


def key(fed: str, *statements: Mapping[str, Any], breaks: str = "", **more: Any) -> Report:
    own = allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    given = {"multiRegion": False, "deletionWindowInDays": 30, "enableKeyRotation": True, **more}
    policy = document(own, *statements)
    change = plus("aws:kms/key:Key", "more", region=REGION, policy=policy, **given)
    return Report(fed, change, breaks)


def queue(fed: str, *statements: Mapping[str, Any], breaks: str = "") -> Report:
    address = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/jobs"
    change = plus(
        "aws:sqs/queuePolicy:QueuePolicy", "more", region=REGION, queueUrl=address, policy=document(*statements)
    )
    return Report(fed, change, breaks)


def topic(fed: str, statement: Any, breaks: str = "") -> Report:
    policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
    change = plus("aws:sns/topicPolicy:TopicPolicy", "more", region=REGION, arn=TOPIC_ARN, policy=policy)
    return Report(fed, change, breaks)


def bucket(fed: str, name: str, change: Any, breaks: str = "") -> Report:
    return Report(fed, on(name, change), breaks, DOCUMENTS)


def bucket_policy(fed: str, *statements: Mapping[str, Any], breaks: str = "") -> Report:
    return bucket(fed, "documents-tls-only", having(policy=document(*statements)), breaks)


def trust(fed: str, condition: Mapping[str, Any], breaks: str = "", **more: Any) -> Report:
    principal = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB}"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRoleWithWebIdentity", **more}
    change = on("deploy-deploy", having(assumeRolePolicy=document({**statement, "Condition": condition})))
    return Report(fed, change, breaks, DEPLOY)


def permission(fed: str, breaks: str = "", **given: Any) -> Report:
    change = plus("aws:lambda/permission:Permission", "more", region=REGION, function="f", action="x", **given)
    return Report(fed, change, breaks)


def ports(fed: str, breaks: str = "", **changes: Any) -> Report:
    return Report(fed, on("postgres-a-ports", port_rule(**changes)), breaks, HOST)


TLS_ONLY = deny(
    "s3:*", [BUCKET_ARN, f"{BUCKET_ARN}/*"], Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}}
)
EVERYBODY = {"AWS": "*"}
NO_RIGHTS_BY_STAR = "policies-name-actions policies-name-resources"
IAM = {
    "bridgecrewio/checkov#5442": rights(
        "logs:DescribeLogGroups, which takes no resource, on *", allow("logs:DescribeLogGroups")
    ),
    "aquasecurity/trivy#5040": rights(
        "actions for log deliveries, which take no resource, on *",
        allow(["logs:ListLogDeliveries", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery"]),
    ),
    "aquasecurity/tfsec#915": rights(
        "iam:ListVirtualMFADevices, which takes no resource, on *", allow("iam:ListVirtualMFADevices")
    ),
    "salesforce/cloudsplaining#278": rights(
        "an action on * with a condition that names the machines",
        allow("ssm:SendCommand", Condition={"StringEquals": {"ssm:resourceTag/stack": "automatonicai-dev"}}),
    ),
    "bridgecrewio/checkov#891": rights(
        "a reading pattern on the objects of one bucket", allow("s3:GetObject*", f"{BUCKET_ARN}/*")
    ),
    "aquasecurity/trivy-checks#413": rights(
        "iam:passrole in small letters on *",
        allow("iam:passrole"),
        breaks="rights-do-not-grow policies-name-resources",
    ),
    "prowler-cloud/prowler#2796": rights(
        "all actions, as a list of one star",
        allow(["*"]),
        breaks=f"{NO_RIGHTS_BY_STAR} rights-do-not-grow",
    ),
    "bridgecrewio/checkov#7617": written(
        "a statement that is an object and no list",
        json.dumps({"Version": "2012-10-17", "Statement": allow("s3:PutObject")}),
        "policies-name-resources",
    ),
    "bridgecrewio/checkov#464": rights(
        "all actions in the second of two statements",
        allow("s3:GetObject", f"{BUCKET_ARN}/*"),
        allow("*"),
        breaks=f"{NO_RIGHTS_BY_STAR} rights-do-not-grow",
    ),
    "prowler-cloud/prowler#1866": rights(
        "s3:* as a text, which takes on no role", allow("s3:*"), breaks=NO_RIGHTS_BY_STAR
    ),
    "Skyscanner/LambdaGuard#43": rights(
        "iam:Create*", allow("iam:Create*"), breaks=f"{NO_RIGHTS_BY_STAR} rights-do-not-grow"
    ),
    "nccgroup/ScoutSuite#663": rights(
        "iam:PassRole on every role of the account",
        allow(["iam:ListAttachedRolePolicies", "iam:PassRole"], f"arn:aws:iam::{ACCOUNT}:role/*"),
        breaks="rights-do-not-grow",
    ),
    "salesforce/cloudsplaining#580": rights(
        "iam:AttachRolePolicy without sts:AssumeRole",
        allow("iam:AttachRolePolicy"),
        breaks="policies-name-resources rights-do-not-grow",
    ),
    "prowler-cloud/prowler#5035": rights(
        "all actions but one that does not exist",
        {"Effect": "Allow", "NotAction": "prowler:action", "Resource": "*"},
        breaks="policies-name-actions",
    ),
    "duo-labs/parliament#212": rights(
        "all actions but one, on one bucket",
        {"Effect": "Allow", "NotAction": "s3:DeleteBucket", "Resource": BUCKET_ARN},
        breaks="policies-name-actions",
    ),
    "aquasecurity/trivy-checks#30": rights(
        "sts:AssumeRole for one role and all others",
        allow("sts:AssumeRole", [f"arn:aws:iam::{ACCOUNT}:role/automatonicai-dev-drill", "*"]),
        breaks="policies-name-resources rights-do-not-grow",
    ),
    "bridgecrewio/checkov#940": Report(
        "AWS's policy for administrators, attached",
        plus(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            "more",
            role="automatonicai-dev-postgres-host",
            policyArn="arn:aws:iam::aws:policy/AdministratorAccess",
        ),
        "managed-policies-are-narrow",
    ),
    "salesforce/cloudsplaining#272": rights(
        "every table's rows, every parameter's former values and every log's lines, in the stack's own region",
        *(
            allow(action, Condition={"StringEquals": {"aws:RequestedRegion": REGION}})
            for action in ("dynamodb:Query", "ssm:GetParameterHistory", "logs:StartQuery")
        ),
        breaks="policies-name-resources",
    ),
    "aquasecurity/tfsec#1978": rights(
        "stars in a path within one bucket", allow("s3:PutObject", f"{BUCKET_ARN}/*/imports/*")
    ),
    "prowler-cloud/prowler#5731": rights(
        "one's own access keys, below any path",
        allow(
            ["iam:CreateAccessKey", "iam:DeleteAccessKey"],
            [f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}", f"arn:aws:iam::{ACCOUNT}:user/*/${{aws:username}}"],
        ),
    ),
    "stelligent/cfn_nag#584": rights("iam:PassRole on * denied", deny("iam:PassRole"), deny("*")),
    "salesforce/cloudsplaining#97": rights(
        "everything denied to older sessions",
        deny(["*"], ["*"], Condition={"DateLessThan": {"aws:TokenIssueTime": "2026-11-21T00:00:00Z"}}),
    ),
    "salesforce/cloudsplaining#220": rights(
        "all but some actions denied",
        {"Effect": "Deny", "NotAction": ["s3:GetObject"], "Resource": "*"},
        allow("s3:GetObject", f"{BUCKET_ARN}/*"),
    ),
    "nccgroup/ScoutSuite#431": written(
        "a document without statements",
        json.dumps({"Version": "2012-10-17"}),
        "policies-name-actions policies-name-resources rights-do-not-grow",
    ),
}
PRINCIPALS = {
    "stelligent/cfn_nag#335": key(
        "a key for everybody", allow("kms:*", Principal="*"), breaks="resource-policies-name-principals"
    ),
    "stelligent/cfn_nag#557": key(
        "a key for everybody of the account by way of one service",
        allow(
            ["kms:Decrypt", "kms:GenerateDataKey*"],
            Principal=EVERYBODY,
            Condition={
                "StringEquals": {
                    "kms:CallerAccount": ACCOUNT,
                    "kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com",
                }
            },
        ),
    ),
    "nccgroup/ScoutSuite#1579": key(
        "the same, with kms:callerAccount in other capitals",
        allow("kms:Decrypt", Principal=EVERYBODY, Condition={"StringEquals": {"kms:callerAccount": ACCOUNT}}),
    ),
    "bridgecrewio/checkov#4394": key(
        "a key that everybody is denied to delete", deny("kms:ScheduleKeyDeletion", Principal="*")
    ),
    "Checkmarx/kics#4779": key("a key's default policy"),
    "Checkmarx/kics#7337": key(
        "a key for signatures, which AWS can't renew by itself",
        enableKeyRotation=None,
        customerMasterKeySpec="RSA_3072",
        keyUsage="SIGN_VERIFY",
    ),
    "Checkmarx/kics#6707": Report(
        "a key's policy as a resource of its own",
        plus(
            "aws:kms/keyPolicy:KeyPolicy",
            "more",
            region=REGION,
            keyId="1234",
            policy=document(allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})),
        ),
        "",
    ),
    "prowler-cloud/prowler#2723": topic(
        "AWS's own default policy of a topic: everybody whose AWS:SourceOwner is the account",
        [
            allow(
                ["SNS:GetTopicAttributes", "SNS:Publish", "SNS:Subscribe"],
                TOPIC_ARN,
                Principal=EVERYBODY,
                Condition={"StringEquals": {"AWS:SourceOwner": ACCOUNT}},
            )
        ],
    ),
    "stelligent/cfn_nag#497": topic(
        "everybody of the account, in a statement that is an object",
        allow(["sns:Publish"], [TOPIC_ARN], Principal="*", Condition={"StringEquals": {"AWS:SourceAccount": ACCOUNT}}),
    ),
    "aws-cloudformation/cloudformation-guard#353": topic(
        "everybody of another account, with the condition's key in capitals",
        [
            allow(
                "sns:Publish",
                TOPIC_ARN,
                Principal=EVERYBODY,
                Condition={"StringEquals": {"aws:SOURCEACCOUNT": STRANGER}},
            )
        ],
        "resource-policies-name-principals",
    ),
    "nccgroup/Scout2#184": queue(
        "everybody, from one topic of the account",
        allow("SQS:SendMessage", QUEUE_ARN, Principal=EVERYBODY, Condition={"ArnEquals": {"aws:SourceArn": TOPIC_ARN}}),
    ),
    "prowler-cloud/prowler#3199": queue(
        "everybody, from one topic of another account",
        allow(
            "sqs:SendMessage",
            QUEUE_ARN,
            Principal="*",
            Condition={"ArnEquals": {"aws:SourceArn": f"arn:aws:sns:{REGION}:{STRANGER}:jobs"}},
        ),
        breaks="resource-policies-name-principals",
    ),
    "panther-labs/panther-analysis#1450": queue(
        "a service without a word on whose resource it acts for",
        allow("sqs:SendMessage", QUEUE_ARN, Principal={"Service": "events.amazonaws.com"}),
        breaks="resource-policies-name-principals",
    ),
    "turbot/steampipe-mod-aws-compliance#538": bucket_policy(
        "a bucket that its policy opens to everybody",
        TLS_ONLY,
        allow("s3:*", [BUCKET_ARN, f"{BUCKET_ARN}/*"], Principal="*"),
        breaks="resource-policies-name-principals",
    ),
    "bridgecrewio/checkov#4401": bucket_policy(
        "a bucket whose objects everybody but one role is denied to delete",
        TLS_ONLY,
        deny(
            "s3:DeleteObject",
            f"{BUCKET_ARN}/*",
            Principal=EVERYBODY,
            Condition={"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/automatonicai-dev-host"}},
        ),
    ),
    "duo-labs/cloudmapper#134": bucket_policy(
        "a bucket for everybody but one",
        TLS_ONLY,
        {
            "Effect": "Allow",
            "NotPrincipal": {"AWS": f"arn:aws:iam::{STRANGER}:root"},
            "Action": "s3:GetObject",
            "Resource": f"{BUCKET_ARN}/*",
        },
        breaks="resource-policies-name-principals",
    ),
}
TRUST = {
    "bridgecrewio/checkov#6986": trust(
        "audience before subject",
        {"StringEquals": {f"{GITHUB}:aud": ["sts.amazonaws.com"], f"{GITHUB}:sub": [ENVIRONMENT]}},
    ),
    "bridgecrewio/checkov#7665": trust(
        "a loose subject after an exact one",
        {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}, "StringLike": {f"{GITHUB}:sub": [ENVIRONMENT, "*"]}},
        "trust-is-exact",
    ),
    "prowler-cloud/prowler#12845": trust(
        "no subject", {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}}, "trust-is-exact"
    ),
    "aquasecurity/cloudsploit#908": trust(
        "everybody with an account at AWS",
        {},
        "trust-is-exact rights-are-bounded",
        Principal=EVERYBODY,
        Action="sts:AssumeRole",
    ),
    "nccgroup/ScoutSuite#457": trust(
        "a role of the same account",
        {},
        "rights-are-bounded",
        Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/automatonicai-dev-deploy"},
        Action="sts:AssumeRole",
    ),
    "prowler-cloud/prowler#2792": trust(
        "a service, on behalf of one function of the account",
        {"StringEquals": {"aws:SourceArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:jobs"}},
        "rights-are-bounded",
        Principal={"Service": "lambda.amazonaws.com"},
        Action="sts:AssumeRole",
    ),
    "prowler-cloud/prowler#2533": trust(
        "a service, on behalf of the account by StringLike",
        {"StringLike": {"aws:SourceAccount": ACCOUNT}},
        "rights-are-bounded",
        Principal={"Service": "scheduler.amazonaws.com"},
        Action="sts:AssumeRole",
    ),
}
FUNCTIONS = {
    "bridgecrewio/checkov#2999": Report(
        "a function's address that asks nobody",
        plus("aws:lambda/functionUrl:FunctionUrl", "more", region=REGION, functionName="f", authorizationType="NONE"),
        "functions-ask-who-calls",
    ),
    "aquasecurity/tfsec#570": permission(
        "a service that calls for any account", "functions-ask-who-calls", principal="sns.amazonaws.com"
    ),
    "fugue/regula#200": permission(
        "S3 on behalf of a bucket, whose ARN names no account",
        "functions-ask-who-calls",
        principal="s3.amazonaws.com",
        sourceArn="arn:aws:s3:::somebodys-bucket",
    ),
    "bridgecrewio/checkov#7298": permission("everybody on behalf of the account", principal="*", sourceAccount=ACCOUNT),
}
DOCUMENTS_URN = (
    f"urn:pulumi:dev::hybrid::{DOCUMENTS}$hybrid:storage:PrivateBucket$aws:s3/bucket:Bucket::documents-bucket"
)
DOCUMENTS_TO_COME = reference(DOCUMENTS_URN, "arn")
BACKUPS_URN = f"urn:pulumi:dev::hybrid::{BACKUPS}$hybrid:storage:PrivateBucket$aws:s3/bucket:Bucket::backups-bucket"
BUCKETS = {
    "aws-cloudformation/aws-guard-rules-registry#243": bucket_policy(
        "a policy without a word on TLS",
        deny("s3:DeleteBucket", BUCKET_ARN, Principal="*"),
        breaks="buckets-refuse-plain-http",
    ),
    "aws/aws-cdk#13760": bucket_policy(
        "TLS for the objects, and none for the bucket itself",
        {**TLS_ONLY, "Resource": f"{BUCKET_ARN}/*"},
        breaks="buckets-refuse-plain-http",
    ),
    "Checkmarx/kics#5763": bucket_policy(
        "two denials, one of them about TLS",
        TLS_ONLY,
        deny("s3:*", BUCKET_ARN, Principal="*", Condition={"NotIpAddress": {"aws:SourceIp": ["203.0.113.0/24"]}}),
    ),
    "nccgroup/ScoutSuite#1525": bucket_policy(
        "aws:securetransport in small letters",
        {**TLS_ONLY, "Condition": {"Bool": {"aws:securetransport": "false"}}},
    ),
    "stelligent/cfn_nag#406": bucket_policy(
        "TLS for everybody as a list of one, by a list of one value",
        {
            **TLS_ONLY,
            "Principal": {"AWS": ["*"]},
            "Action": ["s3:*"],
            "Condition": {"Bool": {"aws:SecureTransport": ["false"]}},
        },
    ),
    "aquasecurity/defsec#1067": bucket(
        "AES256 without a key for the bucket",
        "documents-encryption",
        having(rules=[{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]),
    ),
    "bridgecrewio/checkov#651": bucket(
        "a block of public access with null for one of its settings",
        "documents-public-access",
        having(blockPublicAcls=None),
        "buckets-are-closed-to-the-public",
    ),
    "pulumi/pulumi-policy#180": bucket(
        "a block of public access with a setting that is known only later",
        "documents-public-access",
        having(blockPublicAcls=Computed()),
        "buckets-are-closed-to-the-public",
    ),
    "bridgecrewio/checkov#5752": bucket(
        "a policy with an ARN that is known only later",
        "documents-tls-only",
        having(policy=Computed(document({**TLS_ONLY, "Resource": [DOCUMENTS_TO_COME, f"{DOCUMENTS_TO_COME}/*"]}))),
    ),
    "tenable/terrascan#1172": Report(
        "versioning by the bucket's own property",
        both(minus("documents-versioning"), on("documents-bucket", having(versioning={"enabled": True}))),
        "",
        DOCUMENTS,
    ),
    "tenable/terrascan#1540": bucket(
        "versioning that names the bucket by its id, known only later",
        "documents-versioning",
        having(bucket=Computed(reference(DOCUMENTS_URN, "id"))),
    ),
    "bridgecrewio/checkov#6982": bucket(
        "a block of public access that names the bucket by its id, known only later",
        "documents-public-access",
        having(bucket=Computed(reference(DOCUMENTS_URN, "id"))),
    ),
    "fugue/regula#363": Report(
        "a bucket's encryption that names it by its id, known only later",
        on("backups-encryption", having(bucket=Computed(reference(BACKUPS_URN, "id")))),
        "",
        BACKUPS,
    ),
    "pulumi/compliance-policies#51": Report(
        "a bucket of the older type, without anything",
        plus("aws:s3/bucketV2:BucketV2", "more", region=REGION, bucket="more", tags={"data-class": "none"}),
        "buckets-are-closed-to-the-public buckets-keep-versions buckets-refuse-plain-http",
    ),
}
FIREWALL = {
    "aquasecurity/tfsec#138": ports("SSH open to all of IPv6", "firewall-names-networks", ipv6Cidrs=["::/0"]),
    "mondoohq/cnspec#3709": ports("::/0 in the list of IPv4", "firewall-names-networks", cidrs=["::/0"]),
    "mondoohq/mql#8531": ports("SSH open to half of IPv4", "firewall-names-networks", cidrs=["0.0.0.0/1"]),
    "aquasecurity/trivy-checks#100": ports("SSH open to a /24, written by an address in it", cidrs=["203.0.113.4/24"]),
    "bridgecrewio/checkov#1776": ports("null in place of the list of IPv6", "firewall-names-networks", ipv6Cidrs=None),
    "bridgecrewio/checkov#6108": ports(
        "all protocols, with ports that say nothing then",
        "database-port-is-closed database-port-asks-for-certificates only-known-ports-are-open",
        protocol="all",
        fromPort=0,
        toPort=0,
    ),
    "aquasecurity/tfsec#1492": ports(
        "ICMP, which has no ports", "only-known-ports-are-open", protocol="icmp", fromPort=-1, toPort=-1
    ),
}
ACCESS = {**IAM, **PRINCIPALS, **TRUST, **FUNCTIONS, **BUCKETS, **FIREWALL}
