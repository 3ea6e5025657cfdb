"""Secrets that lost their mark, or were never given one: in outputs, and in texts of which only a part is known."""

import base64
import json
from typing import Any

from plan.model import Computed, Plan, Secret
from policies.sensitive import PLACES_RULE
from tests.policy.adversaries_secrets import ACCESS_KEY, API, DATABASE, GITHUB, HOST_ROLE, INSTANCE, PARAMETER
from tests.policy.attack import Adversary, configured, exported, registering
from tests.policy.breaking import bindings, having
from tests.policy.changes import Change, both, on, options, plus, put

DISK = "postgres-a-data"
DOCUMENTS = "hybrid:storage:CmsDocuments"
FUNCTION = "aws:lambda/function:Function"
BUCKET_ARN = "${urn:pulumi:dev::hybrid::hybrid:storage:CmsDocuments$aws:s3/bucket:Bucket::documents-bucket#arn}"
# In a secret setting's place the recorder hands this to the program.
SETTING = "[secret hybrid:token]"
SECRET_SETTING = configured(token=Secret(SETTING))


def generated(change: Any, *, is_marked: bool = True, text: str = "%s") -> Change:
    """`change(value)`, with a value made of the stack's first generated password."""

    def changed(plan: Plan) -> Plan:
        (urn, *_) = (found.urn for found in plan.of_type("random:index/randomPassword:RandomPassword"))
        value = Computed(text % f"${{{urn}#result}}")
        made: Plan = change(Secret(value) if is_marked else value)(plan)
        return made

    return changed


def in_a_tag(value: Any) -> Change:
    return on(DISK, put("tags.note", value))


def parameter(value: Any) -> Change:
    return plus(PARAMETER, name="/automatonicai-dev/x", type="String", region="ca-central-1", value=value)


def policy(*statements: dict[str, Any]) -> Change:
    """With one more statement about a bucket whose ARN is not known yet."""
    about = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": BUCKET_ARN}
    document = {"Version": "2012-10-17", "Statement": [*statements, about]}
    return on(HOST_ROLE, having(policy=Computed(json.dumps(document))))


OUTPUTS = {
    "token among a component's outputs": Adversary("outputs-hold-no-known-secret", registering(DOCUMENTS, link=GITHUB)),
    "password deep in a component's outputs": Adversary(
        "outputs-hold-no-known-secret", registering(DOCUMENTS, users=[{"name": "app", "password": "hunter2"}])
    ),
    "token in base64 in a component's output": Adversary(
        "outputs-hold-no-known-secret",
        registering(DOCUMENTS, blob=base64.b64encode(DATABASE.encode()).decode()),
    ),
    "component's output made of a password, unmarked": Adversary(
        PLACES_RULE, generated(lambda value: registering(DOCUMENTS, link=value), is_marked=False)
    ),
    "setting's secret exported without its mark": Adversary(
        "exports-hold-no-secret", both(SECRET_SETTING, exported(conf=SETTING))
    ),
    "setting's secret in base64, exported": Adversary(
        "exports-hold-no-secret",
        both(SECRET_SETTING, exported(conf=base64.b64encode(f"Bearer {SETTING}".encode()).decode())),
    ),
    "token in an export that is known in part": Adversary(
        "exports-hold-no-secret", exported(conf=Computed(f"{GITHUB} at {BUCKET_ARN}"))
    ),
}
MISPLACED = {
    "generated password in a tag": Adversary(PLACES_RULE, generated(in_a_tag)),
    "generated password in a tag, without its mark": Adversary(PLACES_RULE, generated(in_a_tag, is_marked=False)),
    "generated password within a tag": Adversary(PLACES_RULE, generated(in_a_tag, is_marked=False, text="pw=%s;")),
    "generated password in a plain parameter": Adversary(PLACES_RULE, generated(parameter)),
    "generated password in a function's variables": Adversary(
        PLACES_RULE, generated(lambda value: plus(FUNCTION, environment={"variables": {"VALUE": value}}))
    ),
    "generated password in an object of a bucket": Adversary(
        PLACES_RULE,
        generated(lambda value: plus("aws:s3/bucketObjectv2:BucketObjectv2", bucket="b", key="x", content=value)),
    ),
    "generated password in a plain binding": Adversary(
        PLACES_RULE,
        generated(lambda value: on(API, bindings({"type": "plain_text", "name": "VALUE", "text": value}))),
    ),
    "tags that are a secret as a whole": Adversary(PLACES_RULE, on(DISK, having(tags=Secret({"a": "b"})))),
    "setting's secret in a tag, without its mark": Adversary(
        PLACES_RULE, both(SECRET_SETTING, in_a_tag(f"x {SETTING}"))
    ),
}
IN_PART = {
    "token in a tag that is known in part": Adversary(
        "inputs-hold-no-known-secret", in_a_tag(Computed(f"{GITHUB} {BUCKET_ARN}"))
    ),
    "token in user data that is known in part": Adversary(
        "user-data-holds-no-secret",
        on(INSTANCE, having(userData=Secret(Computed(f"#!/bin/sh\nexport T={GITHUB}\necho {BUCKET_ARN}\n")))),
    ),
    "key halved over tags that are known in part": Adversary(
        "secrets-are-not-split",
        on(DISK, put("tags", {"a": ACCESS_KEY[:10], "b": Computed(f"{ACCESS_KEY[10:]} {BUCKET_ARN}")})),
    ),
    "region in a policy that is known in part": Adversary(
        "written-regions-are-canadian",
        policy({"Effect": "Deny", "Action": "sqs:*", "Resource": "arn:aws:sqs:us-east-1:111111111111:q"}),
    ),
    "every action in a policy that is known in part": Adversary(
        "policies-name-actions", policy({"Effect": "Allow", "Action": "*", "Resource": "*"})
    ),
    "every resource in a policy that is known in part": Adversary(
        "policies-name-resources", policy({"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": "*"})
    ),
    "right to take any right, in a policy that is known in part": Adversary(
        "rights-do-not-grow", policy({"Effect": "Allow", "Action": "iam:PutRolePolicy", "Resource": "*"})
    ),
}

IGNORED = {
    "changes of a firewall ignored": Adversary(
        "judged-properties-are-not-ignored", options("postgres-a-ports", ignore_changes=("portInfos",))
    ),
    "changes of a public-access switch ignored": Adversary(
        "judged-properties-are-not-ignored", options("documents-public-access", ignore_changes=("blockPublicAcls",))
    ),
    # Only while plan B of a rollback is in force is that nobody's business.
    "changes of a failover host's switch ignored": Adversary(
        "judged-properties-are-not-ignored", options("site-route", ignore_changes=("script",))
    ),
    "all changes ignored": Adversary("judged-properties-are-not-ignored", options(DISK, ignore_changes=("*",))),
}

LAUNDERED = {**OUTPUTS, **MISPLACED, **IN_PART, **IGNORED}
