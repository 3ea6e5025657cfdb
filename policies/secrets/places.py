"""Every text of a resource: where it stands, and what its value is called there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pulumi
from pulumi_policy import ResourceValidationArgs
from pulumi_policy.proxy import UnknownValueError

from components.secrets import properties
from policies import scanner
from policies.wrapping import called_by_neighbour


@dataclass(frozen=True, kw_only=True)
class Place:
    """A known text of a resource."""

    path: str
    """For a message: a key that holds a secret is left out of it."""
    name: str
    """The nearest key, or what stands beside the value as its name."""
    text: str
    is_sensitive: bool
    """The property is made for a secret."""


def texts(args: ResourceValidationArgs) -> Iterator[Place]:
    """All texts, with keys and the resource's own name.

    Unknown ones are passed over: what a cloud makes up is nobody's writing, and what it is made of is judged where
    it is known.
    """
    yield Place(path="its name", name="", text=args.name, is_sensitive=False)
    sensitive = set(sensitive_paths(args.resource_type, args.props))
    for path, place in all_texts(args.props):
        is_inside = any(path == known or path.startswith((f"{known}.", f"{known}[")) for known in sensitive)
        yield replace(place, is_sensitive=True) if is_inside else place


def all_texts(values: Mapping[str, Any]) -> Iterator[tuple[str, Place]]:
    """Each known text of some properties, with its real path; keys too."""
    return _texts(values, "", "", "")


def sensitive_paths(type_token: str, props: Mapping[str, Any]) -> Iterator[str]:
    """Where this resource takes secrets; what is unknown is no less such a place."""
    for place in properties.places(type_token):
        try:
            for path, _ in properties.reached(props, place, lambda _value: False):
                yield path
        except UnknownValueError as error:
            yield ".".join(error.props)


def _texts(value: Any, path: str, shown: str, name: str) -> Iterator[tuple[str, Place]]:
    """Each text with its real path."""
    match value:
        case str():
            yield path, Place(path=shown, name=name, text=value, is_sensitive=False)
        case pulumi.StringAsset():
            yield path, Place(path=shown, name=name, text=value.text, is_sensitive=False)
        case Mapping():
            called = _called(value)
            for key in value:
                below = f"{shown}.{'[a key]' if scanner.found(key) else key}".lstrip(".")
                yield f"{path}.{key}".lstrip("."), Place(path=below, name="", text=key, is_sensitive=False)
                inner_name = called if called and key in ("value", "text") else key
                yield from _at(value, key, f"{path}.{key}".lstrip("."), below, inner_name)
        case Sequence():
            for index in range(len(value)):
                yield from _at(value, index, f"{path}[{index}]", f"{shown}[{index}]", name)


def _at(value: Any, key: Any, path: str, shown: str, name: str) -> Iterator[tuple[str, Place]]:
    try:
        item = value[key]
    except UnknownValueError:
        return
    yield from _texts(item, path, shown, name)


def _called(value: Mapping[str, Any]) -> str:
    try:
        return called_by_neighbour(value)
    except UnknownValueError:
        return ""
