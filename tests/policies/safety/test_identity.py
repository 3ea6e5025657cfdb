"""The rules about rights and trust, broken one way at a time."""

import json

import pytest

from components.access import deploy_policies
from plan.model import Computed, Plan
from policies.safety import trust
from policies.safety.documents import TO_COME, DocumentError, statements
from tests.policies.changes import having, on, plus, put, without
from tests.policies.safety.cases import Case, expected, findings, judged

ACTIONS, RESOURCES, GROW = {"policies-name-actions"}, {"policies-name-resources"}, {"rights-do-not-grow"}
MANAGED, BOUNDED, PASSWORDS = {"managed-policies-are-narrow"}, {"rights-are-bounded"}, {"users-have-no-password"}
TRUST, PRINCIPALS = {"trust-is-exact"}, {"resource-policies-name-principals"}
ISSUERS, ENDS, ACCOUNT = {"identity-providers-are-known"}, {"tokens-end"}, {"providers-name-their-account"}
COST = {"cost-stays-below-the-ceiling"}
ROLE = "arn:aws:iam::111111111111:role/automatonicai-dev-postgres-host"
BUCKET = "arn:aws:s3:::automatonicai-dev-documents-111111111111"
ROLES, USERS = "arn:aws:iam::111111111111:role/*", "arn:aws:iam::111111111111:user/*"
KEYS = "arn:aws:kms:ca-central-1:111111111111:key/*"
HERE = {"StringEquals": {"aws:RequestedRegion": "ca-central-1"}}
GITHUB = trust.ISSUER
SUBJECT = "repo:automatonicai/hybrid:environment:dev"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
TOKEN = "cloudflare:index/accountToken:AccountToken"


def document(**statement: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def rights(names: set[str], **statement: object) -> Case:
    return on("identity-metrics", having(policy=document(**{"Resource": BUCKET, **statement}))), names


def trusted(names: set[str], **changes: object) -> Case:
    """GitHub's role, with another trust; None takes a part out."""
    statement = {
        "Principal": {"Federated": f"arn:aws:iam::111111111111:oidc-provider/{GITHUB}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{GITHUB}:aud": trust.AUDIENCE, f"{GITHUB}:sub": SUBJECT}},
        **changes,
    }
    kept = {key: value for key, value in statement.items() if value is not None}
    return on("deploy-deploy", having(assumeRolePolicy=document(**kept))), names


def subject(operator: str, text: object, names: set[str]) -> Case:
    audience = {"StringEquals": {f"{GITHUB}:aud": trust.AUDIENCE}}
    both = {**audience, operator: {**audience.get(operator, {}), f"{GITHUB}:sub": text}}
    return trusted(names, Condition=both)


CASES: dict[str, Case] = {
    "as it is declared": (lambda plan: plan, set()),
    "every action": rights(ACTIONS | GROW, Action="*", Resource="arn:aws:iam::111111111111:role/*"),
    "every action on one bucket": rights(ACTIONS, Action="*"),
    "every action of a service": rights(ACTIONS, Action="S3:*"),
    "every action of a kind": rights(ACTIONS, Action=["s3:Put*"]),
    "reading by a pattern": rights(set(), Action=["s3:GetBucket*", "s3:List*", "kms:GenerateDataKey*"]),
    "one sign left open": rights(ACTIONS, Action="s3:PutObjec?"),
    "all but an action": rights(ACTIONS, NotAction="s3:PutObject"),
    "everything": rights(RESOURCES, Action="s3:PutObject", Resource="*"),
    "every bucket": rights(RESOURCES, Action="s3:PutObject", Resource=["arn:aws:s3:::*"]),
    "all but a bucket": rights(RESOURCES, Action="s3:PutObject", NotResource=BUCKET, Resource=[]),
    "everything, of a region": rights(set(), Action="lightsail:CreateDisk", Resource="*", Condition=HERE),
    "everything, of every region": rights(
        RESOURCES,
        Action=["kms:ScheduleKeyDeletion", "s3:PutObject"],
        Resource="*",
        Condition={"StringLike": {"aws:RequestedRegion": "*"}},
    ),
    "everything, of any region, of several": rights(
        RESOURCES,
        Action="s3:PutObject",
        Resource="*",
        Condition={"StringLike": {"aws:RequestedRegion": ["ca-*", "u*"]}},
    ),
    "everything, of a region if it says": rights(
        RESOURCES, Action="s3:PutObject", Resource="*", Condition={"StringEqualsIfExists": {"aws:ResourceTag/a": "b"}}
    ),
    "everything by TLS": rights(
        RESOURCES, Action="s3:PutObject", Resource="*", Condition={"Bool": {"aws:SecureTransport": "true"}}
    ),
    "everything but one region": rights(
        RESOURCES, Action="s3:PutObject", Resource="*", Condition={"StringNotEquals": {"aws:RequestedRegion": "x"}}
    ),
    "everything from any bucket": rights(
        RESOURCES, Action="s3:PutObject", Resource="*", Condition={"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}
    ),
    "every action beside an ARN to come": rights(
        ACTIONS | GROW | RESOURCES, Action="*", Resource=[TO_COME, "arn:aws:iam::111111111111:role/*", "*"]
    ),
    "every action, in a document that is half known": (
        on(
            "identity-metrics",
            having(policy={"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": Computed()}]}),
        ),
        ACTIONS,
    ),
    "everything beside a statement to come": (
        on(
            "identity-metrics",
            having(policy={"Statement": [Computed(), {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}]}),
        ),
        RESOURCES,
    ),
    "what is known is in order": (
        on(
            "identity-metrics",
            having(policy={"Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": [Computed()]}]}),
        ),
        set(),
    ),
    "a policy of the role's own beside one to come": (
        on(
            "identity-role",
            having(
                inlinePolicies=[
                    {"name": "x", "policy": Computed()},
                    {"name": "y", "policy": document(Action="s3:*", Resource=BUCKET)},
                ]
            ),
        ),
        ACTIONS,
    ),
    "everything that knows no resource": rights(
        set(), Action=["ssmmessages:OpenDataChannel", "kms:GenerateRandom", "pricing:Get*"], Resource="*"
    ),
    "what knows no resource beside what does": rights(
        RESOURCES, Action=["kms:GenerateRandom", "kms:ScheduleKeyDeletion"], Resource="*"
    ),
    "all of what is to come": rights(set(), Action="s3:GetObject", Resource=f"{TO_COME}/*"),
    "all of what is to come, by a sign": rights(set(), Action="s3:GetObject", Resource=f"{TO_COME}-??????"),
    "all whose name ends with what is to come": rights(RESOURCES, Action="s3:GetObject", Resource=f"*{TO_COME}"),
    "all of what is to come, and everything": rights(RESOURCES, Action="s3:GetObject", Resource=[f"{TO_COME}/*", "*"]),
    "all data, of a region": rights(RESOURCES, Action="s3:GetObject", Resource="*", Condition=HERE),
    "all data by a pattern": rights(RESOURCES, Action="s3:Get*", Resource="arn:aws:s3:::*", Condition=HERE),
    "all parameters": rights(
        RESOURCES, Action="ssm:GetParameter", Resource="arn:aws:ssm:ca-central-1:111111111111:parameter/*"
    ),
    "all parameters, by one sign and a star": rights(
        RESOURCES, Action="ssm:GetParameter", Resource="arn:aws:ssm:ca-central-1:111111111111:parameter/?*"
    ),
    "all of every name's functions": rights(
        RESOURCES, Action="lambda:GetFunction", Resource="arn:aws:lambda:ca-central-1:111111111111:function:*"
    ),
    "all keys": rights(RESOURCES, Action="kms:Decrypt", Resource=KEYS),
    "all keys of one alias": rights(
        set(),
        Action="kms:Decrypt",
        Resource=KEYS,
        Condition={"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/automatonicai-dev-backups"}},
    ),
    "every bucket, by one sign and a star": rights(RESOURCES, Action="s3:PutObject", Resource="arn:aws:s3:::?*"),
    "a denial": rights(set(), Effect="Deny", Action="*", Resource="*"),
    "any role handed on": rights(GROW | RESOURCES, Action="iam:PassRole", Resource="*"),
    "any role of the account handed on": rights(
        GROW, Action="iam:PassRole", Resource="arn:aws:iam::111111111111:role/*"
    ),
    "any role handed on, by two stars": rights(
        GROW, Action="iam:PassRole", Resource="arn:aws:iam::111111111111:role/**"
    ),
    "any group rewritten": rights(GROW, Action="iam:PutGroupPolicy", Resource="arn:aws:iam::111111111111:group/*"),
    "any group joined": rights(GROW, Action="iam:AddUserToGroup", Resource="arn:aws:iam::111111111111:group/*"),
    "any role's boundary moved": rights(GROW, Action="iam:PutRolePermissionsBoundary", Resource=ROLES),
    "any user's boundary moved": rights(GROW, Action="iam:PutUserPermissionsBoundary", Resource=USERS),
    "a role handed on to anything": rights(GROW, Action="iam:PassRole", Resource=ROLE),
    "a role handed on to a service": rights(
        set(),
        Action="iam:PassRole",
        Resource=ROLE,
        Condition={"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}},
    ),
    "a role handed on to any service": rights(
        GROW,
        Action="iam:PassRole",
        Resource=ROLE,
        Condition={"StringLike": {"iam:PassedToService": "*"}},
    ),
    "a role handed on, of a region": rights(GROW, Action="iam:PassRole", Resource=ROLE, Condition=HERE),
    "any role taken on": rights(GROW | RESOURCES, Action="sts:AssumeRole", Resource="*"),
    "no JSON": (on("identity-metrics", having(policy="{")), ACTIONS | RESOURCES | GROW),
    "no statements": (on("identity-metrics", having(policy="{}")), ACTIONS | RESOURCES | GROW),
    "small letters": (
        on("identity-metrics", having(policy=json.dumps({"Statement": {"Effect": "Allow", "action": "*"}}))),
        ACTIONS | RESOURCES | GROW,
    ),
    "not made yet": (on("identity-metrics", having(policy=Computed())), set()),
    "a policy of the role's own": (
        on("identity-role", having(inlinePolicies=[{"name": "x", "policy": document(Action="s3:*", Resource=BUCKET)}])),
        ACTIONS,
    ),
    "a boundary that bounds nothing": (
        on("boundary-policy", having(policy=document(Action="*", Resource="*"))),
        ACTIONS | RESOURCES | GROW,
    ),
    "administrators": (plus(ATTACHMENT, policyArn="arn:aws:iam::aws:policy/AdministratorAccess"), MANAGED),
    "all of S3": (plus(ATTACHMENT, policyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess"), MANAGED),
    "reading only": (plus(ATTACHMENT, policyArn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"), set()),
    "one's own": (plus(ATTACHMENT, policyArn=Computed()), set()),
    "reading everything": (plus(ATTACHMENT, policyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"), MANAGED),
    "reading all of S3": (plus(ATTACHMENT, policyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"), MANAGED),
    "another account's": (plus(ATTACHMENT, policyArn="arn:aws:iam::999999999999:policy/admin"), MANAGED),
    "one's own by its ARN": (plus(ATTACHMENT, policyArn="arn:aws:iam::111111111111:policy/p"), set()),
    "administrators beside one to come": (
        on(
            "identity-role",
            having(managedPolicyArns=[Computed(), "arn:aws:iam::aws:policy/AdministratorAccess"]),
        ),
        MANAGED,
    ),
    "administrators by the role": (
        on("identity-role", having(managedPolicyArns=["arn:aws:iam::aws:policy/PowerUserAccess"])),
        MANAGED,
    ),
    "administrators as boundary": (
        on("documents-user", having(permissionsBoundary="arn:aws:iam::aws:policy/AdministratorAccess")),
        MANAGED,
    ),
    "role without a boundary": (on("identity-role", without("permissionsBoundary")), BOUNDED),
    "user without a boundary": (on("documents-user", without("permissionsBoundary")), BOUNDED),
    "a password": (plus("aws:iam/userLoginProfile:UserLoginProfile", user="u"), PASSWORDS),
    "GitHub, in words": trusted(set()),
    "every repository": subject("StringLike", "repo:*", TRUST),
    "every branch": subject("StringEquals", "repo:automatonicai/hybrid:*", TRUST),
    "one branch": subject("StringEquals", "repo:automatonicai/hybrid:ref:refs/heads/main", set()),
    "one of two, any of them open": subject("StringEquals", [SUBJECT, "repo:a/b:*"], TRUST),
    "if it is there": subject("StringEqualsIfExists", SUBJECT, TRUST),
    "in other capitals": subject("StringEqualsIgnoreCase", SUBJECT, TRUST),
    "no audience": trusted(TRUST, Condition={"StringEquals": {f"{GITHUB}:sub": SUBJECT}}),
    "no condition": trusted(TRUST, Condition=None),
    "another provider": trusted(TRUST, Principal={"Federated": "cognito-identity.amazonaws.com"}),
    "everybody": trusted(TRUST | BOUNDED, Principal="*", Action="sts:AssumeRole"),
    "everybody but": trusted(TRUST, Principal=None, NotPrincipal={"AWS": ROLE}),
    "another account": trusted(
        TRUST | BOUNDED, Principal={"AWS": "arn:aws:iam::999999999999:role/r"}, Action="sts:AssumeRole"
    ),
    "another account, with one's own in a path": trusted(
        TRUST | BOUNDED,
        Principal={"AWS": "arn:aws:iam::999999999999:role/a:111111111111:/r"},
        Action="sts:AssumeRole",
    ),
    "all of one's own account": trusted(
        TRUST | BOUNDED,
        Principal={"AWS": "arn:aws:iam::111111111111:root"},
        Action="sts:AssumeRole",
        Condition=None,
    ),
    "a role of one's own": trusted(BOUNDED, Principal={"AWS": ROLE}, Action="sts:AssumeRole", Condition=None),
    "trust unknown": (on("deploy-deploy", having(assumeRolePolicy=Computed())), TRUST | BOUNDED),
    "trust left out": (on("deploy-deploy", without("assumeRolePolicy")), TRUST | BOUNDED),
    "another issuer": (on("deploy-github", having(url="https://login.example.com")), ISSUERS),
    "another audience": (on("deploy-github", having(clientIdLists=["sts.amazonaws.com", "x"])), ISSUERS),
    "issuer unknown": (on("deploy-github", having(url=Computed())), ISSUERS),
    "token for ever": (on("tunnel-token", having(duration="forever")), ENDS),
    "token for ten years": (on("tunnel-token", having(duration="87600h")), ENDS),
    "token without a word": (on("tunnel-operators-token", without("duration")), ENDS),
    "token unknown": (on("tunnel-operators-token", having(duration=Computed())), ENDS),
    "API token that has ended": (plus(TOKEN, name="t", expiresOn="2026-11-30T00:00:00Z"), ENDS),
    "API token for ever": (plus(TOKEN, name="t"), ENDS),
    "API token with an end": (plus(TOKEN, name="t", expiresOn="2027-01-01T00:00:00Z"), set()),
    "API token for ages": (plus(TOKEN, name="t", expiresOn="2099-01-01T00:00:00Z"), ENDS),
    "API token with no day": (plus(TOKEN, name="t", expiresOn="soon"), ENDS),
    "any account": (on("montreal", without("allowedAccountIds")), ACCOUNT | PRINCIPALS),
    "no account": (on("montreal", put("allowedAccountIds", "[]")), ACCOUNT | PRINCIPALS),
    "two accounts": (on("montreal", put("allowedAccountIds", '["111111111111", "999999999999"]')), ACCOUNT),
    "account unknown": (on("montreal", having(allowedAccountIds=Computed())), ACCOUNT),
}


def test_rights_and_trust_without_bounds_are_refused(dev_plan: Plan) -> None:
    assert judged(dev_plan, CASES) == expected(CASES)


def test_a_role_is_judged_where_the_account_is_not_known(dev_plan: Plan) -> None:
    plan = trusted(set(), Principal={"AWS": ROLE}, Action="sts:AssumeRole")[0](dev_plan)
    (found,) = findings([on("montreal", without("allowedAccountIds"))(plan)])
    assert {one.rule for one in found} >= TRUST


def test_the_issuer_is_the_one_that_is_declared() -> None:
    assert (trust.ISSUER, trust.AUDIENCE) == (deploy_policies.ISSUER, deploy_policies.AUDIENCE)


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", '"x"', "{}", '{"Statement": 1}', '{"Statement": ["x"]}', None, 5),
        '{"Statement": [], "statement": []}',
        '{"Statement": {"Effect": "Allow", "Action ": "*"}}',
    ],
)
def test_a_document_that_is_none_is_refused(text: object) -> None:
    with pytest.raises(DocumentError):
        list(statements(text))


def test_a_statement_without_an_effect_is_judged_as_if_it_allowed() -> None:
    (found,) = statements({"Statement": {"Action": "S3:PutObject"}})
    assert found.allows
    assert found.can("s3:PutObject")
