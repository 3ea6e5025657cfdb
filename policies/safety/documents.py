"""Policy documents of AWS, taken apart: statements with their actions, resources and principals as lists."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from pulumi_policy.proxy import UnknownValueError

# Stands for a part that is not known yet: the gate writes it into the texts that a program makes of references
# (plan/model.py), and `statements` into documents that are no text.
TO_COME = "<reference>"
# Only these say that something is one of these values; IfExists and ForAllValues hold where there is none at all (AWS,
# IAM JSON policy elements: Condition operators).
_NARROWING = ("stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike")
_FEWEST_LETTERS = 4
_WILD = re.compile(r"[*?]")
_WILDS = re.compile(r"[*?]+")
# All that there are (AWS, Grammar of the IAM JSON policy language). What AWS makes of `action` nobody has tried.
_OF_DOCUMENTS = frozenset(("Version", "Id", "Statement"))
_OF_STATEMENTS = frozenset(
    ("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition")
)


class DocumentError(ValueError):
    """A document that can't be read, so it can't be judged."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement; actions in lower case, because AWS compares them so."""

    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    """Resources with one star for every run of stars and question marks: `?*` is everything, too."""
    principals: tuple[tuple[str, str], ...]
    """Kind and name: `("AWS", "*")`; a bare star is every kind's."""
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Operator and key in lower case, and the values."""
    negations: tuple[str, ...]
    """NotAction, NotResource and NotPrincipal, where it has them."""

    def can(self, action: str) -> bool:
        """Whether one of its actions is this one, or a pattern that takes it in."""
        return any(fnmatchcase(action.lower(), pattern) for pattern in self.actions)

    def condition(self, key: str) -> list[tuple[str, tuple[str, ...]]]:
        """Operator and values of every condition on the key."""
        return [(operator, values) for operator, name, values in self.conditions if name == key.lower()]

    def is_narrowed(self, key: str = "") -> bool:
        """Whether a condition, on this key or on any, leaves less than there would be without it."""
        return any(
            operator.removeprefix("foranyvalue:") in _NARROWING and bool(values) and all(map(_says_which, values))
            for operator, name, values in self.conditions
            if key.lower() in ("", name)
        )


def statements(document: Any) -> Iterator[Statement]:
    """Statements of a document, as text or already parsed.

    Raises DocumentError, and UnknownValueError once all that is known has been handed out.
    """
    parsed = _parsed(document)
    found, unknown = parsed["Statement"], list[UnknownValueError]()
    for statement in [found] if isinstance(found, Mapping) else _each(found, unknown):
        if statement == TO_COME:
            continue
        if not isinstance(statement, Mapping):
            raise DocumentError("a statement is not an object")
        if not _OF_STATEMENTS.issuperset(statement):
            raise DocumentError("a statement has an element that IAM does not have, or spells otherwise")
        yield _statement(statement, unknown)
    if unknown:
        raise unknown[0]


def _parsed(document: Any) -> Mapping[str, Any]:
    try:
        parsed = json.loads(document) if isinstance(document, str) else document
    except ValueError:
        raise DocumentError("it is not JSON") from None
    if not isinstance(parsed, Mapping) or not isinstance(parsed.get("Statement"), Mapping | Sequence):
        raise DocumentError("it has no statements")
    if not _OF_DOCUMENTS.issuperset(parsed):
        raise DocumentError("it has an element that IAM does not have, or spells otherwise")
    return parsed


def _statement(given: Mapping[str, Any], unknown: list[UnknownValueError]) -> Statement:
    return Statement(
        # Anything but a plain Deny is judged as if it allowed.
        allows=_at(given, "Effect", unknown) != "Deny",
        actions=tuple(action.lower() for action in _texts(_at(given, "Action", unknown), unknown)),
        resources=tuple(_WILDS.sub("*", one) for one in _texts(_at(given, "Resource", unknown), unknown)),
        principals=tuple(_principals(_at(given, "Principal", unknown), unknown)),
        conditions=tuple(_conditions(_at(given, "Condition", unknown) or {}, unknown)),
        negations=tuple(key for key in ("NotAction", "NotResource", "NotPrincipal") if key in given),
    )


def _at(values: Any, step: str | int, unknown: list[UnknownValueError]) -> Any:
    """TO_COME for what is not known, which is noted; None for what is not there."""
    try:
        return values[step]
    except UnknownValueError as error:
        unknown.append(error)
        return TO_COME
    except (KeyError, IndexError):
        return None


def _each(values: Sequence[Any], unknown: list[UnknownValueError]) -> list[Any]:
    return [_at(values, index, unknown) for index in range(len(values))]


def _texts(given: Any, unknown: list[UnknownValueError]) -> list[str]:
    if given is None:
        return []
    if isinstance(given, Sequence) and not isinstance(given, str):
        return [str(item) for item in _each(given, unknown)]
    return [str(given)]


def _principals(given: Any, unknown: list[UnknownValueError]) -> Iterator[tuple[str, str]]:
    if isinstance(given, Mapping):
        for kind in given:
            yield from ((kind, name) for name in _texts(_at(given, kind, unknown), unknown))
    elif given is not None:
        yield from (("*", name) for name in _texts(given, unknown))


def _conditions(given: Any, unknown: list[UnknownValueError]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    if given == TO_COME:
        return
    for operator in given:
        keys = _at(given, operator, unknown)
        for key in () if keys == TO_COME else keys:
            yield operator.lower(), key.lower(), tuple(_texts(_at(keys, key, unknown), unknown))


def _says_which(value: str) -> bool:
    """Whether a condition's value names something, before any star: of an ARN, more than a service."""
    literal = _WILD.split(value, maxsplit=1)[0]
    if literal.startswith("arn:"):
        return bool(literal.split(":", 3)[3:] and literal.split(":", 3)[3].strip(":"))
    # `ca-*` and `us-*` alike begin with two letters and a sign.
    return len(literal.strip(":/-")) >= _FEWEST_LETTERS or (bool(literal) and literal == value)
