"""Secrets in a text, however it is wrapped, and the text without them. Only the kind of a secret is ever told."""

import functools
import re
from collections.abc import Iterator, Sequence

from policies.scan import connections, patterns, randomness, wrapping
from policies.scan.names import is_secret, is_secret_name

# The end of a text that may go on in another: a prefix of an issuer, a key's header, a scheme with a user.
CUT = re.compile(
    r"(?:AKIA|ASIA|gh[pousr]_|github_pat_|glpat-|cf(?:k|ut|at)_|vc[piakr]_|pul-|sntry[sua]_|sk-|[rs]k_|xox[abprs]-|hvs\.|"
    r"npm_|pypi-|AIza|SG\.|eyJ)[A-Za-z0-9_./=+-]*$|-----BEGIN[A-Z0-9 ]*$|"
    r"\b(?:postgres(?:ql)?|mysql|mongodb(?:\+srv)?|rediss?|amqps?)://[^\s/@]*$"
)
CUT_CHARACTERS = 200
__all__ = ["is_secret", "is_secret_name"]
MASK = "[secret]"
# What a message, a path or a URN is put together from.
WORD = re.compile(r"[^\s\"'`,;()\[\]{}<>|]{8,}")
PART = re.compile(r"[^./:$=@&?]{8,}")
# The gate's own: of a line of the repository, and short forms of commits.
FINGERPRINT = re.compile(r"[0-9a-f]{1,16}")
# Pieces that are too short, or too much like words, to be judged alone.
PIECE = re.compile(r"[A-Za-z0-9+/_=!@#$%^&*-]{6,64}")


def found(text: str, name: str = "") -> Sequence[str]:
    """Phrases for the kinds of secret in the text of a value that is called `name`."""
    return _found(text, name)


@functools.lru_cache(maxsize=100_000)
def _found(text: str, name: str) -> tuple[str, ...]:
    if len(text) < patterns.SHORTEST:
        return ()
    kinds: dict[str, None] = {}
    for layer in wrapping.layers(text, name):
        kinds.update(dict.fromkeys(patterns.found(layer.text)))
        kinds.update(dict.fromkeys(randomness.held(layer.rest, layer.name)))
    return tuple(kinds) or ((connections.SET,) if sets(text) else ())


def advice(what: str) -> str:
    """What to do about a kind of secret. Random text alone may be public, and nobody renews an ID."""
    if what == randomness.RANDOM:
        return "If it is public, such as an ID or a hash, a name that says so lets it pass."
    return "It has been seen: renew it."


def assigned(text: str) -> bool:
    """Whether the text, or one inside it, gives a value to something that is called like a secret."""
    return any(
        any(connections.assignments(layer.text)) or is_secret(layer.name, layer.text) for layer in wrapping.layers(text)
    )


@functools.lru_cache(maxsize=100_000)
def sets(text: str) -> bool:
    """Whether a command or an option in the text gives a value to something that is called like a secret."""
    return any(connections.sets(layer.rest) for layer in wrapping.layers(text))


def split(texts: Sequence[tuple[str, str]]) -> Iterator[tuple[int, int]]:
    """Indexes of each two texts that hold a secret together and none alone; each text with its name."""
    cut = [index for index, (name, text) in enumerate(texts) if _is_cut(text, name)]
    for first in cut:
        end = texts[first][1][-CUT_CHARACTERS:]
        for second, (name, other) in enumerate(texts):
            whole = patterns.found(end + other[:CUT_CHARACTERS]) if second != first else ()
            if any(whole) and not found(other, name):
                yield first, second
    pieces = [index for index, (name, text) in enumerate(texts) if _is_piece(text, name)]
    for position, first in enumerate(pieces):
        for second in pieces[position + 1 :]:
            if randomness.is_random(texts[first][1] + texts[second][1]):
                yield first, second


@functools.lru_cache(maxsize=100_000)
def _is_cut(text: str, name: str) -> bool:
    return CUT.search(text[-CUT_CHARACTERS:]) is not None and not found(text, name)


@functools.lru_cache(maxsize=100_000)
def _is_piece(text: str, name: str) -> bool:
    """Whether it may be half of a secret: not a word, name, number or version, nor a secret alone."""
    if not PIECE.fullmatch(text) or randomness.PUBLIC_NAME.search(name) or found(text, name):
        return False
    if randomness.is_commit(text, name) or not randomness.PUBLIC.sub("", text):
        return False
    return randomness.likeness(text) < 0.25 and len({randomness.kind(letter) for letter in text} - {"#"}) > 1


def masked(text: str) -> str:
    """The text with MASK in place of each word, or part of one, that a search takes for a secret."""
    return WORD.sub(_masked_word, text)


def _masked_word(match: re.Match[str]) -> str:
    word = match[0]
    if FINGERPRINT.fullmatch(word) or not found(word):
        return word
    parts = PART.sub(lambda part: MASK if found(part[0]) else part[0], word)
    # What is a secret only as a whole, such as an address with a password.
    return MASK if found(parts) or parts == word else parts
