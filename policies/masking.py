"""Words without the secrets in them: names, keys and URNs are somebody's writing, and a message says them."""

import re

from policies import scanner

MASK = "[secret]"
# What a message, a path or a URN is put together from.
WORD = re.compile(r"[^\s\"'`,;()\[\]{}<>|]{8,}")
PART = re.compile(r"[^./:$=@&?]{8,}")


# The gate's own: of a line of the repository, and short forms of commits.
FINGERPRINT = re.compile(r"[0-9a-f]{1,16}")


def masked(text: str) -> str:
    """The text with MASK in place of each word, or part of one, that a search takes for a secret."""
    return WORD.sub(_masked_word, text)


def _masked_word(match: re.Match[str]) -> str:
    word = match[0]
    if FINGERPRINT.fullmatch(word) or not scanner.found(word):
        return word
    parts = PART.sub(lambda part: MASK if scanner.found(part[0]) else part[0], word)
    # What is a secret only as a whole, such as an address with a password.
    return MASK if scanner.found(parts) or parts == word else parts
