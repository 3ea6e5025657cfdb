"""How far the rights of roles and users go."""

import re
from collections.abc import Callable, Iterator
from functools import partial

from pulumi_policy import ResourceValidationArgs, Severity
from pulumi_policy.proxy import UnknownValueError

from components.resource_types import tokens
from components.resource_types.table import RESOURCE_TYPES
from policies.rules.reading import accounts, entries, has, is_of, text, value
from policies.rules.rule import Rule, StackRule
from policies.safety.action_resources import are_without_resource
from policies.safety.documents import TO_COME, DocumentError, Statement, statements

# Looking is no harm; of the rest a star takes in what AWS adds later.
READING = re.compile(r"[a-z0-9-]+:(get|list|describe|head|batchget)[a-z]*\*")
# Two actions with as many names, for one purpose (AWS, Service Authorization Reference of KMS).
NAMED_STARS = ("kms:generatedatakey*", "kms:reencrypt*")
# Reading that hands out data or secrets: not for everything at once.
DATA_READS = (
    "s3:getobject",
    "s3:getobjectversion",
    "ssm:getparameter",
    "ssm:getparameterhistory",
    "ssm:getparameters",
    "ssm:getparametersbypath",
    "secretsmanager:getsecretvalue",
    "kms:decrypt",
    "lightsail:downloaddefaultkeypair",
    "lightsail:getinstanceaccessdetails",
    "lightsail:getrelationaldatabasemasteruserpassword",
    "dynamodb:batchgetitem",
    "dynamodb:getitem",
    "dynamodb:query",
    "dynamodb:scan",
    "lambda:getfunction",
    "logs:filterlogevents",
    "logs:getlogevents",
    "logs:startquery",
    "sqs:receivemessage",
)
# The same, written as an ARN.
EVERY_SECRET = re.compile(r":(?:parameter|secret|table|log-group|function|Instance)[/:]?\*")
# A policy can't name a key by its alias, only a condition can (AWS, KMS, Alias authorization).
EVERY_KEY = re.compile(r":key/\*")
# What there is, and how it is set up: no harm, though AWS could name a resource for some of them.
LOOKING = re.compile(r"[a-z0-9-]+:(list|describe)[a-z]*\*?")
# With any of these for everything, one has every right of the account.
BECOMES_ADMINISTRATOR = (
    "iam:addusertogroup",
    "iam:attachgrouppolicy",
    "iam:attachrolepolicy",
    "iam:attachuserpolicy",
    "iam:createaccesskey",
    "iam:createloginprofile",
    "iam:createpolicyversion",
    "iam:deleterolepermissionsboundary",
    "iam:deleteuserpermissionsboundary",
    "iam:passrole",
    "iam:putgrouppolicy",
    "iam:putrolepermissionsboundary",
    "iam:putrolepolicy",
    "iam:putuserpermissionsboundary",
    "iam:putuserpolicy",
    "iam:setdefaultpolicyversion",
    "iam:updateassumerolepolicy",
    "iam:updateloginprofile",
    "sts:assumerole",
)
WIDE_POLICY = re.compile(
    r"(administratoraccess.*|poweruseraccess|systemadministrator|databaseadministrator|networkadministrator|"
    # Reading is of everything that the account keeps, documents, backups and log lines included.
    r".*fullaccess.*|.*readonly.*|.*readwrite.*|viewonlyaccess)"
)
USER = "aws:iam/user:User"
GRANTS = {token: row.grants for token, row in RESOURCE_TYPES.items() if row.grants}
ATTACHMENTS = (
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
)
BOUNDED_BY_HAND = "sts:assumerolewithwebidentity"


def _documents(args: ResourceValidationArgs) -> Iterator[Callable[[], object]]:
    """Documents to be read one by one: one that is not known yet keeps no other from being judged."""
    kind, props = args.resource_type, args.props
    if kind in GRANTS:
        yield lambda: value(props, GRANTS[kind])
    elif kind == tokens.ROLE:
        for index in range(entries(props, "inlinePolicies")):
            yield partial(value, props, "inlinePolicies", index, "policy")


def _judged(
    judge: Callable[[Statement], Iterator[str]],
) -> Callable[[ResourceValidationArgs], Iterator[str]]:
    """A check of every statement that gives rights; a document that can't be read is a fault of its own."""

    def check(args: ResourceValidationArgs) -> Iterator[str]:
        unknown: UnknownValueError | None = None
        for read in _documents(args):
            try:
                for number, statement in enumerate(statements(read())):
                    yield from (f"Statement {number} {fault}." for fault in judge(statement) if statement.allows)
            except DocumentError as error:
                yield f"This policy can't be judged: {error}."
            except UnknownValueError as error:
                unknown = error
        if unknown is not None:
            raise unknown

    return check


def _actions_are_named(statement: Statement) -> Iterator[str]:
    if "NotAction" in statement.negations:
        yield "allows all but some actions"
    for action in statement.actions:
        if {"*", "?"} & set(action) and action not in NAMED_STARS and not READING.fullmatch(action):
            yield "allows actions by a pattern that takes in more than reading"
            return


def _resources_are_named(statement: Statement) -> Iterator[str]:
    if "NotResource" in statement.negations:
        yield "allows its actions on all but some resources"
    is_everything = any(map(_is_everything, statement.resources))
    is_every_secret = any(map(EVERY_SECRET.search, statement.resources)) or (
        any(map(EVERY_KEY.search, statement.resources)) and not statement.is_narrowed()
    )
    if (is_everything or is_every_secret) and any(map(statement.can, DATA_READS)):
        yield "hands out data or secrets of every resource"
    elif is_everything and not statement.is_narrowed() and not all(map(_may_name_everything, statement.actions)):
        yield "allows its actions on every resource, without a condition that names less"


def _may_name_everything(action: str) -> bool:
    return bool(LOOKING.fullmatch(action)) or are_without_resource(action)


def _is_everything(resource: str) -> bool:
    """Every resource, or every one of a service: a star where an account, a region or a name should be."""
    parts = resource.split(":", 5)
    if len(parts) < 6:
        # What begins with another resource's ARN is within that one, such as a bucket's objects.
        return "*" in resource and not resource.startswith(TO_COME)
    return "*" in parts[2] or parts[5].startswith("*")


def _is_anybody(resource: str) -> bool:
    """Every role, or every user, of an account."""
    parts = resource.split(":", 5)
    if len(parts) < 6:
        return "*" in resource
    path = parts[5].partition("/")[2]
    # After a star for the path a name may follow, such as one's own: `user/*/${aws:username}`.
    return parts[2] in ("iam", "sts", "*") and all(one[:1] in ("", "*", "?") for one in (path, path.rpartition("/")[2]))


def _rights_do_not_grow(statement: Statement) -> Iterator[str]:
    if not any(statement.can(action) for action in BECOMES_ADMINISTRATOR):
        return
    if any(map(_is_anybody, statement.resources)):
        yield "lets its bearer take on every right of the account"
    elif not statement.can("iam:passrole") or statement.is_narrowed("iam:PassedToService"):
        return
    elif any(":iam:" in resource for resource in statement.resources):
        yield "hands on a role without saying to which service"


def _managed_policies_are_narrow(args: ResourceValidationArgs) -> Iterator[str]:
    own, unknown = accounts(args.provider), list[UnknownValueError]()
    for read in _attached(args):
        try:
            arn = read()
        except UnknownValueError as error:
            unknown.append(error)
            continue
        if arn.startswith("arn:aws:iam::aws:"):
            if WIDE_POLICY.fullmatch(arn.rpartition("/")[2]):
                yield "This gives, or allows, all that one of AWS's widest policies does."
        elif arn.startswith("arn:") and not is_of(arn, own):
            yield "This gives, or allows, what a policy of another account does, and that account can change it."
    if unknown:
        # At the end, so that what can be judged is.
        raise unknown[0]


def _attached(args: ResourceValidationArgs) -> Iterator[Callable[[], str]]:
    props = args.props
    if args.resource_type in ATTACHMENTS:
        yield partial(text, props, "policyArn")
        return
    for index in range(entries(props, "managedPolicyArns")):
        yield partial(text, props, "managedPolicyArns", index)
    yield lambda: _boundary(args)


def _boundary(args: ResourceValidationArgs) -> str:
    """Empty while it is made: then it is one of this stack's, and judged as such."""
    try:
        return text(args.props, "permissionsBoundary")
    except UnknownValueError:
        return ""


def _bearers_are_bounded(args: ResourceValidationArgs) -> Iterator[str]:
    if has(args.props, "permissionsBoundary"):
        return
    if args.resource_type == tokens.ROLE and _is_the_pipelines(args):
        return
    yield "This can be given any right: it has no permissions boundary."


def _is_the_pipelines(args: ResourceValidationArgs) -> bool:
    """GitHub's roles, which the pipeline itself may not change (components/access/deploy_policies.py)."""
    try:
        found = list(statements(value(args.props, "assumeRolePolicy")))
    except DocumentError:
        return False
    return bool(found) and all(statement.actions == (BOUNDED_BY_HAND,) for statement in found)


def _users_have_no_console(_args: ResourceValidationArgs) -> Iterator[str]:
    yield "This gives a user a password, or a credential for one service, that lasts."


_ARN_TO_COME = "a policy may name a key, or another thing, by an ARN that AWS gives when it makes the thing"


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="policies-name-actions",
        description="Policies allow actions one by one; by a pattern, reading only.",
        reason=(
            "A star takes in what AWS adds later, and `lightsail:Get*` what hands out a key to the server (AWS, IAM "
            "security best practices; Service Authorization Reference of Lightsail)."
        ),
        severity=Severity.CRITICAL,
        remediation="Name the actions.",
        types=(*GRANTS, tokens.ROLE),
        may_wait=_ARN_TO_COME,
        check=_judged(_actions_are_named),
    ),
    Rule(
        name="policies-name-resources",
        description="Policies allow actions on named resources, or on all of them under a condition.",
        reason=(
            "Rights over everything in an account make one stolen credential the loss of everything (AWS, IAM, "
            "Grant least privilege)."
        ),
        severity=Severity.CRITICAL,
        remediation="Name the resources, or add a condition on the region where an ARN holds no name.",
        types=(*GRANTS, tokens.ROLE),
        may_wait=_ARN_TO_COME,
        check=_judged(_resources_are_named),
    ),
    Rule(
        name="rights-do-not-grow",
        description="Nobody can give rights to themselves, and a role is handed on to a named service only.",
        reason=(
            "Who may pass, take on or rewrite any role has every right that some role has (AWS, IAM, Granting a user "
            "permissions to pass a role to an AWS service)."
        ),
        severity=Severity.CRITICAL,
        remediation="Name the roles, with a condition on iam:PassedToService or iam:PermissionsBoundary.",
        types=(*GRANTS, tokens.ROLE),
        may_wait=_ARN_TO_COME,
        check=_judged(_rights_do_not_grow),
    ),
    Rule(
        name="managed-policies-are-narrow",
        description="No policy of AWS's that gives all of a service, be it reading, and none of another account is"
        " attached.",
        reason="They allow all of a service, or of the account, and AWS widens them (AWS, AWS managed policies);"
        " ReadOnlyAccess reads every bucket. What another account's policy allows that account decides.",
        severity=Severity.CRITICAL,
        remediation="Declare a policy that names what is needed.",
        types=(*ATTACHMENTS, tokens.ROLE, USER),
        may_wait="a policy of this stack, which is judged itself, has an ARN that AWS gives when it makes the policy",
        check=_managed_policies_are_narrow,
    ),
    Rule(
        name="rights-are-bounded",
        description="Every role and user has a permissions boundary, but those by which the pipeline itself works.",
        reason=(
            "The pipeline may write policies; the boundary is what keeps it from writing one for itself (AWS, IAM, "
            "Permissions boundaries)."
        ),
        severity=Severity.HIGH,
        remediation="Set permissionsBoundary to that of PermissionsBoundary.",
        types=(tokens.ROLE, USER),
        check=_bearers_are_bounded,
    ),
    Rule(
        name="users-have-no-password",
        description="No user of AWS has a password or a credential of one service.",
        reason="People come by the company's own sign-in, with a second factor (AWS, IAM security best practices).",
        severity=Severity.HIGH,
        remediation="Let people take on a role.",
        types=(
            tokens.LOGIN_PROFILE,
            tokens.SERVICE_CREDENTIAL,
            "aws:iam/signingCertificate:SigningCertificate",
            "aws:iam/sshKey:SshKey",
        ),
        check=_users_have_no_console,
    ),
)
