"""Policy documents of AWS, taken apart: statements with their actions, resources and principals as lists."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any


class DocumentError(ValueError):
    """A document that can't be read, and so not be judged."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement; actions in lower case, because AWS compares them so."""

    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
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


def statements(document: Any) -> Iterator[Statement]:
    """Statements of a document, as text or already parsed. Raises DocumentError, UnknownValueError."""
    parsed = _parsed(document)
    found = parsed.get("Statement")
    for statement in [found] if isinstance(found, Mapping) else found if isinstance(found, Sequence) else ():
        if not isinstance(statement, Mapping):
            raise DocumentError("a statement is no object")
        yield _statement(statement)


def _parsed(document: Any) -> Mapping[str, Any]:
    try:
        parsed = json.loads(document) if isinstance(document, str) else document
    except ValueError:
        raise DocumentError("it is no JSON") from None
    if not isinstance(parsed, Mapping) or not isinstance(parsed.get("Statement"), Mapping | Sequence):
        raise DocumentError("it has no statements")
    return parsed


def _statement(given: Mapping[str, Any]) -> Statement:
    return Statement(
        # Anything but a plain Deny is judged as if it allowed.
        allows=given.get("Effect") != "Deny",
        actions=tuple(action.lower() for action in _texts(given.get("Action"))),
        resources=tuple(_texts(given.get("Resource"))),
        principals=tuple(_principals(given.get("Principal"))),
        conditions=tuple(_conditions(given.get("Condition") or {})),
        negations=tuple(key for key in ("NotAction", "NotResource", "NotPrincipal") if key in given),
    )


def _texts(given: Any) -> list[str]:
    if given is None:
        return []
    if isinstance(given, Sequence) and not isinstance(given, str):
        return [str(item) for item in given]
    return [str(given)]


def _principals(given: Any) -> Iterator[tuple[str, str]]:
    if isinstance(given, Mapping):
        for kind in given:
            yield from ((kind, name) for name in _texts(given[kind]))
    elif given is not None:
        yield from (("*", name) for name in _texts(given))


def _conditions(given: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for operator in given:
        for key in given[operator]:
            yield operator.lower(), key.lower(), tuple(_texts(given[operator][key]))
