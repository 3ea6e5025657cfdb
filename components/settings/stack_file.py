"""A stack's file of settings: where each of them stands."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

PROJECT = "hybrid"


@dataclass(frozen=True)
class StackFile:
    """`Pulumi.STACK.yaml`, read when a line is first asked for; it knows none where the engine was given another."""

    path: Path

    @classmethod
    def of(cls, stack: str, folder: Path = Path()) -> "StackFile":
        """By default in the working directory, where both engines run the program."""
        return cls(folder / f"Pulumi.{stack}.yaml")

    @property
    def name(self) -> str:
        return self.path.name

    def line(self, setting: str) -> int | None:
        """Line of a setting such as `postgresHosts.0.bundle`, or of as much of the path as the file has."""
        key, *steps = setting.split(".")
        found = self._settings.get(_qualified(key))
        if found is None:
            return None
        mark, node = found
        for step in steps:
            inner = _entries(node).get(step)
            if inner is None:
                break
            mark, node = inner
        return mark.line + 1

    def place(self, setting: str) -> str:
        """`Pulumi.dev.yaml:17: `, as compilers say it; empty where the setting is not in the file."""
        line = self.line(setting)
        return f"{self.name}:{line}: " if line else ""

    @cached_property
    def _settings(self) -> dict[str, tuple[yaml.Mark, yaml.Node]]:
        try:
            document = yaml.compose(self.path.read_text(), yaml.SafeLoader)
        except (OSError, ValueError, RecursionError, yaml.YAMLError):
            # Whoever reads the settings says so.
            return {}
        config = _entries(document).get("config")
        return {_qualified(key): found for key, found in _entries(config[1]).items()} if config else {}


def _qualified(key: str) -> str:
    return key if ":" in key else f"{PROJECT}:{key}"


def _entries(node: yaml.Node | None) -> dict[str, tuple[yaml.Mark, yaml.Node]]:
    match node:
        case yaml.MappingNode():
            return {str(key.value): (key.start_mark, value) for key, value in node.value}
        case yaml.SequenceNode():
            return {str(index): (value.start_mark, value) for index, value in enumerate(node.value)}
        case _:
            return {}
