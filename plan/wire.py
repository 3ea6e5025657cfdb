"""Values as Pulumi's protocol carries them, to and from plain data with marks."""

from typing import Any

from google.protobuf import json_format, struct_pb2
from pulumi.runtime import rpc

from plan.model import Computed, Secret, is_computed

_SIGNATURE = rpc._special_sig_key
_SECRET = rpc._special_secret_sig
_ASSET = rpc._special_asset_sig
_ARCHIVE = rpc._special_archive_sig
_OUTPUT = rpc._special_output_value_sig
_RESOURCE = rpc._special_resource_sig
UNKNOWN = rpc.UNKNOWN


def is_special(value: dict[str, Any]) -> bool:
    """Whether an object is a secret's envelope, an asset or the like."""
    return _SIGNATURE in value


def is_secret(value: dict[str, Any]) -> bool:
    """Whether an object is a secret's envelope."""
    return bool(value.get(_SIGNATURE) == _SECRET)


def from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Properties of a request as plain data with marks."""
    return {key: from_wire(value) for key, value in sorted(json_format.MessageToDict(struct).items())}


def from_wire(value: Any) -> Any:
    """One value; numbers without a fraction become int."""
    match value:
        case dict() if _SIGNATURE in value:
            return _special(value)
        case dict():
            # A protobuf map has no order of its own.
            return {key: from_wire(item) for key, item in sorted(value.items())}
        case list():
            return [from_wire(item) for item in value]
        case float() if value.is_integer():
            return int(value)
        case str() if value == UNKNOWN:
            return Computed()
        case str() if is_computed(value):
            return Computed(value)
        case _:
            return value


def _special(value: dict[str, Any]) -> Any:
    signature = value[_SIGNATURE]
    if signature == _SECRET:
        return Secret(from_wire(value.get("value")))
    if signature == _OUTPUT:
        inner = from_wire(value["value"]) if "value" in value else Computed()
        return Secret(inner) if value.get("secret") else inner
    if signature == _RESOURCE:
        return value["urn"]
    kind = {_ASSET: "asset", _ARCHIVE: "archive"}[signature]
    return {kind: {key: from_wire(item) for key, item in value.items() if key != _SIGNATURE}}


def to_struct(properties: dict[str, Any]) -> struct_pb2.Struct:
    """Plain data with marks as the engine would send it: secrets in their envelope, computed values unknown."""
    struct = struct_pb2.Struct()
    struct.update({key: to_wire(item) for key, item in properties.items()})
    return struct


def to_wire(value: Any) -> Any:
    """One value."""
    match value:
        case Secret():
            return secret(to_wire(value.value))
        case Computed():
            return UNKNOWN
        case dict():
            return {key: to_wire(item) for key, item in value.items()}
        case list():
            return [to_wire(item) for item in value]
        case _:
            return value


def secret(value: Any) -> dict[str, Any]:
    """Envelope of a secret value."""
    return {_SIGNATURE: _SECRET, "value": value}
