"""Puts the values of SecureStrings in place of the names with which a specification declares them."""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from host.specification.model import PARAMETER

SYSTEM_PYTHON = "/usr/bin/python3"
READ_SECONDS = 120

Read = Callable[[Sequence[str], str], Mapping[str, str]]


class ParameterError(Exception):
    """A value can't be had; the message has names and no values."""


def names(value: Any) -> Iterator[str]:
    """Every parameter that is named in plain JSON data."""
    if isinstance(value, Mapping):
        if value.keys() == {PARAMETER}:
            yield value[PARAMETER]
            return
        for member in value.values():
            yield from names(member)
    elif isinstance(value, list):
        for member in value:
            yield from names(member)


def filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        if value.keys() == {PARAMETER}:
            return values[value[PARAMETER]]
        return {name: filled(member, values) for name, member in value.items()}
    if isinstance(value, list):
        return [filled(member, values) for member in value]
    return value


def resolved(specification: Any, read: Read | None = None) -> Any:
    """The specification with its secrets. Raises ParameterError that names every parameter that is missing."""
    wanted = sorted(set(names(specification)))
    if not wanted:
        return specification
    try:
        region = str(specification["backup"]["region"])
    except (KeyError, TypeError):
        raise ParameterError("spec.backup.region: missing; the parameters are read in that region") from None
    values = (read or read_with_system_python)(wanted, region)
    missing = [name for name in wanted if name not in values]
    if missing:
        raise ParameterError(f"no such parameter in {region}: {', '.join(missing)}")
    return filled(specification, values)


def read_with_system_python(wanted: Sequence[str], region: str) -> Mapping[str, str]:
    program = Path(__file__).with_name("read_parameters.py")
    try:
        answer = subprocess.run(
            [SYSTEM_PYTHON, "-I", str(program), region],
            input=json.dumps(list(wanted)),
            capture_output=True,
            text=True,
            timeout=READ_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ParameterError(f"parameters can't be read with {SYSTEM_PYTHON}: {type(error).__name__}") from error
    if answer.returncode:
        lines = answer.stderr.strip().splitlines()[-1:] or ["no output"]
        raise ParameterError(f"parameters can't be read in {region}: {lines[0]}")
    found: dict[str, str] = json.loads(answer.stdout)
    return found
