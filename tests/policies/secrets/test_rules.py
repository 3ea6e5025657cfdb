"""The secrets pack: each rule broken, kept, with the attribute missing, and with a value that is not known yet."""

import json
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from plan.model import Computed, Plan, Secret
from policies.rules.findings import Finding
from policies.rules.rule import gathered
from tests.policies import running
from tests.policies.changes import Change, bindings, broken, having, on, plus, swapped, without
from tests.policies.running import rules
from tests.policies.scan.samples import secrets, text

SAMPLES = secrets(random.Random(7))
TOKEN, KEY = SAMPLES["a GitHub token"], SAMPLES["an AWS access key"]
API, INSTANCE, ROLE = "api-version", "postgres-a-instance", "identity-role"
ROLLBACK = "failover-rollback-token"
FUNCTION, PARAMETER = "aws:lambda/function:Function", "aws:ssm/parameter:Parameter"
RANDOM, ID = "random text, as keys and passwords are", "9f86d081" + "884c7d65" + "9a2feaa0" + "c55ad015"
TASK = "aws:ecs/taskDefinition:TaskDefinition"


def plain(name: str, value: str = "x") -> Change:
    return on(API, bindings({"type": "plain_text", "name": name, "text": value}))


def container(name: str) -> str:
    return json.dumps([{"name": "app", "environment": [{"name": name, "value": "x"}]}])


# Each in every place alike.
CONNECTIONS = {
    "a raw password": "postgres" + "://app:$K'q/8vx2Lm@db.internal/app",
    "keywords": "Server=db.internal;User Id=app;Pass" + "word=hunter2xx;",
    "a setting of Kafka": "sasl_pass" + "word=hunter2hunter2",
    "a file of variables": "[vars]\nAPI_TO" + 'KEN = "hunter2' + 'hunter2"\n',
}
PLACES: dict[str, Callable[[str], Change]] = {
    "binding": lambda text: plain("VALUE", text),
    "JSON binding": lambda text: on(API, bindings({"type": "json", "name": "CONFIG", "json": {"a": [text]}})),
    "variable": lambda text: plus(FUNCTION, environment={"variables": {"VALUE": text}}),
    "parameter": lambda text: plus(PARAMETER, name="/app/value", type="String", value=Secret(text)),
    "container": lambda text: plus(TASK, containerDefinitions=json.dumps([{"environment": [{"value": text}]}])),
    "object": lambda text: plus("aws:s3/bucketObjectv2:BucketObjectv2", bucket="b", key="x", content=text),
}


BROKEN: dict[str, tuple[str, Change]] = {
    "token in user data": ("user-data-holds-no-secret", on(INSTANCE, having(userData=Secret(f"echo {TOKEN}")))),
    "password in user data": ("user-data-holds-no-secret", on(INSTANCE, having(userData=Secret("PGPASSWORD=x")))),
    "user data of EC2": (
        "user-data-holds-no-secret",
        plus("aws:ec2/instance:Instance", userDataBase64="REJfUFdEPWh1bnRlcjI="),
    ),
    "two lines of user data": (
        "user-data-holds-no-secret",
        on(INSTANCE, having(userData=Secret(f"A={TOKEN[:20]}\nB={TOKEN[20:]}\n"))),
    ),
    **{
        f"{where} with {what}": ("inputs-hold-no-known-secret", change(text))
        for what, text in CONNECTIONS.items()
        for where, change in PLACES.items()
    },
    "ID of Cloudflare's among people's own words": (
        "inputs-hold-no-known-secret",
        on(API, bindings({"type": "plain_text", "name": "SIGNING", "text": ID})),
    ),
    "password as plain text": ("plain-text-bindings-hold-no-secret", plain("DB_PASSWORD")),
    "JSON text of a binding": ("plain-text-bindings-hold-no-secret", plain("CONFIG", '{"db": {"password": "x"}}')),
    "binding unknown": ("plain-text-bindings-hold-no-secret", on(API, having(bindings=Computed()))),
    "variable of a function": (
        "variables-hold-no-secret",
        plus(FUNCTION, environment={"variables": {"DB_PASSWORD": "hunter2"}}),
    ),
    "unknown variable of a function": (
        "variables-hold-no-secret",
        plus(FUNCTION, environment={"variables": {"API_KEY": Computed()}}),
    ),
    "variables unknown": ("variables-hold-no-secret", plus(FUNCTION, environment={"variables": Computed()})),
    "variable of a container": ("variables-hold-no-secret", plus(TASK, containerDefinitions=container("JWT_SECRET"))),
    "tag": ("variables-hold-no-secret", plus("aws:kms/alias:Alias", tags={"password": "hunter2"})),
    "option of a command": (
        "variables-hold-no-secret",
        on("convergence-document", having(content=json.dumps({"run": ["psql --password=hunter2"]}))),
    ),
    "token in a description": ("inputs-hold-no-known-secret", on(ROLE, having(description=f"see {TOKEN}"))),
    "token as a name": ("inputs-hold-no-known-secret", plus("random:index/randomId:RandomId", TOKEN)),
    "random text in a tag": (
        "inputs-hold-no-known-secret",
        plus("aws:kms/alias:Alias", tags={"x": SAMPLES["a private key"][-40:]}),
    ),
    "key of a tag": ("inputs-hold-no-known-secret", plus("aws:kms/alias:Alias", tags={KEY: "x"})),
    "two tags": (
        "secrets-are-not-split",
        plus("aws:kms/alias:Alias", tags={"a": KEY[:11], "b": KEY[11:]}),
    ),
    "generated key pair": ("key-pairs-are-given", on("postgres-a-key", without("publicKey"))),
    "key pair of EC2": ("key-pairs-are-given", plus("aws:ec2/keyPair:KeyPair")),
    "public key unknown": ("key-pairs-are-given", on("postgres-a-key", having(publicKey=Computed()))),
    "plain parameter": (
        "secret-parameters-are-encrypted",
        plus(PARAMETER, name="/db/password", type="String", value="x"),
    ),
    "parameter of unknown type": (
        "secret-parameters-are-encrypted",
        plus(PARAMETER, "token", type=Computed(), value="x"),
    ),
    "access key": ("access-keys-are-made-elsewhere", plus("aws:iam/accessKey:AccessKey", user="u")),
    "person's password": (
        "access-keys-are-made-elsewhere",
        plus("aws:iam/userLoginProfile:UserLoginProfile", user="u"),
    ),
    "token from anywhere": ("access-keys-are-made-elsewhere", on(ROLLBACK, without("condition"))),
    "token from everywhere": (
        "access-keys-are-made-elsewhere",
        on(ROLLBACK, having(condition={"requestIp": {"ins": ["203.0.113.0/24", "0.0.0.0/0"]}})),
    ),
    "token from everywhere, in halves": (
        "access-keys-are-made-elsewhere",
        on(ROLLBACK, having(condition={"requestIp": {"ins": ["0.0.0.0/1", "128.0.0.0/1"]}})),
    ),
    "token from many networks of IPv6": (
        "access-keys-are-made-elsewhere",
        on(ROLLBACK, having(condition={"requestIp": {"ins": ["203.0.113.0/24", "2000::/3"]}})),
    ),
    "token without an end": ("access-keys-are-made-elsewhere", on(ROLLBACK, without("expiresOn"))),
    "token for all zones": (
        "access-keys-are-made-elsewhere",
        on(ROLLBACK, having(policies=[{"effect": "allow", "resources": '{"com.cloudflare.api.account.zone.*": "*"}'}])),
    ),
    "token for the account": (
        "access-keys-are-made-elsewhere",
        on(ROLLBACK, having(policies=[{"effect": "allow", "resources": "com.cloudflare.api.account"}])),
    ),
    "token with unknown rights": ("access-keys-are-made-elsewhere", on(ROLLBACK, having(policies=Computed()))),
    "API token": ("access-keys-are-made-elsewhere", plus("cloudflare:index/apiToken:ApiToken", name="t")),
    "random bytes": ("secrets-are-generated-as-passwords", plus("random:index/randomBytes:RandomBytes")),
    "random text as a key": (
        "secrets-are-generated-as-passwords",
        plus("random:index/randomString:RandomString", "session-key"),
    ),
}
KEPT: dict[str, Change] = {
    "activation's code in user data": on(
        INSTANCE, having(userData=Secret('./ssm-setup-cli -register -activation-code "kR7vQ2xLw9ZpT4mNc8Hd"'))
    ),
    "no user data": on(INSTANCE, without("userData")),
    "user data of EC2": plus("aws:ec2/instance:Instance", userData="#!/bin/sh\napt-get install -y postgresql\n"),
    "secret binding": on(API, bindings({"type": "secret_text", "name": "DB_PASSWORD", "text": Secret("hunter2")})),
    "name of a secret": plain("SECRET_NAME", "/dev/host/passwords/app"),
    "identifier of an account": plain("CF_ACCOUNT_ID", "9f86d081884c7d659a2feaa0c55ad015"),
    "no bindings": on(API, without("bindings")),
    "ordinary variables": plus(FUNCTION, environment={"variables": {"LOG_LEVEL": "info", "PASSWORD_LENGTH": "40"}}),
    "unknown variable": plus(FUNCTION, environment={"variables": {"HOST": Computed()}}),
    "no variables": plus(FUNCTION),
    "password where it belongs": plus(
        PARAMETER, type="SecureString", value=Secret(SAMPLES["a connection string with a password"])
    ),
    "ordinary parameter": plus(PARAMETER, name="/app/region", type="String", value="ca-central-1"),
    "IDs of Cloudflare's": plus(
        "cloudflare:index/ruleset:Ruleset",
        rules=[{"actionParameters": {"rules": {ID: [ID[::-1]]}}, "expression": "(ip.src in {203.0.113.1})"}],
    ),
    "bucket of Cloudflare's in a token's rights": on(
        ROLLBACK,
        having(description=f"com.cloudflare.edge.r2.bucket.{ID}_default_media"),
    ),
    "limits and switches about tokens": on(
        API,
        bindings(
            {"type": "plain_text", "name": "MAX_TOKENS", "text": "4096"},
            {"type": "plain_text", "name": "TOKENIZER", "text": "cl100k_base"},
            {"type": "json", "name": "FLAGS", "json": {"newTokenFlow": True, "tokenBudget": 4000}},
            {"type": "plain_text", "name": "OTHER_FLAGS", "text": '{"newTokenFlow": true, "tokenBudget": 4000}'},
        ),
    ),
    "proof in DNS": plus("cloudflare:index/dnsRecord:DnsRecord", type="TXT", name="_acme", content=SAMPLES[RANDOM]),
    "plain switch among parameters": plus(PARAMETER, name="/app/token-limit", type="String", value=Secret("15")),
    "page about it": plus("aws:kms/alias:Alias", tags={"runbook": f"https://www.notion.so/Runbook-{ID}"}),
    "commit in an address": plus("aws:kms/alias:Alias", tags={"source": f"https://github.com/a/b/commit/{ID}12345678"}),
    "public keys": plus(
        "aws:kms/alias:Alias",
        tags={"spki": "MCowBQYD" + "K2VwAyEA" + SAMPLES[RANDOM], "browser": "pk_live_" + SAMPLES[RANDOM]},
    ),
    "random ID": plus("random:index/randomId:RandomId", "build"),
    "public key": plus(
        "aws:ec2/keyPair:KeyPair",
        publicKey="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
    ),
}


NEEDED = {API, INSTANCE, ROLE, ROLLBACK, "postgres-a-key", "postgres-a-activation", "convergence-document", "montreal"}


@pytest.fixture(scope="module")
def few(dev_plan: Plan) -> Plan:
    """What the cases change of the dev stack, and no more: packs take a time for every resource."""
    few = tuple(found for found in dev_plan.resources if found.name in NEEDED or "random" in found.type)
    return replace(dev_plan, resources=few)


@pytest.fixture(scope="module")
def findings(few: Plan) -> dict[str, tuple[Finding, ...]]:
    plans = [change(few) for _, change in BROKEN.values()]
    return {case: verdict.findings for case, verdict in zip(BROKEN, running.judge(plans, "secrets"), strict=True)}


@pytest.mark.parametrize("case", BROKEN)
def test_a_secret_is_refused(case: str, findings: dict[str, tuple[Finding, ...]]) -> None:
    assert BROKEN[case][0] in {finding.rule for finding in findings[case]}


@pytest.mark.parametrize("case", [case for case in BROKEN if "unknown" in case and "variable of" not in case])
def test_what_is_unknown_is_refused(case: str, findings: dict[str, tuple[Finding, ...]]) -> None:
    hits = [finding for finding in findings[case] if finding.rule == BROKEN[case][0]]
    assert any("Can't be checked before deployment" in finding.message for finding in hits)


def test_what_is_in_order_passes(few: Plan, dev_plan: Plan, prod_plan: Plan, direct_plan: Plan) -> None:
    names = {rule.name for rule in gathered("policies.secrets")}
    plans = [change(few) for change in KEPT.values()]
    found = rules([*plans, dev_plan, prod_plan, direct_plan], "secrets")
    assert {
        case: broken & names
        for case, broken in zip([*KEPT, "dev", "prod", "direct"], found, strict=True)
        if broken & names
    } == {}


def test_user_data_takes_nothing_but_an_activation(few: Plan) -> None:
    (instance,) = [found for found in few.resources if found.name == INSTANCE]
    (password, *_) = few.of_type("random:index/randomPassword:RandomPassword")
    depends = {**instance.property_dependencies, "userData": (password.urn,)}
    bad = replace(instance, property_dependencies=depends)
    many = broken(few, "postgres-a-activation", having(registrationLimit=5))
    plans = [swapped(few, instance, bad), many]
    assert all("user-data-registers-and-nothing-else" in found for found in rules(plans, "secrets"))


# Where a secret may be put: a tag, its key, a binding, JSON, a name.
def hidden(secret: str) -> list[Change]:
    return [
        plus("aws:kms/alias:Alias", tags={"note": secret}),
        plus("aws:kms/alias:Alias", tags={secret: {"deep": [secret]}}),
        plain("VALUE", secret),
        on(ROLE, having(assumeRolePolicy=json.dumps({"Sid": secret}))),
        on(INSTANCE, having(userData=f"PASSWORD={secret}")),
        plus(FUNCTION, environment={"variables": {secret: Computed(), "DB_PASSWORD": secret}}),
    ]


def test_no_message_says_a_value(few: Plan) -> None:
    source = random.Random(3)
    values = [*secrets(source).values(), text(source, 32)]
    plans = [change(few) for secret in values[::4] for change in hidden(secret)]
    said = json.dumps([finding.message for verdict in running.judge(plans, "secrets") for finding in verdict.findings])
    assert [kind for kind, secret in enumerate(values) if json.dumps(secret)[1:-1] in said] == []


def test_settings_and_exports_are_searched(few: Plan) -> None:
    settings = replace(few, settings={**few.settings, "hybrid:deployToken": TOKEN})
    named = replace(few, settings={**few.settings, "hybrid:adminPassword": "hunter2"})
    hidden_one = replace(few, settings={**few.settings, "hybrid:adminPassword": Secret("hunter2")})
    export = replace(few, outputs={**few.outputs, "adminPassword": "hunter2"})
    found = rules([settings, named, hidden_one, export], "secrets")
    assert found == [{"settings-hold-no-secret"}, {"settings-hold-no-secret"}, set(), {"exports-hold-no-secret"}]
