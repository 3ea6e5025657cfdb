"""What a secret looks like, and how people call one."""

import re
from collections.abc import Iterator

# Each by the issuer's published format.
PATTERNS: dict[str, re.Pattern[str]] = {
    "an AWS access key": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a GitHub token": re.compile(r"\b(ghp|gho|ghs|ghr|github_pat)_[A-Za-z0-9_]{20,}\b"),
    "a connection string with a password": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s:/@]+:[^\s/@]+@"),
}
SECRET_NAME = re.compile(r"(pass(word|wd|phrase)?|secret|token|credential|private_?key|api_?key)", re.IGNORECASE)


def found(text: str) -> Iterator[str]:
    """What the text holds, in words."""
    return (what for what, pattern in PATTERNS.items() if pattern.search(text))
