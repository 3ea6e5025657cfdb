"""What a change takes away: protected data, and DNS records beyond a threshold."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from components.resource_types.table import of
from plan.diff import Change, Kind, diff, with_new_names
from plan.model import Computed, Plan, Resource, Secret

MOST_RECORDS = 1
"""DNS records that one change may delete or replace."""
_PHRASES = {Kind.REMOVED: "is deleted", Kind.REPLACED: "is replaced"}


def of_protected(old: Plan, new: Plan) -> Iterator[tuple[Resource, str]]:
    """Each protected resource that is deleted, replaced or unprotected, and a message that says so."""
    for change in _changes(old, new):
        was_protected = change.loses_protection or change.resource.options.protect
        if was_protected and change.kind in _PHRASES:
            yield change.resource, f"This resource is protected, and {_PHRASES[change.kind]}."
        elif change.loses_protection:
            yield change.resource, "This resource loses its protection."


def of_records(old: Plan, new: Plan) -> Iterator[tuple[Resource, str]]:
    """Each DNS record that is deleted or replaced, when they are more than MOST_RECORDS, and a message."""
    going = [
        change for change in _changes(old, new) if of(change.resource.type).is_dns_record and change.kind in _PHRASES
    ]
    if len(going) <= MOST_RECORDS:
        return
    total = sum(of(resource.type).is_dns_record for resource in old.resources)
    counted = f"{len(going)} of {total} records go at once; allowed: {MOST_RECORDS}."
    for change in going:
        yield change.resource, f"This DNS record {_PHRASES[change.kind]}. {counted}"


def _changes(old: Plan, new: Plan) -> list[Change]:
    """Changes between the plans. A value that one of them does not know yet counts as unchanged."""
    old = with_new_names(old, new)
    both = [
        replace(found, inputs=_aligned(found.inputs, new.by_urn[found.urn].inputs))
        if found.urn in new.by_urn
        else found
        for found in old.resources
        # The engine deletes what is left over from a replacement in any case.
        if not found.is_left_over
    ]
    return diff(replace(old, resources=tuple(both)), new)


def _aligned(old: Any, new: Any) -> Any:
    """The old value, with the new one wherever they can't be compared."""
    if isinstance(old, Secret) or isinstance(new, Secret):
        return new
    if isinstance(old, Computed) or isinstance(new, Computed):
        return new
    if isinstance(old, dict) and isinstance(new, dict):
        return {key: _aligned(item, new[key]) if key in new else item for key, item in old.items()}
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [_aligned(before, after) for before, after in zip(old, new, strict=True)]
    return old
