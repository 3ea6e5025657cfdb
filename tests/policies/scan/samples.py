"""Secrets that look real and are none, each put together here so that a search of this file finds nothing."""

import base64
import json
import random
import string

BASE62 = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


def text(source: random.Random, length: int, alphabet: str = BASE62) -> str:
    return "".join(source.choices(alphabet, k=length))


def web_token(source: random.Random) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": text(source, 12)})
    head = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*head, text(source, 43)])


def tunnel_token(source: random.Random) -> str:
    plain = json.dumps({"a": text(source, 32, HEX), "t": "x"}).replace(" ", "")
    return base64.b64encode(plain.encode()).decode()


def secrets(source: random.Random) -> dict[str, str]:
    """One of each kind that an issuer's format gives away."""
    upper = string.ascii_uppercase + string.digits
    return {
        "an AWS access key": "AKIA" + text(source, 16, upper),
        "an age key": "AGE-SECRET-" + "KEY-1" + text(source, 58, upper),
        "a private key": "-----BEGIN " + "PRIVATE KEY-----\n" + text(source, 64),
        "a GitHub token": "ghp_" + text(source, 36),
        "a GitLab token": "glpat-" + text(source, 20),
        "a Cloudflare token": "cfut_" + text(source, 48),
        "a Cloudflare origin key": "v1.0-" + text(source, 24, HEX) + "-" + text(source, 146, HEX),
        "a tunnel token": tunnel_token(source),
        "a Vercel token": "vcp_" + text(source, 56),
        "a Pulumi token": "pul-" + text(source, 40, HEX),
        "a Sentry token": "sntrys_" + text(source, 60),
        "a Sentry address with its secret half": "https"
        + f"://{text(source, 32, HEX)}:{text(source, 32, HEX)}@sentry.io/1",
        "a PyPI token": "pypi-" + "AgEIcHlwaS5vcmc" + text(source, 60),
        "a Docker Hub token": "dckr_pat_" + text(source, 27),
        "a Google API key": "AIza" + text(source, 35),
        "a key of a language model": "sk-ant-" + text(source, 40),
        "a Stripe key": "sk_live_" + text(source, 24),
        "a Telegram token": text(source, 9, string.digits) + ":AA" + text(source, 33),
        "a Vault token": "hvs." + text(source, 24),
        "a Grafana token": "glsa_" + text(source, 41),
        "a Supabase key": "sbp_" + text(source, 40),
        "a storage account key": "AccountKey=" + text(source, 86) + "==",
        "a signed address": "https://b.example/o?X-Amz-Signature=" + text(source, 64, HEX),
        "a private JSON web key": '{"kty": "EC", "d": "' + text(source, 43) + '"}',
        "a password's hash": "$2b$" + "12$" + text(source, 53),
        "a connection string with a password": "postgres" + f"://app:{text(source, 12)}@db.example/app",
        "a connection string's password": "host=db user=app " + f"password={text(source, 12)}",
        "an address with a password among its parameters": "postgres" + f"://db/app?user=a&password={text(source, 12)}",
        "a JSON web token": web_token(source),
        "a Slack token": "xoxb-"
        + f"{text(source, 12, string.digits)}-{text(source, 12, string.digits)}-{text(source, 24)}",
        "a SendGrid key": "SG." + f"{text(source, 22)}.{text(source, 43)}",
        "an npm token": "npm_" + text(source, 36),
        "random text, as keys and passwords are": text(source, 40),
    }


# High entropy, and nobody's secret.
PUBLIC = {
    "UUID": "f81d4fae-7dec-41d0-a765-00a0c91e6bf6",
    "ARN": "arn:aws:kms:ca-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "hash of a lock file": "--hash=sha256:" + "9f86d081884c7d65" * 4,
    "integrity": "sha512-" + "kR7vQ2xLw9ZpT4mN" * 5 + "kR7vQw==",
    "pinned action": "actions/checkout@" + "3d3c42e5aac5ba805825" * 2,
    "SSH key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@host",
    "certificate": "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ2xLw9ZpT4mNc8Hd3Jf\n-----END CERTIFICATE-----",
    "R2's host name": "https://0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com",
    "public half of a Sentry address": "https://" + "9f86d081884c7d65" * 2 + "@o1.ingest.de.sentry.io/2",
    "regular expression": "^[A-Za-z0-9][A-Za-z0-9-]{1,61}[A-Za-z0-9]$",
    "time": "2026-11-21T16:01:30.123456Z",
    "constant": "AWS_LAMBDA_RUNTIME_API_VERSION_2018_06_01",
    "class name": "ServerSideEncryptionConfigurationRule",
    "path": "/var/lib/postgresql/17/main/pg_wal/archive_status",
    "address with a placeholder": "postgres://app:${PASSWORD}@db.example/app",
    "word about passwords": "The password of the role is an SSM SecureString, see /dev/host/passwords/app.",
}
