"""Passwords of every generator are found in every form of a connection string, and what a program fills in is not."""

import base64
import json
import random
import string
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.scan import connections, names, repository, scanner
from tests.run.soak import trials

LETTERS = string.ascii_letters + string.digits
# Alphabet and length, as each is used by default.
GENERATORS = {
    "openssl rand -base64 24": (LETTERS + "+/", 32),
    "openssl rand -hex 16": (string.hexdigits[:16], 32),
    "secrets.token_urlsafe": (LETTERS + "-_", 43),
    "pwgen": (LETTERS, 8),
    "pwgen -y": (LETTERS + "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", 16),
    "RandomPassword": (LETTERS + "!@#$%&*()-_=+[]{}<>:?", 24),
    "AWS Secrets Manager": (LETTERS + "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", 32),
    "AWS Secrets Manager, for databases": (LETTERS + "!#$%&()*+,-.:;<=>?[]^_{|}~", 32),
    "AWS access key's secret half": (LETTERS + "/+", 40),
    "a password manager": (LETTERS + "!@#$%^&*", 20),
}
# The signs with which others of their kind were overlooked, at the beginning and further on.
BEGINNINGS = (
    "",
    "%40",
    "$e",
    "*K",
    "{K",
    "<K",
    "[K",
    "%K",
    "K'q",
    "K/q",
    "K?q",
    "K#q",
    "K@q",
    "K:q",
    "${K",
    "{{K",
    "$(K",
)


def sealed(password: str) -> str:
    """With a letter and a digit at its end, as most generators promise both somewhere."""
    return f"{password}a7"


@st.composite
def passwords(draw: st.DrawFn) -> str:
    alphabet, length = draw(st.sampled_from(sorted(GENERATORS.values())))
    source = random.Random(draw(st.integers(min_value=0, max_value=2**32)))
    return draw(st.sampled_from(BEGINNINGS)) + sealed("".join(source.choices(alphabet, k=length)))


# Each as its client takes it: a URL without signs that it reserves, encoded, or as people write it all the same.
URLS: dict[str, Callable[[str], str]] = {
    "postgres": lambda password: f"postgres://app:{password}@db.internal/app",
    "encoded": lambda password: f"postgresql://app:{quote(password, safe='')}@db.internal:5432/app?sslmode=require",
    "several hosts": lambda password: f"mongodb+srv://app:{quote(password, safe='')}@a.internal:1,b.internal:2/app",
    "no user": lambda password: f"rediss://:{quote(password, safe='')}@cache.internal:6379/0",
    "a driver": lambda password: f"postgresql+psycopg://app:{quote(password, safe='')}@db.internal/app",
    "JDBC": lambda password: f"jdbc:postgresql://db.internal/app?user=app&password={quote(password, safe='')}",
    "AMQP": lambda password: f"amqps://app:{password}@mq.internal/vhost",
    "HTTP": lambda password: f"https://app:{quote(password, safe='')}@api.internal/v1",
}


@pytest.mark.parametrize("form", URLS)
@given(password=passwords())
@settings(max_examples=trials(60, 2000))
def test_a_password_in_a_url_is_found(form: str, password: str) -> None:
    text = URLS[form](password)
    assert scanner.found(text) != ()


def quoted(password: str) -> str:
    return password.replace('"', "q")


KEYWORDS: dict[str, Callable[[str], str]] = {
    "ADO.NET": lambda password: f'Server=db.internal;User Id=app;Password="{quoted(password)}";Encrypt=true',
    "libpq": lambda password: f'host=db.internal user=app password="{quoted(password)}" dbname=app',
    "Kafka": lambda password: f'sasl_password="{quoted(password)}"',
    "JAAS": lambda password: f'required username="app" password="{quoted(password)}";',
    ".env": lambda password: f'DB_HOST=db\nDB_PASSWORD="{quoted(password)}"\n',
    "wrangler": lambda password: f'[vars]\nAPI_TOKEN = "{quoted(password)}"\n',
    "YAML": lambda password: f'db:\n  host: db\n  password: "{quoted(password)}"\n',
    "an option": lambda password: f'psql --password="{quoted(password)}" -h db',
}


@pytest.mark.parametrize("form", KEYWORDS)
@given(password=passwords())
@settings(max_examples=trials(60, 2000))
def test_a_password_among_keywords_is_found(form: str, password: str) -> None:
    assert scanner.found(KEYWORDS[form](password)) != ()


WRAPPED: dict[str, Callable[[str], str]] = {
    "JSON": lambda text: json.dumps({"a": [text]}),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "JSON in JSON": lambda text: json.dumps({"a": json.dumps({"b": text})}),
}


@pytest.mark.parametrize("wrapping", WRAPPED)
@given(form=st.sampled_from(sorted({**URLS, **KEYWORDS})), password=passwords())
@settings(max_examples=trials(60, 2000))
def test_a_wrapped_connection_string_is_found(wrapping: str, form: str, password: str) -> None:
    text = {**URLS, **KEYWORDS}[form](password)
    assert scanner.found(WRAPPED[wrapping](text)) != ()


@given(name=st.sampled_from(["DB_PASSWORD", "apiToken", "PGPASSWORD", "client_secret"]), password=passwords())
@settings(max_examples=trials(200, 4000))
def test_a_password_under_its_name_is_a_secret(name: str, password: str) -> None:
    assert names.is_secret(name, password)


@pytest.mark.parametrize(
    "line",
    [
        "postgres" + "://app:$ecret99xyz@db.internal/app",
        "postgres" + "://app:pa'ssw0rd99@db.internal/app",
        "postgres" + "://app:Kq/8v2xLm@db.internal/app",
        "Server=db.internal;User Id=app;Pass" + "word=hunter2xx;",
        "sasl_pass" + "word=hunter2hunter2",
        "DB_PASS" + "WORD: ${PASSWORD:-hunter2xx}",
    ],
)
def test_a_line_of_a_file_is_searched_alike(line: str) -> None:
    assert repository.in_line(line)
    assert repository.in_line(f"x = '{line}'", is_code=True) or "'" in line or "{" in line


PLACEHOLDERS = (
    "${PASSWORD}", "${{ secrets.PASSWORD }}", "{{ password }}", "{{password}}", "<password>", "<your password>",
    "$PASSWORD", "$DB_PASSWORD", "$db_password", "${DB_PASSWORD:?}", "${PASSWORD:-}", "$(cat /run/secrets/x)",
    "{password}", "{quote(password)}", "{self.password!r}", "%s", "%(password)s", "%PASSWORD%", "***", "xxxx",
    "[secret]", "${DB_PASSWORD:-$OTHER}", "<reference>",
)  # fmt: skip


@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_what_is_filled_in_is_no_password(value: str) -> None:
    for text in (
        f"postgres://app:{value}@db.internal/app",
        f"Server=db;User Id=app;Password={value};",
        f"PASSWORD={value}",
        f'PASSWORD="{value}"',
        f"sasl_password={value}",
    ):
        assert scanner.found(text) == (), text
        assert not scanner.assigned(text), text


# Names and values as public programs have them.
HARMLESS = (
    ("MAX_TOKENS", "4096"), ("TOKENIZER", "cl100k_base"), ("newTokenFlow", "true"), ("tokenBudget", "4000"),
    ("TOKEN_TTL", "15m"), ("TOKEN_LIMIT", "1_000"), ("TOKENS_PER_MINUTE", "60000"), ("STOP_TOKENS", "<|end|>"),
    ("TOKEN_ENDPOINT", "https://id.example.com/oauth/token"), ("TOKEN_URL", "https://id.example.com/token"),
    ("PASSWORD_MIN_LENGTH", "12"), ("PASSWORD_RESET_ENABLED", "true"), ("PASSWORDLESS", "true"),
    ("password_encryption", "scram-sha-256"), ("PASSWORD_HASHER", "argon2id"), ("ENABLE_PASSWORD", "yes"),
    ("SECRET_NAME", "prod/db/main"),
    ("DB_SECRET_ARN", "arn:aws:secretsmanager:ca-central-1:111111111111:secret:db-AbCdEf"),
    ("DB_PASSWORD", "arn:aws:ssm:ca-central-1:111111111111:parameter/db"), ("DB_PASSWORD", "/prod/db/password"),
    ("DB_PASSWORD", "op://vault/db/password"), ("API_KEY_HEADER", "x-api-key"), ("CREDENTIALS", "include"),
    ("ACCESS_CONTROL_ALLOW_CREDENTIALS", "true"), ("SESSION_TOKEN_COOKIE", "__Host-session"), ("COMPASS", "north"),
    ("BYPASS", "10.0.0.0/8"), ("SECRETARY", "ann"), ("TOKEN_ALGORITHM", "RS256"), ("publicApiKey", "pk_live_abc123"),
    ("SENTRY_DSN", f"https://{'9f86' * 8}@o1.ingest.sentry.io/2"), ("DATABASE_URL", "postgres://db.internal/app"),
    ("SECRET_ROTATION", "2026-12-31"), ("SECRET_ROTATION_SCHEDULE", "0 3 * * *"), ("API_KEY_COUNT", "3"),
    ("pageToken", "abc"), ("CSRF_TOKEN_FIELD", "_csrf"), ("PASSWORD_FILE", "/run/secrets/db"), ("token", "none"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "value"), HARMLESS)
def test_a_name_alone_makes_no_secret(name: str, value: str) -> None:
    assert not names.is_secret(name, value)
    assert not scanner.sets(f"{name}={value}")
    assert scanner.found(json.dumps({name: value})) == ()


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com:8443/@scope/package",
        "http://localhost:${PORT}/users/@me",
        "docker://registry.example.com:5000/app@sha256:" + "9f86" * 16,
        "postgres://db.internal:5432/app?user=app&application_name=a@b",
        "mongodb://a.internal:27017,b.internal:27017/app?replicaSet=rs0",
        "https://example.com/list?pageToken=abcdef",
        "ssh://git@github.com:22/owner/name.git",
        "urls = ['http://a.internal:8080', 'ops@example.com']",
        "http://[2001:db8::1]:8080/@x",
        "connect(host=host, user=user, password=password)",
        "token = get_token(user)",
        "the password of host=a is kept in the store",
    ],
)
def test_what_looks_like_a_connection_string_is_none(text: str) -> None:
    assert list(connections.held(text)) == []
    assert not connections.sets_in_code(text)
