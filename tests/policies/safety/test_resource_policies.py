"""Whom the policies of buckets, keys and topics admit, broken one way at a time."""

from plan.model import Computed, Plan
from policies.safety import trust
from policies.safety.documents import TO_COME
from tests.policies.changes import Change, having, on, plus, without
from tests.policies.safety.cases import Case, expected, judged
from tests.policies.safety.test_identity import BUCKET, PRINCIPALS, ROLE, document


def topic(names: set[str], **statement: object) -> Case:
    policy = document(**{"Action": "sns:Publish", "Resource": "*", **statement})
    return on("alarms-topic", having(policy=policy)), names


def alarm(names: set[str], actions: list[object]) -> Case:
    token = "aws:cloudwatch/metricAlarm:MetricAlarm"
    return plus(token, name="x", region="ca-central-1", alarmActions=actions), names


TRAIL = {"Service": "cloudtrail.amazonaws.com"}
ARNS = {"arns-are-of-the-own-account"}
CASES: dict[str, Case] = {
    "topic for everybody": topic(PRINCIPALS, Principal="*"),
    "topic for everybody with an account": topic(PRINCIPALS, Principal={"AWS": ["*"]}),
    "topic for everybody of the account": topic(
        set(), Principal="*", Condition={"StringEquals": {"aws:SourceAccount": "111111111111"}}
    ),
    "topic for every account": topic(PRINCIPALS, Principal="*", Condition={"StringLike": {"aws:SourceAccount": "*"}}),
    "topic for everybody by TLS": topic(PRINCIPALS, Principal="*", Condition={"Bool": {"aws:SecureTransport": "true"}}),
    "topic for all but": topic(PRINCIPALS, NotPrincipal={"AWS": ROLE}),
    "topic for one's own account": topic(set(), Principal={"AWS": "arn:aws:iam::111111111111:root"}),
    "topic for one's own account by its number": topic(set(), Principal={"AWS": ["111111111111"]}),
    "topic for another account": topic(PRINCIPALS, Principal={"AWS": "arn:aws:iam::999999999999:root"}),
    "topic for another account, with one's own in a path": topic(
        PRINCIPALS, Principal={"AWS": "arn:aws:iam::999999999999:role/a:111111111111:/r"}
    ),
    "topic for another account by its number": topic(PRINCIPALS, Principal={"AWS": ["111111111111", "999999999999"]}),
    "topic for everybody of another account": topic(
        PRINCIPALS, Principal="*", Condition={"StringEquals": {"aws:SourceAccount": "999999999999"}}
    ),
    "topic for everybody, if it says": topic(
        PRINCIPALS, Principal="*", Condition={"StringEqualsIfExists": {"aws:SourceAccount": "111111111111"}}
    ),
    "topic for an organisation, which has other accounts": topic(
        PRINCIPALS, Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
    ),
    "topic for any organisation": topic(
        PRINCIPALS, Principal="*", Condition={"StringLike": {"aws:PrincipalOrgID": "o-*"}}
    ),
    "topic for a service that acts for anybody": topic(PRINCIPALS, Principal=TRAIL),
    "topic for a service that acts for another account": topic(
        PRINCIPALS, Principal=TRAIL, Condition={"StringEquals": {"aws:SourceAccount": "999999999999"}}
    ),
    "topic for a service that acts for two accounts": topic(
        PRINCIPALS, Principal=TRAIL, Condition={"StringEquals": {"aws:SourceAccount": ["111111111111", "999999999999"]}}
    ),
    "topic for a service that acts for whom it does not say": topic(
        PRINCIPALS, Principal=TRAIL, Condition={"StringEqualsIfExists": {"aws:SourceAccount": "111111111111"}}
    ),
    "topic for a service that acts for its principal's account": topic(
        PRINCIPALS, Principal=TRAIL, Condition={"StringEquals": {"aws:PrincipalAccount": "111111111111"}}
    ),
    "topic for a bucket's notices, whose name another account may have": topic(
        PRINCIPALS, Principal=TRAIL, Condition={"ArnLike": {"aws:SourceArn": "arn:aws:s3:::somebodys"}}
    ),
    "topic for a service that acts for the account": topic(
        set(), Principal=TRAIL, Condition={"StringEquals": {"AWS:SourceAccount": "111111111111"}}
    ),
    "topic for a service that acts for the account's trail": topic(
        set(),
        Principal=TRAIL,
        Condition={"ArnLike": {"aws:SourceArn": "arn:aws:cloudtrail:ca-central-1:111111111111:trail/*"}},
    ),
    "topic for a service that acts for what is made": topic(
        set(), Principal=TRAIL, Condition={"ArnEquals": {"aws:SourceArn": TO_COME}}
    ),
    "key for log groups of the account": topic(
        set(),
        Principal={"Service": "logs.ca-central-1.amazonaws.com"},
        Condition={
            "ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:ca-central-1:111111111111:log-group:*"}
        },
    ),
    "alarm to another account's topic": alarm(ARNS, ["arn:aws:sns:ca-central-1:999999999999:alarms"]),
    "alarm to the account's topic": alarm(set(), ["arn:aws:sns:ca-central-1:111111111111:alarms", Computed()]),
    "topic for a user of a canonical number": topic(PRINCIPALS, Principal={"CanonicalUser": "canonical"}),
    "topic for what is to come": topic(set(), Principal={"AWS": TO_COME}),
    "topic for what is to come and everybody": topic(PRINCIPALS, Principal={"AWS": [TO_COME, "*"]}),
    "bucket by a policy of its own": (
        on(
            "documents-bucket",
            having(
                policy=document(
                    Principal={"AWS": "arn:aws:iam::999999999999:root"}, Action="s3:GetObject", Resource=f"{BUCKET}/*"
                )
            ),
        ),
        PRINCIPALS,
    ),
    "key for another account": (
        on(
            "backups-key",
            having(policy=document(Principal={"AWS": "arn:aws:iam::999999999999:root"}, Action="kms:*", Resource="*")),
        ),
        PRINCIPALS,
    ),
    "topic without a policy": (on("alarms-topic", without("policy")), set()),
    "topic's policy unknown": (on("alarms-topic", having(policy=Computed())), set()),
    "topic's policy is no JSON": (on("alarms-topic", having(policy="no")), PRINCIPALS),
}


def test_strangers_in_a_resources_policy_are_refused(dev_plan: Plan) -> None:
    assert judged(dev_plan, CASES) == expected(CASES)


def test_a_service_takes_on_a_role_for_the_account_only(dev_plan: Plan) -> None:
    def trusted(service: str, **more: object) -> Change:
        statement = document(Principal={"Service": service}, Action="sts:AssumeRole", **more)
        return on("identity-role", having(assumeRolePolicy=statement))

    source = {"StringEquals": {"aws:SourceAccount": "111111111111"}}
    cases: dict[str, Case] = {
        "anybody's": (trusted("ssm.amazonaws.com"), {"trust-is-exact"}),
        "its own": (trusted("ssm.amazonaws.com", Condition=source), set()),
        **{service: (trusted(service), set()) for service in trust.WITHOUT_SOURCE},
    }
    assert judged(dev_plan, cases) == expected(cases)


def test_every_type_that_says_who_may_use_it_is_judged(dev_plan: Plan) -> None:
    stranger = document(Principal={"AWS": "arn:aws:iam::999999999999:root"}, Action="*", Resource="*")
    cases: dict[str, Case] = {
        token: (plus(token, "more", region="ca-central-1", **{key: stranger}), PRINCIPALS)
        for token, key in trust.RESOURCE_POLICIES.items()
    }
    found = judged(dev_plan, cases)
    assert {token for token, rules in found.items() if not PRINCIPALS & rules} == set()
