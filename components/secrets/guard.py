"""Refuses a resource that takes a secret which is not one: on by default, in the recorder and on Pulumi's engine.

No policy can do this: packs get secrets decrypted and unmarked (pulumi-policy, deserialize_properties).
"""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
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
    """For every resource that the program makes from here on."""
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
    paths = [path for pattern in patterns for path in await _in_the_clear(props, pattern.split("."), "")]
    if paths:
        raise SecretError(type_token, name, paths)
    return []


async def _in_the_clear(value: Any, steps: Sequence[str], path: str) -> list[str]:
    """Paths of the texts that the pattern's steps lead to and that are not secret outputs."""
    if isinstance(value, pulumi.Output):
        if await value.is_secret():
            return []
        if not await value.is_known():
            # Of a list, which parts it has is not known yet.
            may_wait = any(step.startswith(("?", "*")) for step in steps) or await _is_made_of_a_secret(value)
            return [] if may_wait else [path]
        value = await value.future()
    elif isinstance(value, Awaitable):
        value = await value
    if value is None:
        return []
    if not steps:
        return [path]
    found = []
    for key, part in await _parts(_plain(value), steps[0]):
        below = path if key is None else f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip(".")
        found += await _in_the_clear(part, steps[1:], below)
    return found


async def _is_made_of_a_secret(value: pulumi.Output[Any]) -> bool:
    """Before a resource is made the SDK does not mark its outputs; in the update it does, and then they are judged."""
    return any(properties.outputs(made.pulumi_resource_type) for made in await value.resources())


async def _parts(value: Any, step: str) -> list[tuple[str | int | None, Any]]:
    """What a step leads to; None for the same part, when it has what the step asks for."""
    if step.startswith("?"):
        key, _, text = step[1:].partition("=")
        kind = dict(_items(value)).get(key)
        kind = await kind.future() if isinstance(kind, pulumi.Output) else kind
        return [(None, value)] if kind in (text, None) else []
    return [(key, part) for key, part in _items(value) if step in ("*", key)]


def _items(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, Mapping):
        # Resources get Python's names at the top, and either kind below it.
        yield from ((_wire_name(str(key)), part) for key, part in value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield from enumerate(value)


def _wire_name(name: str) -> str:
    if not name.islower():
        return name
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _plain(value: Any) -> Any:
    return input_type_to_untranslated_dict(value) if is_input_type(type(value)) else value
