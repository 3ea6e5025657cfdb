"""A plan as Terraform would write it, so that tools for Terraform can judge as much."""

import json
import re
from typing import Any

from plan.model import Computed, Plan, Resource, Secret

_CAPITAL = re.compile(r"(?<=[a-z0-9])([A-Z])")
# Where Terraform's name of a service is not Pulumi's.
_SERVICES = {"lightsail": "lightsail_", "cloudwatch": "cloudwatch_", "index": ""}


def as_terraform(plan: Plan, size: int) -> str:
    """JSON text as of `terraform show -json`, with the first `size` resources that Terraform would know."""
    known = [found for found in plan.resources if found.custom and not found.type.startswith("pulumi:")][:size]
    resources = [_resource(found, number) for number, found in enumerate(known)]
    changes = [_change(resource) for resource in resources]
    document = {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": resources}},
        "resource_changes": changes,
        "configuration": {"root_module": {}},
    }
    return json.dumps(document)


def _resource(found: Resource, number: int) -> dict[str, Any]:
    package, module, name = found.type.split(":")
    service = module.split("/")[0]
    kind = f"{package}_{_SERVICES.get(service, f'{service}_')}{_snake(name)}"
    label = f"{_snake(found.name).replace('-', '_')}_{number}"
    return {
        "address": f"{kind}.{label}",
        "mode": "managed",
        "type": kind,
        "name": label,
        "provider_name": f"{package}",
        "schema_version": 0,
        "values": _values(found.inputs),
    }


def _change(resource: dict[str, Any]) -> dict[str, Any]:
    kept = {key: resource[key] for key in ("address", "mode", "type", "name", "provider_name")}
    return {
        **kept,
        "change": {"actions": ["create"], "before": None, "after": resource["values"], "after_unknown": {}},
    }


def _values(value: Any) -> Any:
    """Names as Terraform writes them; what is not known yet is left out."""
    match value:
        case Secret():
            return _values(value.value)
        case Computed():
            return None
        case dict():
            return {_snake(key): _values(item) for key, item in value.items() if not isinstance(item, Computed)}
        case list():
            return [_values(item) for item in value]
        case _:
            return value


def _snake(name: str) -> str:
    return _CAPITAL.sub(r"_\1", name).lower()
