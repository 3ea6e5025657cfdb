"""What several stacks may not both have: host names, an account's singletons, names of resources."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from components.resource_types import tokens
from components.settings.stack_file import PROJECT, StackFile
from plan.model import Plan, Resource
from plan.project import ROOT

# Settings whose value is one stack's only, and those that are true in one stack of each AWS account.
_HOSTS = ("siteHostname", "apiHostname", "databaseHostname", "poolerHostname", "pagesHostnames")
_OWNED = {"ownsGithubOidcProvider": tokens.OIDC_PROVIDER, "ownsAdvancedInstancesTier": tokens.NODE_TIER}
# By which a cloud tells resources of a type apart, the first that there is.
_NAMES = ("bucket", "settingId", "hostname", "pattern", "domain", "name", "url")
# Of every account in the world.
_GLOBAL = (tokens.BUCKET, "aws:cognito/userPoolDomain:UserPoolDomain")
# What stands beside the name within an account, as does every ID: of a zone, of a pool.
_WITHIN = ("region", "role", "user", "type")
_PROVIDERS = "pulumi:providers:"


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What a stack has that an earlier one has already."""

    plan: Plan
    message: str
    setting: str = ""
    resource: Resource | None = None

    @property
    def place(self) -> str:
        """The setting's line or, where there is none, the resource's."""
        file = StackFile.of(self.plan.stack, ROOT)
        line = file.line(self.setting) if self.setting else None
        return f"{file.name}:{line}" if line else self.resource.declared_at if self.resource else ""


def shared(plans: Sequence[Plan]) -> Iterator[Shared]:
    """Each thing that two of the stacks have, with the later one; one stack seen twice shares nothing with itself."""
    stacks = {plan.stack: plan for plan in reversed(plans)}
    first: dict[tuple[str, ...], Plan] = {}
    for plan in sorted(stacks.values(), key=plans.index):
        told: set[str] = set()
        for setting, value, identity in _of_settings(plan):
            owner = first.setdefault(identity, plan)
            if owner is not plan:
                told.add(value or _OWNED[setting])
                what = f"is {value}" if value else "is true for this AWS account"
                yield Shared(plan=plan, message=f"{setting} {what}, as in {_seen(owner, setting)}.", setting=setting)
        for resource, value, identity in _of_resources(plan):
            owner = first.setdefault(identity, plan)
            # What follows from a setting that is told is not told again.
            if owner is not plan and resource.type not in told and not any(name in value for name in told):
                yield Shared(plan=plan, message=f"{owner.stack} has one of this type and name, too.", resource=resource)


def _seen(plan: Plan, setting: str) -> str:
    file = StackFile.of(plan.stack, ROOT)
    line = file.line(setting)
    return f"{file.name}:{line}" if line else f"stack {plan.stack}"


def _of_settings(plan: Plan) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Setting, value (none of a switch) and what it stands for."""
    given = {name: plan.settings.get(f"{PROJECT}:{name}") for name in (*_HOSTS, *_OWNED)}
    for name in _HOSTS:
        for host in _texts(given[name]):
            yield name, host, ("host", host.lower())
    for name in _OWNED:
        if given[name] == "true":
            yield name, "", (name, str(plan.settings.get(f"{PROJECT}:awsAccountId")))


def _texts(text: Any) -> list[str]:
    if not isinstance(text, str):
        return []
    try:
        found = json.loads(text)
    except ValueError:
        found = text
    return [str(one) for one in found] if isinstance(found, list) else [text] if text else []


def _of_resources(plan: Plan) -> Iterator[tuple[Resource, str, tuple[str, ...]]]:
    """Resource, name and what it is told apart by; nothing of one whose name is made up or not known yet."""
    for resource in plan.resources:
        name = next((found for key in _NAMES if isinstance(found := resource.inputs.get(key), str)), "")
        if not name or not resource.custom or resource.type.startswith(_PROVIDERS) or resource.is_left_over:
            continue
        kind, within = (
            resource.type,
            [resource.inputs[key] for key in sorted(resource.inputs) if _is_around(key)],
        )
        # A part that belongs to something that is not known yet can't be compared.
        if all(isinstance(item, str) for item in within):
            scope = () if kind in _GLOBAL else (_account(plan, resource), *(str(item) for item in within))
            yield resource, name.lower(), (kind, name.lower(), *scope)


def _is_around(key: str) -> bool:
    return key in _WITHIN or (key.endswith("Id") and key not in _NAMES)


def _account(plan: Plan, resource: Resource) -> str:
    provider = plan.by_urn.get(resource.provider or "")
    return str(provider.inputs.get("allowedAccountIds")) if provider else ""
