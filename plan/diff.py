"""What differs between two plans."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import Any

from plan import codec
from plan.model import Computed, Plan, Resource, Secret
from plan.replacement import replaces


class Kind(StrEnum):
    """What happens to a resource. Not an order of execution."""

    ADDED = "added"
    CHANGED = "changed"
    REPLACED = "replaced"
    REMOVED = "removed"


@dataclass(frozen=True, kw_only=True)
class PropertyChange:
    """One value that differs; `old` or `new` is None where there is none. Secrets stay marked."""

    path: str
    old: Any
    new: Any
    is_replacing: bool


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource that differs."""

    kind: Kind
    resource: Resource
    properties: tuple[PropertyChange, ...] = ()

    def document(self) -> dict[str, Any]:
        """As JSON data, secrets masked."""
        return {
            "kind": str(self.kind),
            "urn": self.resource.urn,
            "type": self.resource.type,
            "name": self.resource.name,
            "protected": self.resource.options.protect,
            "properties": [
                {
                    "path": change.path,
                    "old": codec.encode(change.old, False),
                    "new": codec.encode(change.new, False),
                    "replaces": change.is_replacing,
                }
                for change in self.properties
            ],
        }


def diff(old: Plan, new: Plan) -> list[Change]:
    """Changes from one plan to the other, sorted by URN. Ignored properties are left out."""
    urns = sorted({*old.by_urn, *new.by_urn})
    found = {urn: _change(old.by_urn.get(urn), new.by_urn.get(urn)) for urn in urns}
    replaced = {urn for urn, change in found.items() if change and change.kind is Kind.REPLACED}
    changes = [change or _following(new.by_urn[urn], replaced) for urn, change in found.items()]
    return [change for change in changes if change]


def _following(resource: Resource, replaced: set[str]) -> Change | None:
    """A resource that changes only because it refers to one that is replaced, and so gets another value."""
    properties = tuple(
        PropertyChange(path=name, old=value, new=value, is_replacing=replaces(resource, name))
        for name, value in sorted(resource.inputs.items())
        if name not in resource.options.ignore_changes and replaced & _referenced(value)
    )
    if not properties:
        return None
    kind = Kind.REPLACED if any(change.is_replacing for change in properties) else Kind.CHANGED
    return Change(kind=kind, resource=resource, properties=properties)


def _referenced(value: Any) -> set[str]:
    match value:
        case Secret():
            return _referenced(value.value)
        case Computed():
            return {urn for urn, _ in value.references}
        case dict():
            return {urn for item in value.values() for urn in _referenced(item)}
        case list():
            return {urn for item in value for urn in _referenced(item)}
        case _:
            return set()


def _change(old: Resource | None, new: Resource | None) -> Change | None:
    if new is None:
        return Change(kind=Kind.REMOVED, resource=old) if old else None
    if old is None:
        return Change(kind=Kind.ADDED, resource=new)
    names = sorted({*old.inputs, *new.inputs} - set(new.options.ignore_changes))
    properties = tuple(
        PropertyChange(path=path, old=before, new=after, is_replacing=replaces(new, name))
        for name in names
        for path, before, after in _differences(name, old.inputs.get(name), new.inputs.get(name))
    )
    if not properties:
        return None
    kind = Kind.REPLACED if any(change.is_replacing for change in properties) else Kind.CHANGED
    return Change(kind=kind, resource=new, properties=properties)


def _differences(path: str, old: Any, new: Any) -> list[tuple[str, Any, Any]]:
    """Leaves that differ. A saved plan has no secret values, so two secrets count as equal."""
    if isinstance(old, Secret) and isinstance(new, Secret):
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted({*old, *new})
        return [row for key in keys for row in _differences(f"{path}.{key}", old.get(key), new.get(key))]
    if isinstance(old, list) and isinstance(new, list):
        pairs = enumerate(zip_longest(old, new))
        return [row for index, (before, after) in pairs for row in _differences(f"{path}[{index}]", before, after)]
    return [] if old == new else [(path, old, new)]


def text(value: Any) -> str:
    """A value on one line, for people; secrets masked, references by the resource's name."""
    match value:
        case Secret():
            return codec.MASK
        case Computed():
            return value.resolve(lambda urn, name: f"<{urn.rpartition('::')[2]}.{name}>") or "<known after deployment>"
        case dict():
            return "{" + ", ".join(f"{key}: {text(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(text(item) for item in value) + "]"
        case bool():
            return str(value).lower()
        case None:
            return "none"
        case _:
            return str(value)
