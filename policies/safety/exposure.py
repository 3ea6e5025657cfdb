"""Which Workers, Lambda functions, SSM documents and managed databases answer strangers."""

from collections.abc import Iterator, Sequence

from pulumi_policy import ResourceValidationArgs, Severity

from components.resource_types import tokens
from policies.rules.reading import accounts, entries, has, is_of, items, text, value
from policies.rules.rule import Rule, StackRule

WORKER_SUBDOMAIN = "cloudflare:index/workersScriptSubdomain:WorkersScriptSubdomain"
R2_DOMAIN = "cloudflare:index/r2ManagedDomain:R2ManagedDomain"
R2_CORS = "cloudflare:index/r2BucketCors:R2BucketCors"
FUNCTION_URL = "aws:lambda/functionUrl:FunctionUrl"
READING_METHODS = {"get", "head"}
# Who may be given a function without a word on whose account or resource calls it: nobody.
ANYBODY = {"*", ""}
OF_A_BUCKET = "arn:aws:s3:::"


def _workers_dev_is_off(args: ResourceValidationArgs) -> Iterator[str]:
    subdomain = value(args.props, "subdomain") if args.resource_type == tokens.WORKER else args.props
    for key, what in (("enabled", "on workers.dev"), ("previewsEnabled", "at the addresses of previews")):
        # Left out, it is what somebody set in the dashboard.
        if value(subdomain, key) is not False:
            yield f"This Worker answers {what}, or does not say that it does not."


def _r2_dev_is_off(args: ResourceValidationArgs) -> Iterator[str]:
    if value(args.props, "enabled") is not False:
        yield "This bucket answers at r2.dev."


def _uploads_name_their_origin(args: ResourceValidationArgs) -> Iterator[str]:
    for index in range(entries(args.props, "rules")):
        allowed = value(args.props, "rules", index, "allowed") or {}
        methods = {str(method).lower() for method in items(allowed, "methods")}
        if methods - READING_METHODS and any("*" in str(origin) for origin in items(allowed, "origins")):
            yield f"Rule {index} of this bucket lets pages of any origin write."


def _function_asks_who_calls(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type == FUNCTION_URL:
        if value(args.props, "authorizationType") != "AWS_IAM":
            yield "This function's address answers whoever calls it."
        if any("*" in str(origin) for origin in items(args.props, "cors", "allowOrigins")):
            yield "This function's address answers pages of any origin."
        return
    yield from _faults_of_a_permission(args)


def _faults_of_a_permission(args: ResourceValidationArgs) -> Iterator[str]:
    name, own = text(args.props, "principal"), accounts(args.provider)
    if value(args.props, "functionUrlAuthType") not in (None, "AWS_IAM"):
        yield "This permission lets strangers call a function by its address."
    source, account = text(args.props, "sourceArn"), text(args.props, "sourceAccount")
    if name in ANYBODY:
        # Who calls on behalf of the account is not everybody.
        if not (is_of(account, own) or is_of(source, own)):
            yield "This permission lets everybody call a function."
    elif not name.endswith(".amazonaws.com"):
        if not is_of(name, own):
            yield "This permission lets another account call a function."
    elif not has(args.props, "sourceArn") and not has(args.props, "sourceAccount"):
        yield "This permission lets a service call a function for any account."
    elif _is_anothers(account, own) or _is_anothers(source, own):
        yield "This permission lets a service call a function for another account."
    elif source.startswith(OF_A_BUCKET) and not account:
        yield "This permission lets S3 call a function for whoever has the bucket, whose ARN names no account."


def _is_anothers(source: str, own: Sequence[str]) -> bool:
    return bool(source) and not source.startswith(OF_A_BUCKET) and not is_of(source, own)


def _document_is_private(args: ResourceValidationArgs) -> Iterator[str]:
    # As the program gives it, and as the provider reads it back.
    permissions = value(args.props, "permissions")
    if permissions and text(permissions, "accountIds"):
        yield "This document of Systems Manager is shared with other accounts."


def _managed_database_is_private(args: ResourceValidationArgs) -> Iterator[str]:
    if value(args.props, "publiclyAccessible") not in (None, False):
        yield "This managed database has a public address."


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="workers-dev-is-off",
        description="Workers answer on the zone's own host names only.",
        reason=(
            "What is on workers.dev is behind no route, no Access application and no rule of the zone, and Regional "
            "Services do not cover it (Cloudflare, Workers routing; Data Localization compatibility). A rollback "
            "does not reach it either."
        ),
        severity=Severity.HIGH,
        remediation="Set enabled and previewsEnabled of its subdomain to false.",
        types=(tokens.WORKER, WORKER_SUBDOMAIN),
        check=_workers_dev_is_off,
    ),
    Rule(
        name="r2-dev-is-off",
        description="No R2 bucket is public at r2.dev.",
        reason=(
            "r2.dev is meant for trying out: no cache, no access rule and no limit but a shared one stand in front "
            "(Cloudflare, R2 public buckets)."
        ),
        severity=Severity.HIGH,
        remediation="Serve public media through a Worker or a custom domain, and set enabled to false.",
        types=(R2_DOMAIN,),
        check=_r2_dev_is_off,
    ),
    Rule(
        name="uploads-name-their-origin",
        description="Pages that may write into a bucket are named by their origin.",
        reason="With a star, any page that a signed-in visitor opens can write (Cloudflare, R2 CORS).",
        severity=Severity.MEDIUM,
        remediation="Name the site's origin.",
        types=(R2_CORS,),
        check=_uploads_name_their_origin,
    ),
    Rule(
        name="functions-ask-who-calls",
        description=(
            "A Lambda function's address asks for AWS credentials, and its permissions name who calls, of the "
            "stack's own account."
        ),
        reason=(
            "With authorisation NONE everybody who finds the address runs the function, at our cost and with its "
            "rights (AWS, Lambda function URL access control)."
        ),
        severity=Severity.CRITICAL,
        remediation="Set authorizationType to AWS_IAM, and name principal and sourceArn.",
        types=(FUNCTION_URL, tokens.FUNCTION_PERMISSION),
        check=_function_asks_who_calls,
    ),
    Rule(
        name="documents-are-private",
        description="Documents of Systems Manager are shared with nobody.",
        reason="A shared document shows how hosts are run, and may be public (AWS, Systems Manager shared documents).",
        severity=Severity.MEDIUM,
        remediation="Leave permissions out.",
        types=(tokens.DOCUMENT,),
        check=_document_is_private,
    ),
    Rule(
        name="managed-databases-are-private",
        description="A managed database has no public address.",
        reason="Lightsail's managed databases have no firewall of their own (AWS, Lightsail database public mode).",
        severity=Severity.CRITICAL,
        remediation="Set publiclyAccessible to false.",
        types=(tokens.MANAGED_DATABASE,),
        check=_managed_database_is_private,
    ),
)
