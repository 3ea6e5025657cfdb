"""Reads what a database host is to become, with every fault named at once."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from host.spec_faults import faults
from host.spec_models import (
    Backup,
    Copy,
    Disk,
    Networks,
    Packages,
    Pooler,
    Postgres,
    Role,
    Schedule,
    Schema,
    Spec,
    Tls,
    Tunnel,
)

__all__ = [
    "Backup",
    "Copy",
    "Disk",
    "Networks",
    "Packages",
    "Pooler",
    "Postgres",
    "Role",
    "Schedule",
    "Schema",
    "Spec",
    "SpecError",
    "Tls",
    "Tunnel",
    "load",
    "parse",
]


class SpecError(Exception):
    """The specification is refused; the message has one line a fault, and shows no secret."""


def load(path: Path) -> Spec:
    """Read and check a specification; raises SpecError."""
    try:
        value = json.loads(path.read_text())
    except OSError as error:
        raise SpecError(f"{path}: can't be read: {error.strerror}") from error
    except ValueError as error:
        raise SpecError(f"{path}: not readable as JSON: {error}") from error
    return parse(value)


def parse(value: object) -> Spec:
    """The specification in plain JSON data; raises SpecError with all faults of its values, or else of their sum."""
    try:
        # Strict as JSON is: a list becomes a tuple, and nothing else another type.
        spec = Spec.model_validate_json(json.dumps(value))
    except ValidationError as error:
        lines = [f"{_place(found, value)}: {_words(found)}" for found in error.errors(include_url=False)]
        raise SpecError("\n".join(lines)) from None
    found = list(faults(spec))
    if found:
        raise SpecError("\n".join(found))
    return spec


def _place(found: ErrorDetails, value: object) -> str:
    """Where the fault is, a role by its name: `spec.postgres.roles.app.password`."""
    return ".".join(["spec", *_steps(found["loc"], value)])


def _steps(location: tuple[int | str, ...], value: object) -> Iterator[str]:
    for step in location:
        held: object = None
        if isinstance(value, Mapping):
            held = value.get(step)
        elif isinstance(value, list) and isinstance(step, int):
            held = value[step]
        name = held.get("name") if isinstance(held, Mapping) else None
        yield name if isinstance(step, int) and isinstance(name, str) and name.isidentifier() else str(step)
        value = held


def _words(found: ErrorDetails) -> str:
    kind = found["type"]
    if kind == "missing":
        return "missing"
    if kind == "extra_forbidden":
        return "unknown"
    return found["msg"][0].lower() + found["msg"][1:]
