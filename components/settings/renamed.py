"""Settings under the names that they had, which are read for one release."""

from collections.abc import Mapping
from pathlib import Path

import pulumi
import yaml

from components.settings.stack_file import StackFile

RENAMED = {"databaseWay": "databaseRoute"}


def current(raw: Mapping[str, str], file: StackFile) -> tuple[dict[str, str], list[str]]:
    """Settings by their current names, and a fault for each that is set by both; a warning for each old name.

    Beside the stack's file is Pulumi.yaml, whose default stands in `raw` where a setting is not set.
    """
    values, faults = dict(raw), []
    for old, new in RENAMED.items():
        if old not in raw:
            continue
        value, line = values.pop(old), file.line(new)
        if line or raw.get(new) != _default(file.path.with_name("Pulumi.yaml"), new):
            place = f" (line {line})" if line else ""
            faults.append(f"{old}: is the old name of {new}, which is set, too{place}; remove {old}")
            continue
        pulumi.log.warn(
            f"{file.place(old)}{old} is deprecated, its name is {new}; the next release refuses the old one"
        )
        values[new] = value
    return values, faults


def _default(file: Path, key: str) -> str:
    return str(yaml.safe_load(file.read_text())["config"][key]["default"])
