"""What is encoded in a text: JSON, base64, gzip, hex and percent encodings, one in another."""

import base64
import gzip
import io
import json
import re
import unicodedata
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

DEPTH = 4
# As much of a compressed file as is read: its rest would be a bomb, or no writing of a program.
LARGEST_BYTES = 8 * 1024 * 1024
# As long as a token that somebody issues may be.
LONGEST_TOKEN = 10_000
# 64 and 76 columns are how tools break base64 into lines.
BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{60,76}\r?\n)+[A-Za-z0-9+/]{2,76}={0,2}|[A-Za-z0-9+/_-]{16,}={0,2}")
HEX = re.compile(r"(?:[0-9a-f]{2}){16,}|(?:[0-9A-F]{2}){16,}")
# Cyrillic and Greek capitals and small letters that are drawn like Latin ones (Unicode, confusables).
LOOK_ALIKES = str.maketrans("АВЕЅІЈКМНОРСТУХаеѕіјорсухԁΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABESIJKMHOPCTYXaesijopcyxdABEZHIKMNOPTYXo")


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A text, and the rest of it without what could be decoded."""

    name: str
    """What the value is called where it stands, or empty."""
    text: str
    rest: str


def layers(text: str, name: str = "", depth: int = DEPTH) -> Iterator[Layer]:
    """The text itself and every text inside it."""
    plain = normalized(text)
    document = _document(plain)
    inner = [(name, found) for found in _percent(plain)]
    rest = plain
    if document is not None:
        inner += named(document, name)
        rest = ""
    elif "\0" in plain:
        # An archive of the repository's own files, which are searched by themselves: there names are told from values.
        rest = ""
    else:
        for match in (*BASE64.finditer(plain), *HEX.finditer(plain)):
            opened = _opened(match[0])
            if opened is not None:
                inner.append((name, opened))
                rest = rest.replace(match[0], " ")
    # A file that opens as a whole is worth one search, of what is in it.
    is_file = len(plain) > LONGEST_TOKEN and inner and not rest.strip() and document is None
    yield Layer(name=name, text="" if is_file else plain, rest=rest)
    for inner_name, found in inner if depth else ():
        yield from layers(found, inner_name, depth - 1)


def named(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Each text of a document and what it is called; a key is a text too."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        called = called_by_neighbour(value)
        for key, item in value.items():
            yield "", str(key)
            yield from named(item, called if called and key in ("value", "text") else str(key))
    elif isinstance(value, list):
        for item in value:
            yield from named(item, name)


def called_by_neighbour(value: Mapping[str, Any]) -> str:
    """The name that an entry `{"name": …, "value": …}` gives its value, or empty."""
    if not ("value" in value or "text" in value):
        return ""
    names = (value[key] for key in ("name", "key") if key in value)
    return next((name for name in names if isinstance(name, str)), "")


def normalized(text: str) -> str:
    """The text as people read it: wide letters and look-alikes as plain ones, without zero-width characters."""
    if text.isascii():
        return text
    wide = unicodedata.normalize("NFKC", text).translate(LOOK_ALIKES)
    unseen = [character for character in set(wide) if unicodedata.category(character) == "Cf"]
    return wide.translate(dict.fromkeys(map(ord, unseen))) if unseen else wide


def from_base64(text: str) -> bytes | None:
    """Bytes of base64 in either alphabet, with or without line breaks and padding; None where it is not base64."""
    letters = re.sub(r"\s", "", text).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except ValueError:
        return None


def _document(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _percent(text: str) -> Iterator[str]:
    if "%" in text and (found := unquote(text)) != text:
        yield found


def _opened(token: str) -> str | None:
    """The text in base64, hex or gzip, or None when there is none."""
    data = bytes.fromhex(token) if HEX.fullmatch(token) else from_base64(token)
    return None if data is None else _text(data)


def _text(data: bytes) -> str | None:
    if data.startswith(b"\x1f\x8b"):
        return _unzipped(data)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return text if all(character.isprintable() or character in "\r\n\t" for character in text) else None


def _unzipped(data: bytes) -> str | None:
    """An archive's files come out in one piece, which is all that a search needs."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            return file.read(LARGEST_BYTES).decode(errors="replace")
    except (OSError, EOFError, zlib.error):
        return None
