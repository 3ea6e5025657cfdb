"""Refuses a resource that takes a secret which is not one: on by default, in the recorder and on Pulumi's engine.

No policy can do this: packs get secrets decrypted and unmarked (pulumi-policy, deserialize_properties).
"""

from collections.abc import Awaitable, Mapping, Sequence
from enum import Enum, auto
from typing import Any, cast

import pulumi
from pulumi._types import input_type_to_untranslated_dict, is_input_type

from components.common.errors import HybridError
from components.secrets import properties


class SecretError(HybridError, pulumi.RunError):
    """A property made for a secret got something else; `paths` has each of the resource's."""

    def __init__(self, type_token: str, name: str, paths: Sequence[str]) -> None:
        self.paths = paths
        super().__init__(
            f"{name} ({type_token}): {', '.join(paths)}: in the clear; "
            "allowed: a secret output, from RandomPassword, `pulumi config set --secret` or pulumi.Output.secret"
        )


def refuse_secrets_in_the_clear() -> None:
    """Checks every resource that the program makes from here on."""
    pulumi.runtime.register_stack_transformation(_check)


def _check(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    patterns = properties.inputs(args.type_)
    if not patterns:
        return None
    nothing = cast(Awaitable[Any], _no_dependency(args.type_, args.name, args.props, patterns))
    checked: pulumi.Output[Any] = pulumi.Output.from_input(nothing)
    # A resource waits for what it depends on, so it is not registered before all its faults are known.
    opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(depends_on=checked))
    return pulumi.ResourceTransformationResult(props=args.props, opts=opts)


async def _no_dependency(
    type_token: str, name: str, props: Mapping[str, Any], patterns: Sequence[str]
) -> list[pulumi.Resource]:
    """Raises SecretError that names every property."""
    seen = await _seen(props)
    reached = (part for pattern in patterns for part in properties.reached(seen, pattern, _is_closed))
    paths = [path for path, value, steps in reached if _is_in_the_clear(value, steps)]
    if paths:
        raise SecretError(type_token, name, paths)
    return []


class _Closed(Enum):
    """Stands for an output that can't be looked into."""

    SECRET = auto()
    UNKNOWN = auto()
    UNKNOWN_AND_MADE_OF_A_SECRET = auto()


async def _seen(value: Any) -> Any:
    """The value by its names on the wire, with what its outputs hold in their place."""
    if isinstance(value, pulumi.Output):
        if await value.is_secret():
            return _Closed.SECRET
        if not await value.is_known():
            return _Closed.UNKNOWN_AND_MADE_OF_A_SECRET if await _is_made_of_a_secret(value) else _Closed.UNKNOWN
        value = await value.future()
    elif isinstance(value, Awaitable):
        value = await value
    if is_input_type(type(value)):
        value = input_type_to_untranslated_dict(value)
    if isinstance(value, Mapping):
        # Resources get Python's names at the top, and either kind below it.
        return {_wire_name(str(key)): await _seen(part) for key, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [await _seen(part) for part in value]
    return value


def _is_closed(value: Any) -> bool:
    # What has no kind, or none that is known, is taken for the kind that is asked for.
    return value is None or isinstance(value, _Closed)


def _is_in_the_clear(value: Any, steps: Sequence[str]) -> bool:
    """Whether the value at these steps is readable, neither secret nor unknown."""
    if value is _Closed.UNKNOWN:
        # An unknown list's items are unknown, too.
        return not any(step.startswith(("?", "*")) for step in steps)
    return not isinstance(value, _Closed)


async def _is_made_of_a_secret(value: pulumi.Output[Any]) -> bool:
    """Whether an output that the SDK can't mark yet is secret: it marks outputs only once the resource is made."""
    return any(properties.outputs(made.pulumi_resource_type) for made in await value.resources())


def _wire_name(name: str) -> str:
    if not name.islower():
        return name
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
