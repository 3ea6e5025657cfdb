"""Secrets are found however they are wrapped, and never said."""

import base64
import gzip
import json
import random
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.scan import connections, patterns, scanner, wrapping
from tests.policies.growth import growth, seconds
from tests.policies.scan.samples import PUBLIC, secrets, text
from tests.run.soak import trials

KINDS = tuple(secrets(random.Random(0)))
seeds = st.integers(min_value=0, max_value=2**32)
kinds = st.sampled_from(KINDS)
prose = st.text(alphabet="abcdefghijklmno pqrstuvwxyz\n", max_size=40)


def in_base64(inner: str) -> str:
    return base64.b64encode(inner.encode()).decode()


WRAPPINGS: dict[str, Callable[[str], str]] = {
    "JSON": lambda inner: json.dumps({"a": [{"b": inner}]}),
    "JSON in JSON": lambda inner: json.dumps({"a": json.dumps([inner])}),
    "a key of JSON": lambda inner: json.dumps({inner: 1}),
    "base64": in_base64,
    "base64 for addresses": lambda inner: base64.urlsafe_b64encode(inner.encode()).decode().rstrip("="),
    "base64 in lines": lambda inner: base64.encodebytes((inner + " " * 80).encode()).decode(),
    "base64 of base64": lambda inner: in_base64(in_base64(inner)),
    "gzip": lambda inner: base64.b64encode(gzip.compress(inner.encode(), mtime=0)).decode(),
    "hex": lambda inner: inner.encode().hex(),
    "percent": lambda inner: quote(inner, safe=""),
    "script": lambda inner: f"#!/bin/sh\necho '{inner}' > /etc/x\n",
    "invisible letters": lambda inner: "\N{ZERO WIDTH SPACE}".join(inner),
    "wide letters": lambda inner: "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in inner),
}


@given(kind=kinds, seed=seeds, before=prose, after=prose)
@settings(max_examples=trials(300, 6000))
def test_a_secret_is_found_among_words(kind: str, seed: int, before: str, after: str) -> None:
    secret = secrets(random.Random(seed))[kind]
    assert scanner.found(f"{before} {secret} {after}") != ()


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_is_called_by_its_kind(kind: str) -> None:
    assert kind in scanner.found(secrets(random.Random(kind))[kind])


@pytest.mark.parametrize("wrapping_name", WRAPPINGS)
@given(kind=kinds, seed=seeds)
@settings(max_examples=trials(60, 1000))
def test_a_wrapped_secret_is_found(wrapping_name: str, kind: str, seed: int) -> None:
    assert scanner.found(WRAPPINGS[wrapping_name](secrets(random.Random(seed))[kind])) != ()


@given(kind=kinds, seed=seeds)
@settings(max_examples=trials(200, 4000))
def test_what_is_found_is_said_in_fixed_words(kind: str, seed: int) -> None:
    said = {*patterns.PATTERNS, *connections.KINDS, *(what for what, _ in patterns.PLUGINS.values()), KINDS[-1]}
    assert set(scanner.found(secrets(random.Random(seed))[kind])) <= said


@pytest.mark.parametrize("kind", PUBLIC)
@pytest.mark.parametrize("wrapping_name", ["JSON", "base64", "script"])
def test_what_is_public_is_no_secret(kind: str, wrapping_name: str) -> None:
    assert scanner.found(PUBLIC[kind]) == ()
    assert scanner.found(WRAPPINGS[wrapping_name](PUBLIC[kind])) == ()


@given(st.text(max_size=200))
@settings(max_examples=trials(300, 6000))
def test_any_text_can_be_searched(anything: str) -> None:
    scanner.found(anything)
    scanner.assigned(anything)
    scanner.sets(anything)


@given(st.binary(max_size=300))
@settings(max_examples=trials(200, 4000))
def test_any_bytes_can_be_opened(data: bytes) -> None:
    for encoded in (base64.b64encode(data), base64.b64encode(b"\x1f\x8b" + data)):
        assert list(wrapping.layers(encoded.decode()))


def test_a_bomb_is_opened_in_part() -> None:
    bomb = base64.b64encode(gzip.compress(b"a" * 50_000_000)).decode()
    assert max(len(layer.text) for layer in wrapping.layers(bomb)) == wrapping.LARGEST_BYTES


def test_a_deep_document_is_searched_without_an_end_of_the_stack() -> None:
    assert scanner.found("[" * 100_000 + "]" * 100_000) == ()


# Kinds that are told by a beginning; others by the whole.
SPLIT = (
    "an AWS access key",
    "a GitHub token",
    "a Cloudflare token",
    "a Stripe key",
    "random text, as keys and passwords are",
)


@given(kind=st.sampled_from(SPLIT), seed=seeds, share=st.floats(min_value=0.45, max_value=0.55))
def test_a_secret_in_two_values_is_found(kind: str, seed: int, share: float) -> None:
    secret = secrets(random.Random(seed))[kind]
    cut = round(len(secret) * share)
    values = [("owner", "platform"), ("a", secret[:cut]), ("b", secret[cut:]), ("stage", "prod-1")]
    alone = any(scanner.found(value) for _, value in values)
    assert alone or (1, 2) in scanner.split(values)


@pytest.mark.parametrize(
    "values",
    [
        ["ca-central-1", "ca-west-1", "small_3_0", "debian_12", "03:00", "10.0.0.0/8"],
        ["https://shop.example.com", "ops@example.com", "https://api.example.com:8443"],
        ["hybrid-dev-api", "hybrid-dev-web", "2026-07-01", "nodejs_compat", "100::"],
        ["AKIA", "is how a key begins"],
    ],
)
def test_values_that_stand_side_by_side_are_no_secret(values: list[str]) -> None:
    assert list(scanner.split([("", value) for value in values])) == []


@pytest.mark.parametrize(
    "line",
    [
        "export PGPASSWORD=hunter2",
        "password: hunter2",
        'api_key = "hunter2"',
        '{"db": {"password": "hunter2"}}',
        in_base64("DB_PASSWORD=hunter2 # in base64"),
        "PASS\N{ZERO WIDTH SPACE}WORD=hunter2",
        "P\N{CYRILLIC CAPITAL LETTER A}SSWORD=hunter2",
    ],
)
def test_an_assigned_secret_is_found(line: str) -> None:
    assert scanner.assigned(line)


@pytest.mark.parametrize(
    "line", ["PASSWORD=$PASSWORD", "PASSWORD=${1}", "token: null", "PASSWORD={{ password }}", "passwords"]
)
def test_what_is_filled_in_is_no_secret(line: str) -> None:
    assert not scanner.assigned(line)
    assert not scanner.sets(line)


@pytest.mark.parametrize(
    "name", ["DB_PASSWORD", "dbPassword", "API-KEY", "jwtSigningKey", "PASS_PHRASE", "DATABASE_URL", "pwd"]
)
def test_a_name_gives_a_secret_away(name: str) -> None:
    assert scanner.is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["passwordLength", "SECRET_ARN", "tokenTtl", "compass", "key", "TOKEN_NAME", "publicKey"]
)
def test_a_name_about_a_secret_is_none(name: str) -> None:
    assert not scanner.is_secret_name(name)


def test_random_words_are_searched_nearly_as_fast_as_others() -> None:
    source = random.Random(1)
    words = [" ".join(text(source, 6) for _ in range(8)) for _ in range(2_000)]
    prose = [f"{number} the quick brown fox jumps over the lazy dog" for number in range(2_000)]
    # Four times; a pattern that goes back and back makes it thousands.
    assert seconds(lambda: [*map(scanner.found, words)]) < 40 * seconds(lambda: [*map(scanner.found, prose)])


SLOW = ("://a:", "://?token=a&", "user=a ", "secret", "eyJ", "-----BEGIN CERTIFICATE-----", "password = ", "a.")


@pytest.mark.parametrize("piece", SLOW)
def test_time_does_not_grow_with_the_square_of_a_text(piece: str) -> None:
    def searched(length: int) -> None:
        text = piece * (length // len(piece))
        scanner.found(text, "x")
        scanner.assigned(text)
        scanner.sets(text)

    assert growth(searched, 12_500, 100_000) < 24


def test_a_secret_at_the_edge_of_what_is_searched_at_once_is_found() -> None:
    token = "ghp_" + "kR7vQ2xLw9ZpT4mNc8Hd3JfYs6BgUa5E" + "1234"
    for before in range(patterns.WINDOW - 60, patterns.WINDOW + 60, 7):
        assert "a GitHub token" in patterns.found(" " * before + token + " " * 20_000)
