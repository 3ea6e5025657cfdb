"""Settings under the names that they had, which are read for one release."""

from collections.abc import Mapping
from pathlib import Path

import pulumi
import yaml

RENAMED = {"databaseWay": "databaseRoute"}


def current(raw: Mapping[str, str], file: Path) -> tuple[dict[str, str], list[str]]:
    """Settings by their current names, and a fault for each that is set by both; a warning for each old name.

    `file` is the stack's; beside it is Pulumi.yaml, whose default stands in `raw` where a setting is not set.
    """
    values, faults = dict(raw), []
    for old, new in RENAMED.items():
        if old not in raw:
            continue
        lines, value = _lines(file), values.pop(old)
        if new in lines or raw.get(new) != _default(file.with_name("Pulumi.yaml"), new):
            places = ", ".join(f"{file.name}:{lines[key]}" for key in (old, new) if key in lines)
            faults.append(f"{old}: is the old name of {new}, and both are set ({places}); remove {old}")
            continue
        place = f"{file.name}:{lines[old]}: " if old in lines else ""
        pulumi.log.warn(f"{place}{old} is deprecated, its name is {new}; the next release refuses the old one")
        values[new] = value
    return values, faults


def _lines(file: Path) -> dict[str, int]:
    """The line of each setting in a stack's file; none where the engine was given another file."""
    try:
        document = yaml.compose(file.read_text(), yaml.SafeLoader)
    except OSError:
        return {}
    sections = [value for key, value in document.value if key.value == "config"] if document else []
    return {
        key.value.removeprefix("hybrid:"): key.start_mark.line + 1 for section in sections for key, _ in section.value
    }


def _default(file: Path, key: str) -> str:
    return str(yaml.safe_load(file.read_text())["config"][key]["default"])
