"""Declared values as they are on this machine: generated passwords in place of references to them."""

from collections.abc import Callable
from typing import Any

from local.common.errors import LocalError
from plan.model import Computed, Plan, Secret

PASSWORD_TYPE = "random:index/randomPassword:RandomPassword"

Password = Callable[[str], str]
"""The local password for the name of a declared RandomPassword."""


def realised(plan: Plan, value: Any, password: Password) -> Any:
    """The value without marks. Raises LocalError for what only a cloud can compute."""

    def lookup(urn: str, name: str) -> str:
        resource = plan.by_urn.get(urn)
        if resource is None or resource.type != PASSWORD_TYPE or name != "result":
            raise LocalError(
                f"{urn.rpartition('::')[2]}.{name}: is known only after deployment; the local stack has no substitute"
            )
        return password(resource.name)

    match value:
        case Secret():
            return realised(plan, value.value, password)
        case Computed():
            return value.resolve(lookup)
        case dict():
            return {key: realised(plan, item, password) for key, item in value.items()}
        case list():
            return [realised(plan, item, password) for item in value]
        case _:
            return value


def setting(plan: Plan, key: str) -> str:
    """One of the program's settings, as text."""
    return str(plan.settings[f"{plan.project}:{key}"])
