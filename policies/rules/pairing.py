"""Which resource another one belongs to: by its name or, while that is not known, by what it is made of."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pulumi_policy import PolicyResource
from pulumi_policy.proxy import UnknownValueError

from components.resource_types import tokens
from policies.rules.reading import of_type, text


def by_bucket(resources: Iterable[PolicyResource], *types: str) -> dict[str, list[Mapping[str, Any]]]:
    """Properties of what belongs to each bucket, by the bucket's URN."""
    resources = list(resources)
    found = belonging(of_type(resources, tokens.BUCKET), of_type(resources, *types), "bucket", name="bucket")
    return {urn: [part.props for part in parts] for urn, parts in found.items()}


def belonging(
    owners: Sequence[PolicyResource], parts: Iterable[PolicyResource], key: str, *, name: str
) -> dict[str, list[PolicyResource]]:
    """The parts of each owner, by its URN: those whose property `key` is the owner's `name`, or its ID.

    What could be a part of several, or names none, belongs to nobody: each owner is judged as one without it.
    """
    found: dict[str, list[PolicyResource]] = {owner.urn: [] for owner in owners}
    alike: dict[frozenset[str], list[PolicyResource]] = {}
    for part in parts:
        given = _known(part, key)
        # Where nothing says what it is made of, as in a preview of an older engine, it is of what it depends on.
        made_of = _made_of(part, key) or {other.urn for other in part.dependencies}
        if given is not None:
            mine = [owner.urn for owner in owners if given and given in (_known(owner, name), _known(owner, "id"))]
        elif len(mine := [owner.urn for owner in owners if owner.urn in made_of]) > 1:
            mine = []
        elif not mine:
            alike.setdefault(frozenset(made_of), []).append(part)
        for urn in mine:
            found[urn].append(part)
    for common, unnamed in alike.items():
        # Named after a third resource, such as a random one, as the owners are. The filled-in texts of a recorded plan
        # tell them apart (policies/packs/analyzer.py).
        named = [
            owner.urn for owner in owners if _known(owner, name) is None and common and _made_of(owner, name) == common
        ]
        if len(unnamed) >= len(named):
            for urn in named:
                found[urn] += unnamed
    return found


def is_same(one: PolicyResource, other: PolicyResource, key: str) -> bool:
    """Whether a property of both is one value: known and equal, or unknown and made of the same resources."""
    known, known_other = _known(one, key), _known(other, key)
    if known is None or known_other is None:
        return known == known_other and _made_of(one, key) == _made_of(other, key) != set()
    return known == known_other


def _known(resource: PolicyResource, key: str) -> str | None:
    """None where the value is not known yet."""
    try:
        return text(resource.props, key)
    except UnknownValueError:
        return None


def _made_of(resource: PolicyResource, key: str) -> set[str]:
    return {found.urn for found in resource.property_dependencies.get(key, [])}
