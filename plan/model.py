"""A stack as plain data: resources, what they depend on, and which values are secret or not known yet.

Values are what JSON has, plus two marks: `Secret` around a value that must not be shown, and `Computed` for a
value that is known only after deployment. Input names are Pulumi's wire names (`accountId`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from components.common.errors import HybridError

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDERS = "pulumi:providers:"
"""Begins the type of every provider."""
UNWRITTEN = "<reference>"
"""Stands for another resource's output within a text; in brackets, as what a program fills in."""
_REFERENCE = re.compile(r"\$\{(urn:pulumi:[^#}]+)#([^}]+)\}")


class PlanError(HybridError):
    """A program that can't be recorded, a stack that is not known, or a plan file that can't be read."""


@dataclass(frozen=True)
class Secret:
    """Marks a value that must not be shown."""

    value: Any

    def __repr__(self) -> str:
        return "Secret([secret])"


@dataclass(frozen=True)
class Computed:
    """Marks a value that is known only after deployment.

    The template says what it is made of: text with `${URN#property}` for another resource's output. It is
    empty where that is not known, as in a plan read from the engine.
    """

    template: str = ""

    @property
    def references(self) -> list[tuple[str, str]]:
        """URN and property of every output that the value is made of."""
        return [(match[1], match[2]) for match in _REFERENCE.finditer(self.template)]

    @property
    def reference(self) -> tuple[str, str] | None:
        """URN and property, when the value is exactly one output."""
        match = _REFERENCE.fullmatch(self.template)
        return (match[1], match[2]) if match else None

    @property
    def written(self) -> str:
        """What somebody wrote of it: the text with UNWRITTEN in place of each reference."""
        return self.resolve(lambda _urn, _name: UNWRITTEN)

    def resolve(self, values: Callable[[str, str], str]) -> str:
        """The text with `values(urn, property)` in place of each reference."""
        return _REFERENCE.sub(lambda match: values(match[1], match[2]), self.template)


def reference(urn: str, name: str) -> str:
    """Text that stands for an output in a template."""
    return f"${{{urn}#{name}}}"


def is_computed(text: str) -> bool:
    """Whether a text holds a reference."""
    return _REFERENCE.search(text) is not None


@dataclass(frozen=True, kw_only=True)
class Options:
    """Resource options that decide what happens to a resource later."""

    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool = False
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    """Functions of the program that the engine calls at a step, as `before_create:NAME`; recording calls none."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """File and line of a resource's declaration; the path is relative to the program's folder."""

    path: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One registration."""

    urn: str
    type: str
    name: str
    custom: bool
    """False for components, which only group others."""
    parent: str | None = None
    """URN; None when the stack itself is the parent."""
    provider: str | None = None
    """URN of the explicit provider; None for a default provider."""
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    property_dependencies: dict[str, tuple[str, ...]] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    source: Source | None = None
    identifier: str = ""
    """The provider's own, of what is deployed; empty in a plan of what is declared."""
    is_left_over: bool = False
    """Whether it is a second deployed one of the same URN, which the engine has yet to delete, or was making or
    changing when it was interrupted."""

    @property
    def declared_at(self) -> str:
        """File and line, or empty where that is not known."""
        return f"{self.source.path}:{self.source.line}" if self.source else ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that a program declares for one stack, sorted by URN."""

    project: str
    stack: str
    resources: tuple[Resource, ...]
    outputs: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    """The program's configuration as it was given, secrets marked."""

    @cached_property
    def by_urn(self) -> dict[str, Resource]:
        return {resource.urn: resource for resource in self.resources}

    @cached_property
    def stand_ins(self) -> dict[str, str]:
        """The secret settings by the texts that the recorder gives the program in their place."""
        secrets = {name: item.value for name, item in self.settings.items() if isinstance(item, Secret)}
        return {text: name for name, text in secrets.items() if isinstance(text, str)}

    @property
    def stack_urn(self) -> str:
        """URN of the stack itself, which is not a resource of the plan; exports belong to it."""
        return f"urn:pulumi:{self.stack}::{self.project}::{STACK_TYPE}::{self.project}-{self.stack}"

    @property
    def count(self) -> int:
        """How many resources, without the components that only group them: what every command calls resources."""
        return sum(resource.custom for resource in self.resources)

    @cached_property
    def _children(self) -> dict[str | None, list[Resource]]:
        found: dict[str | None, list[Resource]] = {}
        for resource in self.resources:
            found.setdefault(resource.parent, []).append(resource)
        return found

    def of_type(self, type_token: str) -> list[Resource]:
        return [resource for resource in self.resources if resource.type == type_token]

    def children(self, urn: str | None) -> list[Resource]:
        """Direct children; of the stack, when the URN is None."""
        return [*self._children.get(urn, ())]


def reveal(value: Any) -> Any:
    """The value without its secret mark, if it has one."""
    return value.value if isinstance(value, Secret) else value


def at(values: Any, *steps: str | int) -> Any:
    """The value at a path; None where there is nothing."""
    for step in steps:
        if isinstance(values, Secret | Computed):
            return values
        try:
            values = values[step]
        except (KeyError, IndexError, TypeError):
            return None
    return values
