"""The recorded plan says what the engine would do."""

from collections.abc import Iterator
from typing import Any

import pytest
from pulumi.runtime.rpc import UNKNOWN

from plan.model import STACK_TYPE, Computed, Plan, Resource, Secret

pytestmark = pytest.mark.engine

State = dict[str, Any]

MASK = "[secret]"
# The engine adds the plugin's version to a provider's inputs.
ADDED_TO_PROVIDERS = {"version", "__internal"}


@pytest.fixture(params=["dev", "prod"])
def plan(request: pytest.FixtureRequest) -> Plan:
    found: Plan = request.getfixturevalue(f"{request.param}_plan")
    return found


@pytest.fixture
def previewed(plan: Plan, first_previews: dict[str, Any]) -> dict[str, State]:
    """Resources as the engine's preview shows them, by URN; without the stack itself."""
    states = [step["newState"] for step in first_previews[plan.stack]["steps"]]
    return {state["urn"]: state for state in states if state["type"] != STACK_TYPE}


def test_the_urns_are_the_same(plan: Plan, previewed: dict[str, State]) -> None:
    assert set(plan.by_urn) == set(previewed)


def test_the_settings_are_the_same(plan: Plan, first_previews: dict[str, Any]) -> None:
    assert plan.settings == first_previews[plan.stack]["config"]


def test_the_resources_hang_together_in_the_same_way(plan: Plan, previewed: dict[str, State]) -> None:
    for resource in plan.resources:
        state = previewed[resource.urn]
        provider = state.get("provider", "").rpartition("::")[0]
        assert (resource.type, resource.custom) == (state["type"], state["custom"])
        assert resource.parent == (None if f"::{STACK_TYPE}::" in state["parent"] else state["parent"])
        assert resource.provider == (None if "::default_" in provider else provider or None)
        assert set(resource.dependencies) == set(state.get("dependencies", ()))
        dependencies = {key: set(urns or ()) for key, urns in state.get("propertyDependencies", {}).items()}
        assert {key: set(urns) for key, urns in resource.property_dependencies.items()} == dependencies


def test_the_options_are_the_same(plan: Plan, previewed: dict[str, State]) -> None:
    for resource in plan.resources:
        options, state = resource.options, previewed[resource.urn]
        assert options.protect == state.get("protect", False), resource.urn
        assert options.retain_on_delete == state.get("retainOnDelete", False), resource.urn
        assert list(options.ignore_changes) == state.get("ignoreChanges", []), resource.urn
        assert list(options.replace_on_changes) == state.get("replaceOnChanges", []), resource.urn
        assert list(options.additional_secret_outputs) == state.get("additionalSecretOutputs", []), resource.urn


def test_the_known_inputs_are_the_same(plan: Plan, previewed: dict[str, State]) -> None:
    found = [row for resource in plan.resources for row in input_differences(resource, previewed[resource.urn])]
    assert found == []


def test_the_declarations_are_in_the_same_lines(plan: Plan, previewed: dict[str, State]) -> None:
    # A provider's declaration is inside its library, wherever that is installed.
    for resource in plan.resources:
        if resource.source and not resource.type.startswith("pulumi:providers:"):
            position = f"project:///{resource.source.path}#{resource.source.line}"
            assert position == previewed[resource.urn]["sourcePosition"]


def input_differences(resource: Resource, state: State) -> Iterator[tuple[str, Any, Any]]:
    inputs = state.get("inputs", {})
    if resource.type.startswith("pulumi:providers:"):
        inputs = {key: value for key, value in inputs.items() if key not in ADDED_TO_PROVIDERS}
    return differences(resource.name, resource.inputs, inputs)


def differences(path: str, recorded: Any, shown: Any) -> Iterator[tuple[str, Any, Any]]:
    """Leaves that differ: path, as recorded, as shown in the preview."""
    match recorded, shown:
        case dict(), dict():
            for key in {*recorded, *shown}:
                yield from differences(f"{path}.{key}", recorded.get(key), shown.get(key))
        case list(), list() if len(recorded) == len(shown):
            for index, pair in enumerate(zip(recorded, shown, strict=True)):
                yield from differences(f"{path}[{index}]", *pair)
        # During a preview the SDK forgets the mark of a secret that is not known yet.
        case (Secret(), _) if shown in (MASK, UNKNOWN):
            return
        case (Computed(), _) if shown == UNKNOWN:
            return
        # The engine masks a list with a secret in it as a whole.
        case (list(), _) if shown == MASK and any(
            isinstance(text, Secret) for item in recorded for text in item.values()
        ):
            return
        case _ if recorded != shown:
            yield path, recorded, shown
