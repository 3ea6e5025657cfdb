"""How rules read properties: by path, with what is missing and what is not known yet kept apart."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pulumi_policy import PolicyProviderResource, PolicyResource
from pulumi_policy.proxy import UnknownValueError

from policies.rules.rule import unchecked


def value(values: Any, *steps: str | int) -> Any:
    """The value at the path; None where there is nothing. Raises UnknownValueError."""
    for step in steps:
        try:
            values = values[step]
        except (KeyError, IndexError, TypeError):
            return None
    return values


def known(values: Any, *steps: str | int) -> Any:
    """The value at the path; None where there is nothing, or where it is not known yet."""
    try:
        return value(values, *steps)
    except UnknownValueError:
        return None


def items(values: Any, *steps: str | int) -> list[Any]:
    """Items of a list; empty where there is none. Raises UnknownValueError for an item, too."""
    found = value(values, *steps)
    return list(found) if isinstance(found, Sequence) and not isinstance(found, str) else []


def entries(values: Any, *steps: str | int) -> int:
    """How many items a list has, known or not."""
    found = value(values, *steps)
    return len(found) if isinstance(found, Sequence) and not isinstance(found, str) else 0


def has(values: Any, key: str) -> bool:
    """Whether there is a value, known or not."""
    try:
        return bool(value(values, key))
    except UnknownValueError:
        return True


def text(values: Any, *steps: str | int) -> str:
    """Text in lower case, as clouds compare names; empty where there is none. Raises UnknownValueError."""
    found = value(values, *steps)
    return found.strip().lower() if isinstance(found, str) else ""


def host(values: Any, *steps: str | int) -> str:
    """A host name in one spelling; a dot at its end means the same."""
    return text(values, *steps).rstrip(".")


def accounts(provider: PolicyProviderResource | None) -> list[str]:
    """AWS accounts in which a provider may work; none where it does not say. Raises UnknownValueError."""
    return account_ids(provider.props) if provider else []


def known_accounts(provider: PolicyProviderResource | None) -> list[str]:
    """The same; none where that is not known yet."""
    return _ids(known(provider.props, "allowedAccountIds")) if provider else []


def account_ids(settings: Any) -> list[str]:
    """The same, of the provider's own properties. Raises UnknownValueError."""
    return _ids(value(settings, "allowedAccountIds"))


def _ids(given: Any) -> list[str]:
    # What a provider resource takes is JSON in a text.
    return [str(one) for one in (json.loads(given) if isinstance(given, str) else given or [])]


def is_of(name: str, own: Sequence[str]) -> bool:
    """Whether a principal, or an ARN, is of one of these accounts."""
    # What follows an ARN's account is its owner's choice: another account may call a path `:111111111111:`.
    parts = name.split(":", 5)
    return (parts[4] if len(parts) == 6 else name) in own


def is_prod(urn: str) -> bool:
    """Whether the stack is judged as production: all are but dev and the personal dev-USER."""
    stack = urn.removeprefix("urn:pulumi:").partition("::")[0]
    return stack != "dev" and not stack.startswith("dev-")


def current(type_token: str) -> str:
    """The type's present name: S3's types had a second one, with V2 at its end."""
    return type_token.replace("V2:", ":").removesuffix("V2") if type_token.startswith("aws:s3/") else type_token


def of_type(resources: Iterable[PolicyResource], *types: str) -> list[PolicyResource]:
    """Resources of these types, under their present or their older names."""
    return [resource for resource in resources if current(resource.resource_type) in types]


def parents(resource: PolicyResource) -> Iterator[PolicyResource]:
    """The components that hold it, the nearest first."""
    parent = resource.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def is_below(resource: PolicyResource, type_token: str) -> bool:
    """Whether it is a descendant of a component of this type."""
    return any(parent.resource_type == type_token for parent in parents(resource))


def each(
    resources: Iterable[PolicyResource], check: Callable[[PolicyResource], Iterator[str]]
) -> Iterator[tuple[str, str]]:
    """Every message of every resource; an unknown value of one keeps no other from being judged."""
    for resource in resources:
        try:
            for message in check(resource):
                yield message, resource.urn
        except UnknownValueError as error:
            yield unchecked(error), resource.urn


def each_to_the_end(
    resources: Iterable[PolicyResource], check: Callable[[PolicyResource], Iterator[str]]
) -> Iterator[tuple[str, str]]:
    """The same, for rules that may wait: raises UnknownValueError, but at the end, so that what can be judged is."""
    unknown: UnknownValueError | None = None
    for resource in resources:
        try:
            for message in check(resource):
                yield message, resource.urn
        except UnknownValueError as error:
            unknown = error
    if unknown is not None:
        raise unknown


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Path and text of every known string inside a value.

    Unknown ones are skipped: nobody wrote what a cloud generates.
    """
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key in value:
            yield from _texts_at(value, key, f"{path}.{key}" if path else str(key))
    elif isinstance(value, Sequence):
        for index in range(len(value)):
            yield from _texts_at(value, index, f"{path}[{index}]")


def _texts_at(value: Any, key: Any, path: str) -> Iterator[tuple[str, str]]:
    try:
        item = value[key]
    except UnknownValueError:
        return
    yield from texts(item, path)
