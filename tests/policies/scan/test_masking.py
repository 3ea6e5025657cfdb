"""No report says a secret, wherever somebody wrote it."""

import json
import random
from dataclasses import replace

import pytest

from plan.model import Plan, Secret
from policies.gate.gate import assess
from policies.reports import Format, written
from policies.rules.findings import Subject
from policies.scan.scanner import MASK, masked
from tests.policies import running
from tests.policies.changes import Change, both, configured, exported, on, plus, put
from tests.policies.scan.samples import secrets
from tests.policies.secrets.adversaries import DATABASE, GITHUB

FEW = ("pulumi:pulumi:Stack", "pulumi:providers:aws", "aws:lightsail/disk:Disk")

CLEAN = (
    "Property tags.note holds a GitHub token. Renew it. (docs/policies/README.md#inputs-hold-no-known-secret)",
    "urn:pulumi:dev::hybrid::hybrid:storage:PrivateBucket$aws:s3/bucket:Bucket::documents-bucket",
    "policies-name-actions: policy is not known yet: an ARN that AWS gives",
    "components/storage/private_bucket.py:120",
    "Commit be8b6871c5c0, line 3 of Pulumi.dev.yaml holds a private key (fingerprint " + "67ae1ee2" + "df0167d5).",
)
SECRET = {
    f"Property tags.{GITHUB} holds a region.": f"Property tags.{MASK} holds a region.",
    f"urn:pulumi:dev::hybrid::aws:kms/alias:Alias::{GITHUB}": f"urn:pulumi:dev::hybrid::aws:kms/alias:Alias::{MASK}",
    f"Export {DATABASE} holds": f"Export postgres://app:{MASK}@db.example.com/app holds",
    f"type acme:index/{GITHUB}:X is": f"type acme:index/{MASK}:X is",
}


@pytest.mark.parametrize("text", CLEAN)
def test_ordinary_words_stay(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize("text", SECRET)
def test_a_secret_goes_and_the_rest_stays(text: str) -> None:
    assert masked(text) == SECRET[text]


PLACES: dict[str, Change] = {
    "key of a tag": on("postgres-a-data", put("tags", {GITHUB: "us-east-1"})),
    "name": plus("aws:kms/alias:Alias", GITHUB, region="us-east-1"),
    "type": plus(f"acme:index/{GITHUB}:X"),
    "export": exported(**{GITHUB: DATABASE}),
    "setting": configured(**{GITHUB: DATABASE}),
}


def test_no_report_says_it(dev_plan: Plan) -> None:
    outcome = assess([Subject(plan=both(*PLACES.values())(dev_plan))], running.kept())
    assert len(outcome.findings) > len(PLACES)
    for form in Format:
        assert GITHUB not in written(outcome, form), form


def held(kind: str, secret: str) -> Change:
    """In every place where a value may stand: each is refused in at least one."""
    return both(
        plus("aws:kms/alias:Alias", f"a-{kind}", tags={"note": secret, secret: "x"}, region="ca-central-1"),
        plus(
            "aws:lambda/function:Function", f"b-{kind}", environment={"variables": {"DB_PASSWORD": secret, "V": secret}}
        ),
        plus("aws:ssm/parameter:Parameter", f"c-{kind}", name=f"/{secret}", type="String", value=Secret(secret)),
        plus("aws:s3/bucketPolicy:BucketPolicy", f"d-{kind}", bucket=secret, policy=json.dumps({"Sid": secret})),
        configured(**{f"x{len(kind)}": secret}),
        exported(**{f"x{len(kind)}": [secret], "adminPassword": secret}),
    )


def test_no_report_says_a_secret_of_any_kind(dev_plan: Plan) -> None:
    kinds = {kind.replace(" ", "-"): secret for kind, secret in secrets(random.Random(23)).items()}
    few = replace(dev_plan, resources=tuple(one for one in dev_plan.resources if one.type in FEW))
    outcome = assess([Subject(plan=both(*(held(*one) for one in kinds.items()))(few))], running.kept())
    assert len(outcome.findings) > 3 * len(kinds)
    for form in Format:
        text = written(outcome, form)
        assert [kind for kind, secret in kinds.items() if secret in text or json.dumps(secret)[1:-1] in text] == [], (
            form
        )
