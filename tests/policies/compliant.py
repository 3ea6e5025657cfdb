"""Stacks that are in order, in ways that a rule could mistake for a fault: real settings, and additions by hand."""

import base64
import json
from typing import Any

from components.common.cloudflare_ranges import IPV4
from plan.model import Secret
from tests.policies.changes import (
    Change,
    bindings,
    both,
    child,
    elsewhere,
    exported,
    having,
    on,
    options,
    origin,
    plus,
    port_rule,
    put,
)

HOST = {"name": "a", "bundle": "small_3_0"}
# Recorded by the program itself: the stack and its settings. What has nothing to do with each other is one stack.
RECORDED: dict[str, tuple[str, dict[str, Any]]] = {
    "without a tunnel": ("dev", {"databaseRoute": "direct", "hyperdriveFallback": False}),
    "without a tunnel, in production": ("prod", {"databaseRoute": "direct", "hyperdriveFallback": False}),
    "after a rollback to another stand-by, build and branch": (
        "prod",
        {
            "failoverActive": "vercel",
            "standbyHostname": "cname.vercel-dns.com",
            "buildId": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
            "pagesProductionBranch": "release",
        },
    ),
    "hosts of Pages, many buckets of media, Auth0 in place of a user pool": (
        "prod",
        {
            "pagesHostnames": ["docs.automatonicai.com", "help.automatonicai.com"],
            "mediaBuckets": ["media", "avatars", "garden-tours"],
            "identityProvider": "auth0",
            "auth0Domain": "shop.ca.auth0.com",
            "auth0Audience": "https://api.automatonicai.com",
            "auth0ClientId": "site",
            "auth0ClientSecret": {"secure": "v1:x:x"},
        },
    ),
    "hosts of Pages after a rollback": (
        "prod",
        {"pagesHostnames": ["docs.automatonicai.com"], "failoverActive": "vercel"},
    ),
    "after a rollback by DNS, registration for everybody by the setting": (
        "prod",
        {"failoverActive": "vercel-dns", "publicSignUp": "true", "sessionGenerations": ["2026", "2027"]},
    ),
    "two hosts while one replaces the other": (
        "dev",
        {"postgresHosts": [HOST, {**HOST, "name": "b", "origin": "backup"}]},
    ),
    "the second of two hosts serves": (
        "prod",
        {
            "postgresHosts": [
                {"name": "a", "bundle": "large_3_0"},
                {"name": "b", "bundle": "medium_3_0", "diskGb": 128, "origin": "backup"},
            ],
            "postgresServing": "b",
        },
    ),
    "another product and zone, two generations of the authority, the account's second stack, nothing waits": (
        "dev",
        {
            "product": "keystone",
            "availabilityZone": "ca-central-1b",
            "databaseAuthorities": ["2026", "2027"],
            "ownsGithubOidcProvider": "false",
            "ownsAdvancedInstancesTier": "true",
            "waitForDatabase": "false",
            "publicCacheSeconds": 1,
        },
    ),
    "another domain, below a suffix that all share, longer backups, people in two networks": (
        "prod",
        {
            "siteHostname": "www.clinic.qc.ca",
            "apiHostname": "api.clinic.qc.ca",
            "databaseHostname": "postgres.clinic.qc.ca",
            "poolerHostname": "pooler.clinic.qc.ca",
            "backupRetentionFull": 8,
            "backupLockDays": 30,
            "backupOldVersionDays": 60,
            "adminIpv4Networks": ["203.0.113.0/24", "198.51.100.7/32"],
            "adminIpv6Networks": ["2001:db8::/48"],
        },
    ),
}

DISK = "postgres-a-data"
API = "api-version"
CERTIFICATE = (
    "-----BEGIN CERTIFICATE-----\n"
    + "\n".join(
        base64.b64encode(bytes((37 * row + 11 * place) % 256 for place in range(48))).decode() for row in range(9)
    )
    + "\n-----END CERTIFICATE-----\n"
)
ACCOUNT = "111111111111"
KEY_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    ],
}
READS_ONE_BUCKET = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "ReadDocuments",
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": [f"arn:aws:s3:::automatonicai-dev-documents-{ACCOUNT}/*"],
            "Condition": {"StringEquals": {"aws:RequestedRegion": ["ca-central-1", "ca-west-1"]}},
        }
    ],
}


def tag(value: str, name: str = "note") -> Change:
    return on(DISK, put(f"tags.{name}", value))


def plain(name: str, text: str) -> Change:
    return on(API, bindings({"type": "plain_text", "name": name, "text": text}))


def parameter(name: str, value: str) -> Change:
    return plus("aws:ssm/parameter:Parameter", "more", name=name, type="String", value=value, region="ca-central-1")


def record(kind: str, content: str | None, **more: Any) -> Change:
    zone = "fedcba9876543210fedcba9876543210"
    return plus("cloudflare:index/dnsRecord:DnsRecord", "more", type=kind, content=content, zoneId=zone, ttl=1, **more)


# Changes of the recorded dev stack.
ADDED: dict[str, Change] = {
    "cache in Montreal": plus("upstash:index/redisDatabase:RedisDatabase", databaseName="x", region="ca-central-1"),
    "commit in a tag": tag("be8b6871c5c0d4f0a2b9b5f0e7a2a7f0d5b1c9e3", "commit"),
    "UUID in a tag": tag("3b241101-e2bb-4255-8caf-4136c566a962", "ticket"),
    "ARN of a Canadian key in a tag": tag(
        f"arn:aws:kms:ca-central-1:{ACCOUNT}:key/3b241101-e2bb-4255-8caf-4136c566a962"
    ),
    "address in a tag": tag("https://wiki.automatonicai.com/runbooks/restore?tab=2#postgres", "runbook"),
    "French words in a tag": tag("Données réglementées, hébergées à Montréal", "note"),
    "words about secrets in a description": on(
        "backups-key", having(description="Encrypts backups; the pass phrase itself is kept elsewhere, see the runbook")
    ),
    "time and date in a tag": tag("2026-11-21T16:01:31+00:00", "reviewed"),
    "digest of an image": plain("IMAGE", "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    "origins in a list": plain("ALLOWED", "https://app-dev.automatonicai.com,https://dev.automatonicai.com"),
    "page of a manual": plain("HELP_LINK", "https://docs.github.com/en/actions"),
    "format by its address": plain("SCHEMA", '{"$schema":"https://json-schema.org/draft/2020-12/schema"}'),
    "queue in Montreal": plain("QUEUE_URL", f"https://sqs.ca-central-1.amazonaws.com/{ACCOUNT}/jobs"),
    "address with percent signs": plain("FILTER", "place=Qu%C3%A9bec&note=us%20and%20them"),
    "directions in words": plain("NOTE", "Serves the north-east 1 office and us east 2 endpoint"),
    "list of locales": plain("LOCALES", "en-CA,fr-CA,en-US"),
    "address of the API": plain("API_ORIGIN", "https://api-dev.automatonicai.com/v1/"),
    "address of the database without a password": plain(
        "DATABASE", "postgres://postgres-dev.automatonicai.com:5432/app"
    ),
    "keys that are no secrets": plain("SORT_KEYS", "created_at,updated_at,last_name"),
    "public key": plain(
        "VERIFY_WITH", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ci"
    ),
    "secret where it belongs": on(
        API, bindings({"type": "secret_text", "name": "SESSION_KEY", "text": Secret("kR7vQ2xLw9ZpT4mNc8Hd3JfY")})
    ),
    "JSON binding": on(
        API, bindings({"type": "json", "name": "LIMITS", "json": {"rate": [{"limit": 100, "period": 60}]}})
    ),
    "password given as a secret": on("hyperdrive-regulated", origin(password=Secret("kR7vQ2xLw9ZpT4mNc8Hd3JfY"))),
    "certificate in a parameter": parameter("/automatonicai-dev/postgres/authority", CERTIFICATE),
    "Canadian endpoint in a parameter": parameter(
        "/automatonicai-dev/endpoint", "https://s3.ca-central-1.amazonaws.com"
    ),
    "cron line in a parameter": parameter("/automatonicai-dev/schedule", "15 7 * * 0"),
    "record for mail": record("TXT", "v=spf1 include:amazonses.com -all", name="dev.automatonicai.com"),
    "key of mail": record(
        "TXT",
        "v=DKIM1; k=rsa; p=" + base64.b64encode(bytes((37 * place) % 256 for place in range(162))).decode(),
        name="sel._domainkey.dev.automatonicai.com",
    ),
    "proof for Google": record("TXT", "google-site-verification=rXOxyZoun" + "nZasA8Z7oaD3c14JdjS9aKSWvsR1EbUSIQ"),
    "proof for Apple": record("TXT", "apple-domain-verification=aB3dE5f" + "G7hI9jK1l"),
    "name of a build, and when it was": both(plain("BUILD_A", "R2D2C3PO"), plain("RELEASE", "20261121T1601Z")),
    "where secrets are, and who gives them": plus(
        "aws:lambda/function:Function",
        "more",
        name="f",
        region="ca-central-1",
        role="r",
        environment={
            "variables": {
                "DB_PASSWORD_PARAMETER": "/automatonicai-dev/app/db-password",
                "PASSWORD_FILE": "/run/secrets/db",
                "TOKEN_ISSUER": "https://app-dev.automatonicai.com",
            }
        },
    ),
    "who may issue certificates": record(
        "CAA", None, name="dev.automatonicai.com", data={"flags": 0, "tag": "issue", "value": "letsencrypt.org"}
    ),
    "address without a Worker": record("AAAA", "100::", name="old-dev.automatonicai.com", proxied=True),
    "rights on one Canadian bucket": on("identity-metrics", having(policy=json.dumps(READS_ONE_BUCKET))),
    "key in the west": plus(
        "aws:kms/key:Key",
        "more",
        region="ca-west-1",
        multiRegion=False,
        deletionWindowInDays=30,
        enableKeyRotation=True,
        policy=json.dumps(KEY_POLICY),
    ),
    "second provider in the west": elsewhere(
        {"region": "ca-west-1", "allowedAccountIds": json.dumps([ACCOUNT])},
        "aws:sns/topic:Topic",
        name="more",
        tags={"data-class": "none"},
    ),
    "resource with a region and no provider": elsewhere(
        None, "aws:kms/alias:Alias", name="alias/more", region="ca-central-1", targetKeyId="1234"
    ),
    "key below two components": child(
        plus("aws:kms/alias:Alias", name="alias/more", region="ca-west-1", targetKeyId="1234"),
        ("hybrid:storage:PrivateBucket", "outer", {"dataClass": "none"}),
        ("hybrid:storage:EncryptionKey", "inner", {"dataClass": "none"}),
    ),
    "R2 bucket of public data": child(
        plus("cloudflare:index/r2Bucket:R2Bucket", name="more", accountId="a", location="enam"),
        ("hybrid:storage:MediaBucket", "outer", {"dataClass": "public"}),
    ),
    "SSH for two networks": on("postgres-a-ports", port_rule(cidrs=["203.0.113.0/25", "198.51.100.0/24"])),
    "SSH for nobody": on("postgres-a-ports", port_rule(cidrs=["192.0.2.1/32"], ipv6Cidrs=["100::/64"])),
    "no open port": on("postgres-a-ports", having(portInfos=[])),
    "larger disk": on(DISK, having(sizeInGb=128)),
    "more protection than needed": both(
        options("site-record", protect=True), options("tunnel-tunnel", protect=True, retain_on_delete=True)
    ),
    "address of a function that asks who calls": plus(
        "aws:lambda/functionUrl:FunctionUrl", functionName="f", authorizationType="AWS_IAM"
    ),
    "r2.dev switched off": plus(
        "cloudflare:index/r2ManagedDomain:R2ManagedDomain", accountId="a", bucketName="media", enabled=False
    ),
    "project whose functions run in Montreal": plus(
        "vercel:index/project:Project", name="site", resourceConfig={"functionDefaultRegions": ["yul1"]}
    ),
    "random name": plus("random:index/randomId:RandomId", "build", byteLength=4),
    "longer generated password": plus("random:index/randomPassword:RandomPassword", "more", length=128),
    "addresses exported": exported(
        endpoints=["https://app-dev.automatonicai.com", "postgres-dev.automatonicai.com:5432"],
        fingerprint="SHA256:uNiVztksCsDhcc0u9e8BrNlqAGVTo1Q6kqYF9fOaJ5k",
    ),
    "secret exported as a secret": exported(password=Secret("kR7vQ2xLw9ZpT4mNc8Hd3JfY")),
    "networks of Cloudflare as text": plain("NETWORKS", ",".join(IPV4)),
}
