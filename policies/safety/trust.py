"""Whom AWS and Cloudflare believe: who may take on a role, who is named in a resource's policy, which tokens end."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from pulumi_policy import ResourceValidationArgs, Severity

from components.resource_types import tokens
from components.resource_types.table import RESOURCE_TYPES
from policies.exemptions.exemption import current_day
from policies.rules.reading import account_ids, accounts, is_of, items, known_accounts, text, texts, value
from policies.rules.rule import Rule, StackRule
from policies.safety.documents import TO_COME, DocumentError, Statement, statements

# Written out, as in components/access/deploy_policies.py: importing that takes seconds of every start of the pack.
ISSUER, AUDIENCE = "token.actions.githubusercontent.com", "sts.amazonaws.com"
ACCESS_TOKEN = "cloudflare:index/zeroTrustAccessServiceToken:ZeroTrustAccessServiceToken"
API_TOKENS = (tokens.ACCOUNT_TOKEN, tokens.API_TOKEN)
RESOURCE_POLICIES = {token: row.resource_policy for token, row in RESOURCE_TYPES.items() if row.resource_policy}
# A year, after which somebody renews it (components/network/private_tunnel.py).
MOST_TOKEN_HOURS = 8760
MOST_TOKEN_TIME = timedelta(days=366)
HOURS = re.compile(r"(\d+)h")
# `repo:OWNER/NAME:environment:prod`: one repository, and one environment, branch or kind of job.
EXACT_SUBJECT = re.compile(r"repo:[\w.-]+/[\w.-]+:(pull_request|environment:[\w.-]+|ref:refs/(heads|tags)/[\w./-]+)")
EXACT = ("stringequals", "foranyvalue:stringequals")
# For whom a service acts (AWS, IAM, The confused deputy problem). SNS's older key, and what CloudWatch Logs and
# CloudTrail say to KMS in their place, are theirs.
SOURCES = ("aws:sourceaccount", "aws:sourcearn", "aws:sourceowner", "kms:encryptioncontext:")
# Conditions that keep a principal of `*` to one's own account. An organisation has other accounts, and a stack declares
# none as its own.
OWN_ACCOUNT = (*SOURCES, "aws:principalaccount", "aws:principalarn", "kms:calleraccount")
KEEPING = ("stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike")
# Services that take on a role only for a resource of the role's own account, as `iam:PassRole` has it, and for which
# AWS documents a trust without a condition on the source.
WITHOUT_SOURCE = {
    "ec2.amazonaws.com": "an instance's profile is of its own account (AWS, EC2, IAM roles for Amazon EC2)",
    "lambda.amazonaws.com": "an execution role is of the function's account (AWS, Lambda, Execution role)",
    "edgelambda.amazonaws.com": "as Lambda's (AWS, CloudFront, IAM permissions and roles for Lambda@Edge)",
    "s3.amazonaws.com": "a replication's role is of the source bucket's account (AWS, S3, Setting up permissions)",
    "batchoperations.s3.amazonaws.com": "a job's role is of its own account (AWS, S3 Batch Operations, permissions)",
    "backup.amazonaws.com": "a plan's role is of its own account (AWS, Backup, IAM service roles)",
    "apigateway.amazonaws.com": "the account's role for logs is its own (AWS, API Gateway, CloudWatch logging)",
}
# Functions' permissions: functions-ask-who-calls judges them.
# What AWS itself offers to every account, people's words, and what managed-policies-are-narrow judges.
_OTHERS = re.compile(
    r"(layers|tags|tagsAll|description|policyArn|managedPolicyArns|permissionsBoundary)\b|.*\bStatement\b"
)
_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:(\d{12}):.*", re.DOTALL)


def _trust_is_exact(args: ResourceValidationArgs) -> Iterator[str]:
    try:
        found = list(statements(value(args.props, "assumeRolePolicy")))
    except DocumentError as error:
        yield f"This role's trust can't be judged: {error}."
        return
    for statement in found:
        if statement.allows:
            yield from (f"This role {fault}." for fault in _faults_of_trust(statement, args))


def _faults_of_trust(statement: Statement, args: ResourceValidationArgs) -> Iterator[str]:
    if "NotPrincipal" in statement.negations or "NotAction" in statement.negations:
        yield "says whom it does not trust, and trusts all others"
    for kind, name in statement.principals:
        if "*" in name:
            yield "can be taken on by anybody"
        elif kind == "Federated":
            yield from _faults_of_a_federation(name, statement)
        elif kind == "AWS":
            yield from _faults_of_a_principal(name, statement, accounts(args.provider))
        elif kind == "Service" and name not in WITHOUT_SOURCE and not _has_own_source(statement, args):
            yield "is taken on by a service for any account: no condition says that it acts for this one"
    if not statement.principals:
        yield "names nobody"


def _has_own_source(statement: Statement, args: ResourceValidationArgs) -> bool:
    own = known_accounts(args.provider)
    # Where it says none, providers-name-their-account has that.
    return _is_kept_to(own, statement, SOURCES) if own else any(map(statement.is_narrowed, SOURCES))


def _faults_of_a_principal(name: str, statement: Statement, own: Sequence[str]) -> Iterator[str]:
    if not is_of(name, own):
        yield "can be taken on from another account"
    elif name.endswith((":root", *own)) and not statement.conditions:
        yield "can be taken on by everybody of its account, without a condition"


def _faults_of_a_federation(name: str, statement: Statement) -> Iterator[str]:
    if not name.endswith(f":oidc-provider/{ISSUER}"):
        yield "trusts an identity provider that nobody has judged"
        return
    audiences = [values for operator, values in statement.condition(f"{ISSUER}:aud") if operator in EXACT]
    subjects = [values for operator, values in statement.condition(f"{ISSUER}:sub") if operator in EXACT]
    if audiences != [(AUDIENCE,)]:
        yield "does not say exactly which audience its tokens have"
    # A second condition on it, by another operator, narrows what this one admits: it does no harm.
    if not subjects or not all(EXACT_SUBJECT.fullmatch(subject) for values in subjects for subject in values):
        yield "does not say exactly which repository and which of its jobs it trusts"


def _principals_are_named(args: ResourceValidationArgs) -> Iterator[str]:
    document = value(args.props, RESOURCE_POLICIES[args.resource_type])
    if document is None:
        return
    own = accounts(args.provider)
    try:
        for number, statement in enumerate(statements(document)):
            if statement.allows:
                yield from (
                    f"Statement {number} of this resource's policy {fault}." for fault in _admits(statement, own)
                )
    except DocumentError as error:
        yield f"This resource's policy can't be judged: {error}."


def _admits(statement: Statement, own: Sequence[str]) -> Iterator[str]:
    if "NotPrincipal" in statement.negations:
        yield "admits everybody but some"
    for kind, name in statement.principals:
        if name == TO_COME:
            continue
        if kind == "Service" and "*" not in name:
            if not _is_kept_to(own, statement, SOURCES):
                yield "admits a service for any account: no condition says that it acts for this one"
        elif "*" in name:
            if not _is_kept_to(own, statement, OWN_ACCOUNT):
                yield "admits everybody"
        elif kind != "AWS" or not is_of(name, own):
            yield "admits somebody of another account"


def _is_kept_to(own: Sequence[str], statement: Statement, keys: tuple[str, ...]) -> bool:
    """Whether a condition on one of the keys keeps a principal to one's own account."""
    return any(
        operator in KEEPING and key.startswith(keys) and bool(values) and all(_is_own(one, own) for one in values)
        for operator, key, values in statement.conditions
    )


def _is_own(name: str, own: Sequence[str]) -> bool:
    """Whether an account, or an ARN's, is one's own, or is of what the stack makes and AWS has yet to name."""
    parts = name.split(":", 5)
    return is_of(name, own) or (parts[4] if len(parts) == 6 else name).startswith(TO_COME)


def _arns_are_own(args: ResourceValidationArgs) -> Iterator[str]:
    own = known_accounts(args.provider)
    if not own or not args.resource_type.startswith("aws:") or args.resource_type == tokens.FUNCTION_PERMISSION:
        return
    for path, given in texts(args.props):
        arn = _ARN.fullmatch(given)
        if arn and arn[1] not in own and not _OTHERS.match(path):
            yield f"Property {path} names something of another account."


def _oidc_provider_is_known(args: ResourceValidationArgs) -> Iterator[str]:
    if text(args.props, "url").removeprefix("https://").rstrip("/") != ISSUER:
        yield "This identity provider is not GitHub's for jobs."
    if items(args.props, "clientIdLists") != [AUDIENCE]:
        yield "This identity provider admits tokens that are not made for AWS."


def _tokens_end(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type in API_TOKENS:
        end = _day(value(args.props, "expiresOn"))
        if end is None or end > current_day() + MOST_TOKEN_TIME:
            yield "This token never ends, or only after more than a year."
        elif end <= current_day():
            yield "This token has ended, so what needs it works no more; the rollback's ends on rollbackAccessUntil."
        return
    hours = HOURS.fullmatch(text(args.props, "duration"))
    if hours is None or not 0 < int(hours[1]) <= MOST_TOKEN_HOURS:
        yield "This service token never ends, or only after more than a year."


def _day(given: object) -> date | None:
    """The day in UTC; times without a zone are in UTC, too."""
    try:
        found = datetime.fromisoformat(str(given))
    except ValueError:
        return None
    return (found.astimezone(UTC) if found.tzinfo else found).date()


def _provider_names_its_account(args: ResourceValidationArgs) -> Iterator[str]:
    named = account_ids(args.props)
    if not named:
        yield "This provider works in whichever account the credentials are of."
    elif len({*named}) > 1:
        yield "This provider works in more than one account."


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="trust-is-exact",
        description="Roles are taken on by named services, roles and jobs; GitHub's by audience and exact subject.",
        reason=(
            "Without a condition on the subject any repository on GitHub can take on the role, and with a star in it "
            "any branch or fork (GitHub, Configuring OpenID Connect in Amazon Web Services)."
        ),
        severity=Severity.CRITICAL,
        remediation="Declare it with DeployIdentity or HostIdentity.",
        types=(tokens.ROLE,),
        check=_trust_is_exact,
    ),
    Rule(
        name="resource-policies-name-principals",
        description="Policies of buckets, keys, topics and queues admit the stack's own account only.",
        reason=(
            "A star is everybody with an AWS account, and of some services everybody at all (AWS, IAM, AWS JSON policy "
            "elements: Principal). Whom another account admits that account decides, and it may be abroad. A service "
            "acts for whoever asks it, so a stranger's trail may write here (AWS, IAM, The confused deputy problem)."
        ),
        severity=Severity.CRITICAL,
        remediation="Name a principal of the account, or add a condition on aws:SourceAccount.",
        types=tuple(RESOURCE_POLICIES),
        may_wait="a policy may name its own resource by an ARN that AWS gives when it makes the resource",
        check=_principals_are_named,
    ),
    Rule(
        name="arns-are-of-the-own-account",
        description="What a resource sends to, takes on or is encrypted with is of the stack's own account.",
        reason=(
            "An alarm, a subscription or a log that goes to another account's topic is read by that account, and what "
            "is encrypted with its key is lost with it. Policies are judged by their own rules."
        ),
        severity=Severity.CRITICAL,
        remediation="Name what the account of the provider's allowedAccountIds has.",
        passes_unknown="what AWS makes for the stack is of the stack's account",
        check=_arns_are_own,
    ),
    Rule(
        name="identity-providers-are-known",
        description="The only identity provider is GitHub's for jobs, with tokens made for AWS.",
        reason="Whoever runs an identity provider decides who its bearers are (AWS, IAM, OIDC federation).",
        severity=Severity.CRITICAL,
        remediation="Declare it with DeployIdentity.",
        types=(tokens.OIDC_PROVIDER,),
        check=_oidc_provider_is_known,
    ),
    Rule(
        name="tokens-end",
        description="Cloudflare's tokens end after a year at most.",
        reason=(
            "A token that somebody copied works until it ends; a service token may be set to last for ever "
            "(Cloudflare, Service tokens)."
        ),
        severity=Severity.MEDIUM,
        remediation="Set duration to 8760h or less, or expiresOn to a day within a year.",
        types=(ACCESS_TOKEN, *API_TOKENS),
        check=_tokens_end,
    ),
    Rule(
        name="providers-name-their-account",
        description="An AWS provider says in which one account it may work.",
        reason=(
            "With the wrong credentials at hand a deployment would land in somebody else's account, out of sight "
            "(Pulumi AWS provider, allowedAccountIds)."
        ),
        severity=Severity.HIGH,
        remediation="Set allowedAccountIds, as __main__.py does.",
        types=(tokens.AWS_PROVIDER,),
        check=_provider_names_its_account,
    ),
)
