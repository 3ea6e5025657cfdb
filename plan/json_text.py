"""JSON as this project takes it: no key twice, only numbers and texts that every program can hold, an end to nesting.

By hand: Python's parser lets the last of two keys win, and takes NaN, halves of characters and numbers without limit,
which neither the packs' protocol nor UTF-8 can represent. A fault names the resource that it is in, and no value.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plan.model import PlanError

# Twice as deep as a provider's deepest type, and half of what Python's own recursion and pydantic's parser bear.
DEEPEST = 100
LONGEST_NAME = 120


class _Twice(dict[str, Any]):
    """An object with a duplicate key."""

    key: str


def read(path: Path, allowed: str) -> tuple[str, Any]:
    """The text and what it says, in whatever UTF it is written. Raises PlanError, also where it is no JSON at all."""
    try:
        data = path.read_bytes()
        text = data.decode(json.detect_encoding(data))
        found = json.loads(text, object_pairs_hook=_object)
    except OSError as error:
        fault = f"can't be read: {error.strerror}"
    except UnicodeDecodeError:
        fault = "is not JSON: it is not text in UTF-8"
    except json.JSONDecodeError as error:
        what = "ends too early" if error.pos >= len(text.rstrip()) else "can't be read"
        fault = f"is not JSON: it {what} in line {error.lineno}, column {error.colno}"
    except RecursionError:
        fault = f"is nested deeper than {DEEPEST} levels"
    except ValueError:
        # Python's limit, against numbers that take minutes to read.
        fault = "has a number of thousands of digits"
    else:
        for damage in _damage(found):
            raise PlanError(f"{path}: is damaged: {damage}; make it again")
        return text, found
    raise PlanError(f"{path}: {fault}; allowed: {allowed}")


def shown(text: str) -> str:
    """A name from a file, which may hold anything, as part of a line."""
    line = "".join(letter if letter.isprintable() else "\ufffd" for letter in text[: LONGEST_NAME + 1])
    return line if len(line) <= LONGEST_NAME else line[:LONGEST_NAME] + "…"


def resource_name(value: Any) -> str:
    """`kv (cloudflare:index/workersKvNamespace:WorkersKvNamespace)` of an object with a URN; else empty."""
    urn = value.get("urn") if isinstance(value, dict) else None
    if not isinstance(urn, str):
        return ""
    types, _, name = urn.rpartition("::")
    return f"{shown(name)} ({shown(types.rpartition('::')[2].rpartition('$')[2])})"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    twice = _Twice(found)
    twice.key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return twice


def _damage(document: Any) -> Iterator[str]:
    todo: list[tuple[Any, int, str]] = [(document, 1, "")]
    while todo:
        value, depth, about = todo.pop()
        about = resource_name(value) or about
        fault = _fault(value, depth)
        if fault:
            yield f"{about or 'the file'} {fault}"
        if isinstance(value, dict):
            todo += [(key, depth, about) for key in value if not key.isascii()]
            todo += [(item, depth + 1, about) for item in value.values()]
        elif isinstance(value, list):
            todo += [(item, depth + 1, about) for item in value]


def _fault(value: Any, depth: int) -> str:
    match value:
        case _Twice():
            return f"has the key {shown(value.key)} twice"
        case dict() | list():
            return f"is nested deeper than {DEEPEST} levels" if depth > DEEPEST else ""
        case float() if not math.isfinite(value):
            return "has a number that JSON does not have, such as NaN, or one beyond 10^308"
        case int() if abs(value) >= 1 << 1024:
            return "has a number beyond 10^308"
        case str() if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            return "has a text with half of a character in it (a lone surrogate)"
        case _:
            return ""
