"""How rules of safety read properties: by path, with what is missing and what is unknown kept apart."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pulumi_policy import PolicyProviderResource, PolicyResource
from pulumi_policy.proxy import UnknownValueError

from policies.rule import unchecked

PROD = "prod"


def value(values: Any, *steps: str | int) -> Any:
    """What is at the end of the path, None where there is nothing. Raises UnknownValueError."""
    for step in steps:
        try:
            values = values[step]
        except (KeyError, IndexError, TypeError):
            return None
    return values


def items(values: Any, *steps: str | int) -> list[Any]:
    """What is in a list; empty where there is none. Raises UnknownValueError for an item, too."""
    found = value(values, *steps)
    return list(found) if isinstance(found, Sequence) and not isinstance(found, str) else []


def entries(values: Any, *steps: str | int) -> int:
    """How many items a list has, known or not."""
    found = value(values, *steps)
    return len(found) if isinstance(found, Sequence) and not isinstance(found, str) else 0


def has(values: Any, key: str) -> bool:
    """Whether there is a value; one that a cloud will make up is one."""
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


def account_ids(settings: Any) -> list[str]:
    """The same, of the provider's own properties."""
    given = value(settings, "allowedAccountIds")
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
    """Those of these types, under whichever name."""
    return [resource for resource in resources if current(resource.resource_type) in types]


def parents(resource: PolicyResource) -> Iterator[PolicyResource]:
    """The components that hold it, the nearest first."""
    parent = resource.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def is_below(resource: PolicyResource, type_token: str) -> bool:
    """Whether a component of this type holds it, however deep."""
    return any(parent.resource_type == type_token for parent in parents(resource))


def each(
    resources: Iterable[PolicyResource], check: Callable[[PolicyResource], Iterator[str]]
) -> Iterator[tuple[str, str]]:
    """Every message of every resource: a value that one of them lacks keeps no other from being judged."""
    for resource in resources:
        try:
            for message in check(resource):
                yield message, resource.urn
        except UnknownValueError as error:
            yield unchecked(error), resource.urn


def by_bucket(resources: Iterable[PolicyResource], *types: str) -> dict[str, list[Mapping[str, Any]]]:
    """Properties of what belongs to each bucket, by the bucket's name; what names none belongs to none."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for resource in of_type(resources, *types):
        try:
            found.setdefault(text(resource.props, "bucket"), []).append(resource.props)
        except UnknownValueError:
            # A bucket whose part can't be told is judged as one without it.
            continue
    return found
