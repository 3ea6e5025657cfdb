"""Secrets in the clear, and secrets that are passed off as something else."""

import base64
import gzip
import json
from typing import Any
from urllib.parse import quote

from plan.model import Computed, Plan, Secret
from policies.gate.sensitive import PLACES_RULE
from tests.policies.changes import (
    Adversary,
    Change,
    bindings,
    both,
    child,
    configured,
    exported,
    having,
    made_of,
    on,
    options,
    origin,
    plus,
    put,
    registering,
    without,
)

LETTERS = "kR7vQ2xLw9ZpT4mNc8Hd3JfYs6BgUa5E"
ACCESS_KEY = "AKIA" + "3Q7XKJ2MWD5PZR6T"
ACCESS_SECRET = LETTERS[:20] + "/" + LETTERS[10:29]
GITHUB = "ghp_" + LETTERS + "1234"
CLOUDFLARE = LETTERS + "_9xVt-2q"
PRIVATE_KEY = "-----BEGIN OPENSSH " + "PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n"
DATABASE = "postgres" + "://app:" + LETTERS[:16] + "@db.example.com/app"
PULUMI = "pul-" + "a3f9" * 10
STRIPE = "sk_" + "live_" + LETTERS[:24]
SLACK = "xoxb" + "-123456789012-123456789012-" + LETTERS[:24]
TOKEN = ".".join(
    base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
    for part in ({"alg": "HS256", "typ": "JWT"}, {"sub": "1", "role": "admin"}, {"s": LETTERS})
)
INSTANCE, API, HOST_ROLE = "postgres-a-instance", "api-version", "identity-metrics"
PARAMETER = "aws:ssm/parameter:Parameter"
DISK = "postgres-a-data"
DOCUMENTS = "hybrid:storage:CmsDocuments"
FUNCTION = "aws:lambda/function:Function"
BUCKET_ARN = "${urn:pulumi:dev::hybrid::hybrid:storage:CmsDocuments$aws:s3/bucket:Bucket::documents-bucket#arn}"
# In a secret setting's place the recorder hands this to the program.
SETTING = "[secret hybrid:token]"
SECRET_SETTING = configured(token=Secret(SETTING))


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def zipped(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def script(line: str) -> str:
    return f"#!/bin/sh\nset -eu\n{line}\n"


def user_data(text: str) -> Adversary:
    return Adversary("user-data-holds-no-secret", on(INSTANCE, having(userData=Secret(text))))


def plain(text: str, name: str = "VALUE") -> Adversary:
    """A plain-text binding with a name that says nothing."""
    return Adversary(
        "inputs-hold-no-known-secret", on(API, bindings({"type": "plain_text", "name": name, "text": text}))
    )


def named(name: str) -> Adversary:
    """A plain-text binding with a value that says nothing."""
    return Adversary("plain-text-bindings-hold-no-secret", plain("x", name).change)


USER_DATA = {
    "password assigned in user data": user_data(script("export PGPASSWORD=x")),
    "password after a colon in cloud-init": user_data("#cloud-config\nchpasswd:\n  users:\n  - {password: hunter2}\n"),
    "user data in base64": user_data(encoded(script(f"export KEY={ACCESS_KEY}"))),
    "user data in base64 of gzip": user_data(zipped(script(f"export KEY={ACCESS_KEY}"))),
    "base64 inside user data": user_data(script(f"echo {encoded(DATABASE)} | base64 -d")),
    "base64 of base64 inside user data": user_data(script(f"echo {encoded(encoded(PRIVATE_KEY))}")),
    "private key on one line of user data": user_data(script(f"printf '{PRIVATE_KEY!r}'")),
    "token split over two lines of user data": user_data(script(f"A={GITHUB[:18]}\nB={GITHUB[18:]}\necho $A$B")),
    "user data made of a generated password": Adversary(
        "user-data-registers-and-nothing-else",
        both(
            plus("random:index/randomPassword:RandomPassword", "more", length=40), made_of(INSTANCE, "userData", "more")
        ),
    ),
}


PLACES = {
    "access key in a tag": Adversary(
        "inputs-hold-no-known-secret", on("postgres-a-data", put("tags.note", ACCESS_KEY))
    ),
    "access key as a tag's name": Adversary(
        "inputs-hold-no-known-secret", on("postgres-a-data", put("tags", {ACCESS_KEY: "x"}))
    ),
    "access key in a list inside a map inside a list": Adversary(
        "inputs-hold-no-known-secret", on("convergence-a", put("targets.0.values", ["a", ACCESS_KEY]))
    ),
    "access key in lower case": Adversary(
        "inputs-hold-no-known-secret", on("postgres-a-data", put("tags.note", ACCESS_KEY.lower()))
    ),
    "access key's secret half in a description": Adversary(
        "inputs-hold-no-known-secret", on("identity-role", having(description=f"use {ACCESS_SECRET}"))
    ),
    "access key split over two tags": Adversary(
        "secrets-are-not-split",
        on("postgres-a-data", put("tags", {"part1": ACCESS_KEY[:10], "part2": ACCESS_KEY[10:]})),
    ),
    "token split over two bindings": Adversary(
        "inputs-hold-no-known-secret",
        on(
            API,
            bindings(
                {"type": "plain_text", "name": "A", "text": GITHUB[:20]},
                {"type": "plain_text", "name": "B", "text": GITHUB[20:]},
            ),
        ),
    ),
    "secret in a policy's JSON text": Adversary(
        "inputs-hold-no-known-secret",
        on(HOST_ROLE, having(policy=json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": ACCESS_KEY}]}))),
    ),
    "secret with escaped letters in JSON text": Adversary(
        "inputs-hold-no-known-secret",
        on(HOST_ROLE, having(policy=json.dumps({"Sid": GITHUB}).replace("ghp_", "\\u0067hp\\u005f"))),
    ),
    "password among a document's steps": Adversary(
        "variables-hold-no-secret",
        on("convergence-document", having(content=json.dumps({"steps": [{"runCommand": ["PGPASSWORD=hunter2 x"]}]}))),
    ),
    "password among an association's parameters": Adversary(
        "variables-hold-no-secret", on("convergence-a", put("parameters.Password", "hunter2hunter2"))
    ),
    "token in a Worker's name": Adversary("inputs-hold-no-known-secret", on("web-worker", having(name=GITHUB))),
    "token as the resource's own name": Adversary(
        "inputs-hold-no-known-secret", plus("random:index/randomId:RandomId", GITHUB)
    ),
    "token in a record's comment": Adversary(
        "inputs-hold-no-known-secret", on("site-record", having(comment=f"see {GITHUB}"))
    ),
    "marked as secret, and written into a tag": Adversary(
        "inputs-hold-no-known-secret", on("postgres-a-data", put("tags.note", Secret(DATABASE)))
    ),
    "child of a component": Adversary(
        "inputs-hold-no-known-secret",
        child(
            plus("aws:kms/alias:Alias", name=f"alias/{GITHUB}", region="ca-central-1"),
            ("hybrid:storage:EncryptionKey", "outer", {}),
            ("hybrid:storage:EncryptionKey", "inner", {}),
        ),
    ),
    "secret in a Pages project's variables": Adversary(
        "inputs-hold-no-known-secret",
        on(
            "pages-project",
            put("deploymentConfigs.production.envVars", {"DATABASE": {"type": "plain_text", "value": DATABASE}}),
        ),
    ),
    "secret in the settings": Adversary("settings-hold-no-secret", configured(deployToken=GITHUB)),
    "secret in an exported list": Adversary("exports-hold-no-secret", exported(urls=[{"main": DATABASE}])),
    "secret in an export, in base64": Adversary("exports-hold-no-secret", exported(blob=encoded(PRIVATE_KEY))),
    "export that is called a password": Adversary("exports-hold-no-secret", exported(adminPassword="hunter2")),
    "export made of a generated password": Adversary(
        "exports-hold-no-secret",
        lambda plan: exported(
            link=Computed(f"x-${{{plan.of_type('random:index/randomPassword:RandomPassword')[0].urn}#result}}")
        )(plan),
    ),
}


SHAPES = {
    "connection string": plain(DATABASE),
    "connection string, percent-encoded": plain(quote(DATABASE, safe="")),
    "connection string, in upper case": plain(DATABASE.replace("postgres", "POSTGRES")),
    "connection string without a user": plain("rediss" + "://:" + LETTERS[:20] + "@cache.example.com:6379"),
    "connection string as keywords": plain("host=db user=app pass" + "word=" + LETTERS[:14] + " dbname=app"),
    "connection string, password as a parameter": plain("postgres://db/app?user=a&pass" + "word=" + LETTERS[:12]),
    "connection string in base64": plain(encoded(DATABASE)),
    "credentials of HTTP": plain("Authorization: " + "Basic " + encoded(f"app:{LETTERS[:14]}")),
    "bearer's token": plain(TOKEN),
    "token of Cloudflare": plain(CLOUDFLARE),
    "token of Pulumi": plain(PULUMI),
    "token of Stripe": plain(STRIPE),
    "token of Slack": plain(SLACK),
    "key in an old form": plain("-----BEGIN EC " + "PRIVATE KEY-----"),
    "key with escaped line ends": plain(PRIVATE_KEY.replace("\n", "\\n")),
    "secret inside a JSON binding": Adversary(
        "inputs-hold-no-known-secret",
        on(API, bindings({"type": "json", "name": "CONFIG", "json": {"a": [{"b": [DATABASE]}]}})),
    ),
    "random letters": plain(LETTERS + LETTERS[::-1]),
    "random hexadecimal digits": plain("9f86d081884c7d659a2feaa0c55ad015", "SIGNING"),
}


NAMES = {
    "name in lower case": named("db_password"),
    "name in one word": named("DBPASSWD"),
    "name with full-width letters": named("\N{FULLWIDTH LATIN CAPITAL LETTER P}ASSWORD"),
    "name with a look-alike letter": named("P\N{CYRILLIC CAPITAL LETTER A}SSWORD"),
    "name with an invisible letter": named("PASS\N{ZERO WIDTH SPACE}WORD"),
    "name of a key for signing": named("JWT_SIGNING_KEY"),
    "name of a pass phrase": named("PASS_PHRASE"),
    "JSON binding whose inner name says it": Adversary(
        "plain-text-bindings-hold-no-secret",
        on(API, bindings({"type": "json", "name": "CONFIG", "json": {"db": {"password": "hunter2"}}})),
    ),
    "parameter in the clear, in a list": Adversary(
        "secret-parameters-are-encrypted", plus(PARAMETER, name="/db/PassWords", type="StringList", value="a,b")
    ),
}


SENSITIVE = {
    "password of Hyperdrive": Adversary(
        "sensitive-inputs-are-secret", on("hyperdrive-regulated", origin(password="hunter2"))
    ),
    "secret half of an access token": Adversary(
        "sensitive-inputs-are-secret", on("hyperdrive-public", origin(accessClientSecret="hunter2"))
    ),
    "password that is known only later": Adversary(
        "sensitive-inputs-are-secret", on("hyperdrive-public", origin(password=Computed()))
    ),
    "secret binding": Adversary(
        "sensitive-inputs-are-secret", on(API, bindings({"type": "secret_text", "name": "K", "text": "hunter2"}))
    ),
    "secret of a tunnel": Adversary(
        "sensitive-inputs-are-secret", on("tunnel-tunnel", having(tunnelSecret="aHVudGVyMg=="))
    ),
    "encrypted parameter": Adversary(
        "sensitive-inputs-are-secret", plus(PARAMETER, name="p", type="SecureString", value="x")
    ),
    "user data": Adversary("sensitive-inputs-are-secret", on(INSTANCE, having(userData="#!/bin/sh\n"))),
    "token of the provider": Adversary("sensitive-inputs-are-secret", on("cloudflare", having(apiToken=CLOUDFLARE))),
    "key of the provider": Adversary(
        "sensitive-inputs-are-secret", on("montreal", having(accessKey=ACCESS_KEY, secretKey=ACCESS_SECRET))
    ),
    "secret of a Worker of the old kind": Adversary(
        "sensitive-inputs-are-secret",
        plus("cloudflare:index/workersSecret:WorkersSecret", name="K", secretText="hunter2"),
    ),
    "password of a person": Adversary(
        "access-keys-are-made-elsewhere", plus("aws:iam/userLoginProfile:UserLoginProfile", user="u", passwordLength=20)
    ),
    "generated key pair": Adversary("key-pairs-are-given", on("postgres-a-key", without("publicKey"))),
    "key pair that is an empty text": Adversary("key-pairs-are-given", on("postgres-a-key", having(publicKey=""))),
    "key without end": Adversary("access-keys-are-made-elsewhere", plus("aws:iam/accessKey:AccessKey", user="u")),
    "secret from random bytes": Adversary(
        "secrets-are-generated-as-passwords", plus("random:index/randomBytes:RandomBytes", length=32)
    ),
    "secret from a random text": Adversary(
        "secrets-are-generated-as-passwords", plus("random:index/randomString:RandomString", "session-KEY", length=64)
    ),
}


SECRETS = {**USER_DATA, **PLACES, **SHAPES, **NAMES, **SENSITIVE}


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
    """A policy with one more statement about a bucket whose ARN is not known yet."""
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
