"""Texts of a resource's properties, plain and encoded, in one spelling."""

import json
import re
import unicodedata
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from policies.rules.reading import texts
from policies.scan.wrapping import BASE64, HEX, from_base64

# JSON text in JSON text in base64: deeper than this nobody writes by accident.
DEPTH = 5
# Beyond it stands code: user data has 16 KB at most (AWS, Lightsail), a Worker's variable 5 KB (Cloudflare, limits).
MOST_ENCODED = 64 * 1024
MOST_UNPACKED = 1024 * 1024
MOST_KEPT = 16 * 1024
# A service's principal without a region; one with a region is read as any text.
_SERVICE = re.compile(r"(?:[a-z0-9-]+\.){1,3}amazonaws\.com")
_REGION = re.compile(r"-[0-9]\b")
# Conditions and properties that name a service by its principal.
_NAMES_SERVICE = frozenset(
    ("iam:PassedToService", "iam:AWSServiceName", "aws:PrincipalServiceName", "awsServiceName", "servicePrincipal")
)
_STEP = re.compile(r"[^.\[\]]+")
_HYPHENS = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d\u02d7"), "-")
# Letters of other alphabets that look Latin (Unicode, confusables), as far as regions and hosts need them.
_LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0455\u0501\u04bb\u0458\u03bf\u03b1\u03c1\u0442\u043c\u043d\u043a",
    "aeopcyxisdhjoaptmhk",
)
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))


def written(value: Any) -> Iterator[tuple[str, str]]:
    """Path and text of each known string, in lower case; what is encoded in it follows with the same path.

    Encoded is JSON, and base64, hex and percent signs, also in the middle of a text.
    """
    for path, text in texts(value):
        if ".amazonaws.com" in text:
            *_, outer, key = ("", "", *(step for step in _STEP.findall(path) if not step.isdigit()))
            if _is_principal(text, outer, key):
                continue
        for inner in _short(text) if len(text) <= MOST_KEPT else _plain(text):
            yield path, inner


def _is_principal(text: str, outer: str, key: str) -> bool:
    """Whether it is a service's name in a policy, which looks like a host: nothing is sent there."""
    is_named = key in _NAMES_SERVICE or (key == "Service" and outer in ("Principal", "NotPrincipal"))
    return is_named and _SERVICE.fullmatch(text) is not None and not _REGION.search(text)


def _plain(text: str) -> tuple[str, ...]:
    return tuple(plain(inner) for inner in _inside(text, DEPTH))


# Several rules read the same resources, and resources repeat each other's texts.
_short = lru_cache(maxsize=4096)(_plain)


def plain(text: str) -> str:
    """The text in lower case, without look-alike letters and hyphens."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", text.translate(_HYPHENS)).lower()
    return folded.translate(_LOOKALIKES).translate(_INVISIBLE)


def _inside(text: str, depth: int) -> Iterator[str]:
    document = _document(text) if depth else None
    # Of a document each text is read by itself.
    if not isinstance(document, dict | list):
        yield text
    if depth == 0:
        return
    if document is not None:
        for inner in _strings(document):
            yield from _inside(inner, depth - 1)
        return
    if len(text) > MOST_ENCODED:
        return
    if "%" in text and (found := unquote(text)) != text:
        yield from _inside(found, depth - 1)
    for match in (*BASE64.finditer(text), *HEX.finditer(text)):
        decoded = _decoded(match[0])
        if decoded is not None:
            yield from _inside(decoded, depth - 1)


def _document(text: str) -> Any:
    if text.lstrip()[:1] not in ("{", "[", '"'):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _strings(value: Any, outer: str = "", name: str = "") -> Iterator[str]:
    if isinstance(value, str):
        if not _is_principal(value, outer, name):
            yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item, name, key)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, outer, name)


def _decoded(text: str) -> str | None:
    """What base64 or hex holds, unpacked if it is gzip; None where that is not text."""
    data = bytes.fromhex(text) if HEX.fullmatch(text) else from_base64(text)
    if data is None:
        return None
    try:
        if data[:2] == b"\x1f\x8b":
            data = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, MOST_UNPACKED)
        return data.decode()
    except (UnicodeDecodeError, zlib.error):
        return None
