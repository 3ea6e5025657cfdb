"""Generated text is told from words."""

import random
import string

import pytest

from components.edge.failover import PERMISSION_GROUPS
from plan.project import ROOT
from policies.scan import randomness, scanner
from tests.commands import ran
from tests.policies.scan.samples import BASE62, HEX, PUBLIC, text

LETTERS_AND_DIGITS = string.ascii_lowercase + string.digits
SYMBOLS = BASE62 + "!@#$%&*()-_=+[]{}<>:?"
# Alphabet, length and the most that may be missed of 2,000.
GENERATED = {
    "a key of 40": (BASE62, 40, 3),
    "a password of 32": (BASE62, 32, 3),
    "a password of 24": (BASE62, 24, 6),
    "a password of 20": (BASE62, 20, 12),
    "a password of 32 with symbols": (SYMBOLS, 32, 6),
    "a token of 43 for addresses": (BASE62 + "-_", 43, 3),
    "small letters and digits": (LETTERS_AND_DIGITS, 32, 3),
    "base 32": (string.ascii_uppercase + "234567", 32, 12),
    "letters only": (string.ascii_letters, 40, 20),
    "hexadecimal": ("0123456789abcdef", 32, 0),
}


@pytest.mark.parametrize("kind", GENERATED)
def test_generated_text_is_found(kind: str) -> None:
    alphabet, length, most = GENERATED[kind]
    source = random.Random(kind)
    missed = sum(not randomness.is_random(text(source, length, alphabet)) for _ in range(2_000))
    assert missed <= most


@pytest.mark.parametrize("kind", PUBLIC)
def test_public_text_is_no_secret(kind: str) -> None:
    assert list(randomness.held(PUBLIC[kind])) == []


@pytest.mark.parametrize(
    "name", ["zoneId", "accountId", "etag", "SHA256", "thumbprintLists", "source_hash", "CF_ZONE_ID"]
)
def test_an_identifier_under_its_name_is_no_secret(name: str) -> None:
    value = text(random.Random(name), 32, "0123456789abcdef")
    assert list(randomness.held(value, name)) == []
    assert list(randomness.held(value, "value")) != []


COMMITS = ("workers_tag", "BUILD", "BUILD_ID", "GIT_COMMIT", "gitCommit", "version", "appVersion", "RELEASE_SHA")
# Some of them about a commit, too.
NO_COMMITS = ("SIGNING", "value", "REBUILD", "BUILD_KEY", "VERSION_TOKEN", "TOKEN_VERSION", "SECRET_RELEASE", "tag")


def test_a_commit_is_no_secret_where_it_is_called_one() -> None:
    commit = text(random.Random("commit"), 40, HEX)
    assert [name for name in COMMITS if any(randomness.held(commit, name))] == []
    assert [name for name in NO_COMMITS if not any(randomness.held(commit, name))] == []
    # A name makes nothing else public.
    others = (commit[:32], commit + commit[:24], f"x{commit}", text(random.Random("key"), 40))
    assert [len(other) for other in others if not any(randomness.held(other, "workers_tag"))] == []


def test_a_commit_is_no_half_of_a_secret() -> None:
    source = random.Random("halves")
    commit, half = text(source, 40, HEX), text(source, 12)
    assert list(scanner.split([("workers_tag", commit), ("x", half)])) == []


def test_the_words_of_this_repository_are_no_secrets() -> None:
    listed = ran(["git", "-C", str(ROOT), "ls-files", "components/*.py", "docs/*.md", "database/*.sql"], check=True)
    words = {
        word for path in map(ROOT.joinpath, listed.stdout.split()) if path.exists() for word in path.read_text().split()
    }
    assert len(words) > 5_000
    odd = {word.strip('",') for word in words if any(randomness.held_in_code(word))}
    # Random, and Cloudflare's names for rights: policies/known_lines.yaml lets their lines pass.
    assert odd == set(PERMISSION_GROUPS.values())


def test_a_long_text_is_judged_by_its_beginning() -> None:
    assert not randomness.is_random("a" * 1_000_000)
