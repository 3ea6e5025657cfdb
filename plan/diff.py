"""What differs between two plans."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import zip_longest
from typing import Any

from components.resource_types.row import ALL, NOTHING
from components.resource_types.table import of
from plan import codec
from plan.model import STACK_TYPE, Computed, Plan, Resource, Secret

# The longest that somebody reads is a policy: IAM takes 10,240 characters of a role's own.
LONGEST_SHOWN = 10_240
_OPTIONS = (
    "protect",
    "retain_on_delete",
    "delete_before_replace",
    "ignore_changes",
    "replace_on_changes",
    "additional_secret_outputs",
)
_TAGS = frozenset({"tags", "tagsAll"})
# Moving something to another account, zone or region is always another thing.
_ALWAYS = frozenset({"accountId", "zoneId", "region"})


class Kind(StrEnum):
    """What happens to a resource. Not an order of execution."""

    ADDED = "added"
    CHANGED = "changed"
    REPLACED = "replaced"
    REMOVED = "removed"


@dataclass(frozen=True, kw_only=True)
class PropertyChange:
    """One value that differs; `old` or `new` is None where there is none. Secrets stay marked.

    The path is an input's, or begins with `options.`, `exports.`, or is `parent` or `provider`. Where both values
    are the same, it refers to something that is replaced.
    """

    path: str
    old: Any
    new: Any
    is_replacing: bool


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource that differs; or the stack itself (`pulumi:pulumi:Stack`), when exports differ."""

    kind: Kind
    resource: Resource
    properties: tuple[PropertyChange, ...] = ()

    @property
    def loses_protection(self) -> bool:
        return any(row.path == "options.protect" and row.old for row in self.properties)

    def document(self) -> dict[str, Any]:
        """The change as JSON data, secrets masked."""
        return {
            "kind": str(self.kind),
            "urn": self.resource.urn,
            "type": self.resource.type,
            "name": self.resource.name,
            "protected": self.resource.options.protect,
            "loses_protection": self.loses_protection,
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
    """Changes from one plan to the other, sorted by URN, the stack's exports last. Ignored properties are left out."""
    old = with_new_names(old, new)
    both = [urn for urn in new.by_urn if urn in old.by_urn]
    found = {urn: _own(old.by_urn[urn], new.by_urn[urn]) for urn in both}
    replaced: set[str] = set()
    # Whatever is replaced may replace what refers to it, and so on.
    while more := {urn for urn, rows in found.items() if any(row.is_replacing for row in rows)} - replaced:
        replaced |= more
        found = {urn: (*rows, *_following(new.by_urn[urn], rows, replaced)) for urn, rows in found.items()}
    changes = [
        *(
            Change(kind=Kind.REMOVED, resource=resource)
            for urn, resource in old.by_urn.items()
            if urn not in new.by_urn
        ),
        *(Change(kind=Kind.ADDED, resource=resource) for urn, resource in new.by_urn.items() if urn not in old.by_urn),
        *(_changed(new.by_urn[urn], rows) for urn, rows in found.items() if rows),
    ]
    exports = _exports(old, new, replaced)
    return sorted(changes, key=lambda change: change.resource.urn) + (
        [_changed(_stack(new), exports)] if exports else []
    )


def with_new_names(old: Plan, new: Plan) -> Plan:
    """The old plan as if what has an alias now had been called so before, as the engine takes it."""
    renamed = {
        known: resource
        for resource in new.resources
        if resource.urn not in old.by_urn
        for alias in resource.options.aliases
        if (known := _alias_urn(resource, alias)) in old.by_urn and known not in new.by_urn
    }
    if not renamed:
        return old
    urns = {known: resource.urn for known, resource in renamed.items()}
    return replace(old, resources=tuple(_renamed(found, renamed, urns) for found in old.resources))


def _alias_urn(resource: Resource, alias: str) -> str:
    """The URN that an alias stands for, which may be just another name or type."""
    if alias.startswith("urn:pulumi:"):
        return alias
    stack, project, types, name = resource.urn.split("::", 3)
    if ":" in alias:
        return "::".join((stack, project, types.removesuffix(resource.type) + alias, name))
    return "::".join((stack, project, types, alias))


def _renamed(old: Resource, renamed: dict[str, Resource], urns: dict[str, str]) -> Resource:
    new = renamed.get(old.urn)
    found = replace(
        old,
        inputs={key: _with_urns(value, urns) for key, value in old.inputs.items()},
        parent=urns.get(old.parent or "", old.parent),
        provider=urns.get(old.provider or "", old.provider),
    )
    # An alias may say that it had another parent, too.
    return replace(found, urn=new.urn, type=new.type, name=new.name, parent=new.parent) if new else found


def _with_urns(value: Any, urns: dict[str, str]) -> Any:
    match value:
        case Secret():
            return Secret(_with_urns(value.value, urns))
        case Computed():
            template = value.template
            for before, after in urns.items():
                template = template.replace(f"${{{before}#", f"${{{after}#")
            return Computed(template)
        case dict():
            return {key: _with_urns(item, urns) for key, item in value.items()}
        case list():
            return [_with_urns(item, urns) for item in value]
        case _:
            return value


def _changed(resource: Resource, rows: tuple[PropertyChange, ...]) -> Change:
    kind = Kind.REPLACED if any(row.is_replacing for row in rows) else Kind.CHANGED
    return Change(kind=kind, resource=resource, properties=rows)


def _own(old: Resource, new: Resource) -> tuple[PropertyChange, ...]:
    """What differs in the declaration itself: inputs, options, parent, provider."""
    names = sorted({*old.inputs, *new.inputs} - set(new.options.ignore_changes))
    inputs = [
        PropertyChange(path=path, old=before, new=after, is_replacing=replaces(new, name))
        for name in names
        for path, before, after in _differences(name, old.inputs.get(name), new.inputs.get(name))
    ]
    before, after = _surroundings(old), _surroundings(new)
    return (
        *inputs,
        *(
            # The engine replaces whatever moves to another provider.
            PropertyChange(path=path, old=before[path], new=value, is_replacing=path == "provider" and new.custom)
            for path, value in after.items()
            if before[path] != value
        ),
    )


def _surroundings(resource: Resource) -> dict[str, Any]:
    """All that decides a resource's fate besides its inputs, by path."""
    options = {f"options.{name}": getattr(resource.options, name) for name in _OPTIONS}
    lists = {path: list(value) if isinstance(value, tuple) else value for path, value in options.items()}
    return {**lists, "parent": resource.parent, "provider": resource.provider}


def _following(resource: Resource, rows: tuple[PropertyChange, ...], replaced: set[str]) -> Iterator[PropertyChange]:
    """Properties that get another value only because they refer to something that is replaced."""
    known = {re.split(r"[.\[]", row.path)[0] for row in rows}
    if resource.provider in replaced and "provider" not in known:
        same = resource.provider
        yield PropertyChange(path="provider", old=same, new=same, is_replacing=True)
    for name, value in sorted(resource.inputs.items()):
        if name in known or name in resource.options.ignore_changes:
            continue
        if replaced & _referenced(value, resource.property_dependencies.get(name, ())):
            yield PropertyChange(path=name, old=value, new=value, is_replacing=replaces(resource, name))


def replaces(resource: Resource, name: str) -> bool:
    """Whether a change of this top-level property replaces the resource."""
    if not resource.custom:
        return False
    replaced_by = of(resource.type).replaced_by or NOTHING
    if name in _TAGS:
        return name in replaced_by
    return name in replaced_by or replaced_by >= ALL or name in (*_ALWAYS, *resource.options.replace_on_changes)


def _exports(old: Plan, new: Plan, replaced: set[str]) -> tuple[PropertyChange, ...]:
    names = sorted({*old.outputs, *new.outputs})
    differing = [
        row for name in names for row in _differences(f"exports.{name}", old.outputs.get(name), new.outputs.get(name))
    ]
    recomputed = [
        (f"exports.{name}", value, value)
        for name, value in sorted(new.outputs.items())
        if name in old.outputs and old.outputs[name] == value and replaced & _referenced(value, ())
    ]
    rows = sorted([*differing, *recomputed], key=lambda row: row[0])
    return tuple(PropertyChange(path=path, old=before, new=after, is_replacing=False) for path, before, after in rows)


def _stack(plan: Plan) -> Resource:
    """The stack itself, which no plan lists: exports belong to it and to no resource."""
    name = plan.stack_urn.rpartition("::")[2]
    return Resource(urn=plan.stack_urn, type=STACK_TYPE, name=name, custom=False)


def _referenced(value: Any, dependencies: Iterable[str]) -> set[str]:
    """URNs whose outputs the value is made of.

    A known value is made of none, whatever it depends on: it stays the same. Where it can't be seen, because it is
    a secret or has no template, all dependencies count.
    """
    match value:
        case Secret(Computed() as inner):
            return _referenced(inner, dependencies)
        case Secret() | Computed(""):
            return set(dependencies)
        case Computed():
            return {urn for urn, _ in value.references}
        case dict():
            return {urn for item in value.values() for urn in _referenced(item, dependencies)}
        case list():
            return {urn for item in value for urn in _referenced(item, dependencies)}
        case _:
            return set()


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
    """A value on one line, for people; secrets masked, references by the resource's name, long texts by their hash."""
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
        case str() if len(value) > LONGEST_SHOWN:
            digest = hashlib.sha256(value.encode()).hexdigest()
            return f"<{len(value):,} characters, SHA-256 {digest[:16]}>"
        case _:
            return str(value)
