"""A Pulumi project on disk: its stacks and the configuration that each gives the program."""

import difflib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from plan import yaml_text
from plan.model import PlanError

ROOT = Path(__file__).resolve().parent.parent
# Of a stack's file (Pulumi, Stack settings file).
SECTIONS = ("config", "environment", "secretsprovider", "encryptedkey", "encryptionsalt")


@dataclass(frozen=True, kw_only=True)
class StackConfiguration:
    """Configuration as the engine hands it to the program: text, lists and objects as JSON."""

    values: dict[str, str]
    secret_keys: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Project:
    """A folder with a Pulumi.yaml."""

    folder: Path
    name: str
    declarations: dict[str, dict[str, Any]]
    """Settings by name, as Pulumi.yaml declares them."""

    @classmethod
    def load(cls, folder: Path = ROOT) -> "Project":
        """Reads Pulumi.yaml. Raises PlanError."""
        document = _mapping(folder / "Pulumi.yaml")
        if not isinstance(document.get("name"), str):
            raise PlanError(f"{folder / 'Pulumi.yaml'}: has no name; a project needs one")
        return cls(folder=folder, name=document["name"], declarations=_section(folder / "Pulumi.yaml", document))

    @property
    def stacks(self) -> list[str]:
        """Names of the stacks that have a settings file."""
        files = sorted(self.folder.glob("Pulumi.*.yaml"))
        return [path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in files]

    def require_stacks(self, names: list[str]) -> None:
        """Raises PlanError that names every stack without a settings file."""
        faults = [self._unknown(name) for name in names if name not in self.stacks]
        if faults:
            raise PlanError("\n".join(faults))

    def configuration(self, stack: str) -> StackConfiguration:
        """A stack's settings over the project's defaults. Raises PlanError."""
        self.require_stacks([stack])
        path = self.folder / f"Pulumi.{stack}.yaml"
        document = _mapping(path)
        _require_known(path, document)
        given = _section(path, document)
        defaults = {
            _qualified(self.name, key): declaration["default"]
            for key, declaration in self.declarations.items()
            if "default" in declaration
        }
        values = {**defaults, **{_qualified(self.name, key): value for key, value in given.items()}}
        secret_keys = tuple(key for key, value in values.items() if isinstance(value, dict) and "secure" in value)
        return StackConfiguration(
            values={key: _text(key, value, key in secret_keys) for key, value in values.items()},
            secret_keys=secret_keys,
        )

    def _unknown(self, stack: str) -> str:
        near = difflib.get_close_matches(stack, self.stacks, n=1)
        hint = f"; did you mean {near[0]}?" if near else "."
        known = ", ".join(self.stacks) or "none"
        return f"{stack}: is not a stack of this project (no Pulumi.{stack}.yaml){hint} Known: {known}"


def _qualified(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _text(key: str, value: Any, is_secret: bool) -> str:
    # Only the stack's own secrets provider can decrypt it, and no part of a plan may depend on it.
    if is_secret:
        return f"[secret {key}]"
    # The engine writes the keys of an object in order; a date without quotes it turns into another text, too.
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), sort_keys=True, default=str)


def _mapping(path: Path) -> dict[str, Any]:
    try:
        document = yaml_text.load_settings(path.read_text())
    except OSError as error:
        raise PlanError(f"{path}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise PlanError(f"{path}: is not text in UTF-8") from None
    except yaml.YAMLError as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        raise PlanError(f"{place}: is not YAML: {yaml_text.fault(error)}") from None
    if not isinstance(document, dict):
        raise PlanError(f"{path}: holds no settings; allowed: a mapping")
    return document


def _require_known(path: Path, document: dict[str, Any]) -> None:
    """The engine passes over a section of another name, and all that is in it."""
    for name in document:
        if name not in SECTIONS:
            near = difflib.get_close_matches(str(name), SECTIONS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"allowed: {', '.join(SECTIONS)}"
            raise PlanError(f"{path}: {name}: is not a section of a stack's file; {hint}")


def _section(path: Path, document: dict[str, Any]) -> dict[str, Any]:
    section = document.get("config") or {}
    if not isinstance(section, dict):
        raise PlanError(f"{path}: its config is not a mapping; allowed: settings by name")
    for key, value in section.items():
        try:
            json.dumps(value, sort_keys=True, default=str)
            is_plain = isinstance(key, str)
        except (TypeError, ValueError):
            is_plain = False
        if not is_plain:
            raise PlanError(f"{path}: {key}: has a key that is no text; put it in quotes")
    return section
