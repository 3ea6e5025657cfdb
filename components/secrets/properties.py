"""Where resources take and give out secrets: one table for the program, the packs and the gate.

A pattern is a property path by its names on the wire. `*` stands for every key or index, and `?kind=text` goes on
only where the part reached so far has a `kind` of that text, or of one that is not known.
"""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from components.resource_types.provider_secrets import PROVIDER_SECRETS
from components.resource_types.table import of


def inputs(type_token: str) -> tuple[str, ...]:
    """Patterns of the inputs in which this type takes secrets."""
    row, (marked, _) = of(type_token), PROVIDER_SECRETS.get(type_token, ((), ()))
    return row.secret_inputs if row.is_marked_too_much else (*marked, *row.secret_inputs)


def marked_by_itself(type_token: str) -> tuple[str, ...]:
    """Inputs that the SDK marks as secret whatever they hold; the mark alone makes none of them a secret of ours."""
    return PROVIDER_SECRETS.get(type_token, ((), ()))[0] if of(type_token).is_marked_too_much else ()


def outputs(type_token: str) -> tuple[str, ...]:
    """Outputs of this type that are secrets; inputs among them, because the engine gives them back."""
    marked, made = PROVIDER_SECRETS.get(type_token, ((), ()))
    return (*marked, *made, *of(type_token).secret_outputs)


Part = Callable[[Any, Any], Any]
Reached = tuple[str, Any, Sequence[str]]


def reached(
    value: Any, pattern: str, is_closed: Callable[[Any], bool], part: Part = operator.getitem
) -> Iterator[Reached]:
    """Path and value of each part of the value that the pattern names, and the steps that are left.

    A part that `is_closed` ends the path: what lies in it can't be seen, and it stands for all of it. `part` takes one
    out of a mapping or list.
    """
    return _reached(value, pattern.split("."), "", is_closed, part)


def _reached(
    value: Any, steps: Sequence[str], path: str, is_closed: Callable[[Any], bool], part: Part
) -> Iterator[Reached]:
    if not steps or is_closed(value):
        if value is not None:
            yield path, value, steps
        return
    step, rest = steps[0], steps[1:]
    if step.startswith("?"):
        name, _, text = step[1:].partition("=")
        # Unknown or secret is taken for a match, which errs on the safe side.
        if isinstance(value, Mapping) and name in value and ((kind := part(value, name)) == text or is_closed(kind)):
            yield from _reached(value, rest, path, is_closed, part)
        return
    for key in _keys(value, step):
        below = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip(".")
        yield from _reached(part(value, key), rest, below, is_closed, part)


def _keys(value: Any, step: str) -> Iterator[str | int]:
    if isinstance(value, Mapping):
        yield from (name for name in value if step in ("*", name))
    elif isinstance(value, Sequence) and not isinstance(value, str) and step == "*":
        yield from range(len(value))
