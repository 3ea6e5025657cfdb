"""Passwords in connection strings: URLs, keywords and values, and whatever sets a value under a secret's name.

Read as their clients read them. A password may hold any sign, so a placeholder is told by its whole form.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from policies.scan import names

URL = "a connection string with a password"
PARAMETER = "an address with a password among its parameters"
KEYWORD = "a connection string's password"
SET = "a value that is set under a secret's name"
KINDS = (URL, PARAMETER, KEYWORD, SET)

_SCHEME = re.compile(r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,40}://")
_ORACLE = re.compile(r"jdbc:oracle:(?:thin|oci8?):[^/@\s]{1,128}/([^@\s]{1,128})@", re.IGNORECASE)
# A single quote within a word is a part of it.
_END = re.compile(r"[\s\"`]|'(?=[\s,;:)\]}]|$)")
_LONGEST = 1024
_PORTS = re.compile(r"\d{0,5}(?:,[^,:@]+(?::\d{1,5})?)*")
_HOST = re.compile(r"[A-Za-z0-9_][\w.-]*(?::\d{1,5})?(?:[/?#,;'\")>\]].*)?", re.DOTALL)
_CHOSEN = re.compile(r"[0-9!$%^&*+=]")
_FEWEST = 4
_LONGEST_LITERAL = 64
_FEWEST_OF_A_PARAMETER = 6

_ASSIGNMENT = re.compile(
    r"(?<![\w.])(?<!\$\{)(?P<name>[A-Za-z_][\w.-]{0,63})[\"']?\]?\s{0,8}"
    r"(?P<sign>=>|:=|=(?![=~])|:(?=[\s\"']))[ \t]{0,8}"
)
_OPTION = re.compile(r"(?<!\S)--(?P<name>[A-Za-z][\w-]{0,63})[ ](?!-)")
# In small letters: one of them is in every name that means a secret.
_HINTS = ("pass", "pwd", "secret", "token", "credential", "key", "dsn", "connection", "database")
# What stands beside a password in a connection string of keywords.
_BESIDE = re.compile(
    r"(?:^|[;\s\"'])(?:server|data source|host|hostaddr|addr|address|dbname|database|initial catalog|uid|user|user ?id|"
    r"username|driver|endpoint|accountname|port)\s?=\s?"
    # Arguments of a call end with a comma.
    r"[^\s;()]{0,256}?[^\s;,()](?:[;\s\"']|$)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\"((?:[^\"\\]|\\.){0,2000})\"|'((?:[^'\\]|\\.){0,2000})'|`([^`]{0,2000})`")


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """A value that a text gives to something that is called like a secret."""

    name: str
    value: str
    is_quoted: bool
    sign: str


def held(text: str) -> Iterator[str]:
    """Phrases for the passwords in the connection strings of a text."""
    if "://" in text:
        yield from dict.fromkeys(_in_urls(text))
    if ":oracle:" in text and any(not names.is_placeholder(password) for password in _ORACLE.findall(text)):
        yield URL
    if "=" in text and any(map(_has_keywords, text.splitlines())):
        yield KEYWORD


def _has_keywords(line: str) -> bool:
    return _BESIDE.search(line) is not None and any(map(_is_set, assignments(line, signs=("=",))))


def sets(text: str) -> bool:
    """Whether a text gives a value to something that is called like a secret, be it in a command or a file."""
    return any(_is_set(found) and (found.sign != ":" or _is_clear(found)) for found in assignments(text))


def sets_in_code(line: str) -> bool:
    """The same of a line of code, where only what is in quotes is a value."""
    if any(found.is_quoted and _is_literal(found.value) for found in assignments(line)):
        return True
    inner = (next(filter(None, groups), "") for groups in _QUOTED.findall(line) if any("=" in one for one in groups))
    return any(_is_literal(found.value) for text in inner for found in assignments(text, signs=("=",)))


def sets_in_a_file(line: str) -> bool:
    """The same of a line of settings or of words."""
    return any(_is_literal(found.value) for found in assignments(line))


def _is_literal(value: str) -> bool:
    """A word with a small letter, and a digit or a sign that joins no names."""
    return (
        _FEWEST_OF_A_PARAMETER <= len(value) <= _LONGEST_LITERAL
        and re.search(r"[a-z]", value) is not None
        and _CHOSEN.search(value) is not None
        and re.search(r"[\s()]", value) is None
    )


def assignments(text: str, *, signs: tuple[str, ...] = ("=", ":", "=>", ":=", "--")) -> Iterator[Assignment]:
    """What a text sets under a secret's name, where that may be one."""
    small = text.lower()
    if not any(hint in small for hint in _HINTS):
        return
    found = [(match, match["sign"]) for match in _ASSIGNMENT.finditer(text)]
    if "--" in text and "--" in signs:
        found += [(match, "--") for match in _OPTION.finditer(text)]
    for match, sign in found:
        if sign in signs:
            value, is_quoted = _value(text, match.end())
            if names.is_secret(match["name"], value):
                yield Assignment(name=match["name"], value=value, is_quoted=is_quoted, sign=sign)


def _is_set(found: Assignment) -> bool:
    return len(found.value) >= _FEWEST


def _is_clear(found: Assignment) -> bool:
    """In prose a colon follows many a word."""
    return found.is_quoted or names.is_chosen(found.value)


def _value(text: str, start: int) -> tuple[str, bool]:
    """The value that begins here, and whether it is in quotes."""
    quote = text[start : start + 1]
    if quote and quote in "\"'":
        end = text.find(quote, start + 1, start + _LONGEST)
        if end > 0 and not text[end + 1 : end + 2].isalnum():
            return text[start + 1 : end], True
    filled = names.PLACEHOLDER.match(text, start, start + _LONGEST)
    if filled and (filled.end() == len(text) or text[filled.end()] in " \t\r\n\"'`;,&)/:@-_."):
        return filled[0], False
    word = re.match(r"[^\s;]+", text[start : start + _LONGEST])
    return (word[0].rstrip("\"',`)") if word else ""), False


def _in_urls(text: str) -> Iterator[str]:
    for match in _SCHEME.finditer(text):
        rest = text[match.end() : match.end() + _LONGEST]
        # What is nothing but an address goes on to its end.
        end = None if match.start() == 0 and not re.search(r"\s", text) else _END.search(rest)
        address = rest[: end.start()] if end else rest
        yield from _in_url(match[0].lower(), address)


def _in_url(scheme: str, address: str) -> Iterator[str]:
    authority = re.split(r"[/?#\\]", address, maxsplit=1)[0]
    if "@" in authority:
        user, _, host = authority.rpartition("@")
        password = user.partition(":")[2]
        if password and not host.startswith("*") and not names.is_placeholder(password):
            yield URL
    elif _has_raw_password(scheme, authority, address):
        yield URL
    for pair in re.split(r"[?&#;]", address)[1:]:
        name, _, value = pair.partition("=")
        if len(value) >= _FEWEST_OF_A_PARAMETER and names.is_secret(name, value):
            yield PARAMETER


def _has_raw_password(scheme: str, authority: str, address: str) -> bool:
    """Whether a password holds a sign that ends the authority, and stands there as it is."""
    user, colon, tail = authority.partition(":")
    if not colon or user.startswith("[") or _PORTS.fullmatch(tail) or names.is_placeholder(tail):
        return False
    password, _, host = address[len(user) + 1 :].rpartition("@")
    if not password or _HOST.fullmatch(host) is None or names.is_placeholder(password):
        return False
    # `http://host:port/@scope`
    return not scheme.startswith(("http", "ws")) or _CHOSEN.search(password) is not None
