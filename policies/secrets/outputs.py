"""Secrets in what the stack exports and its components register: both stand in the state."""

from collections.abc import Iterator

from pulumi_policy import PolicyResource, Severity, StackValidationArgs

from plan.model import PROVIDERS, STACK_TYPE
from policies import scanner, sdk_reading
from policies.rule import StackRule
from policies.secrets.places import all_texts


def _outputs_are_clean(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    for resource in args.resources:
        if not _is_component(resource):
            continue
        marked = sdk_reading.marked_outputs(resource.urn)
        for path, place in all_texts(resource.props):
            if any(path == known or path.startswith((f"{known}.", f"{known}[")) for known in marked):
                continue
            for what in scanner.found(place.text, place.name):
                yield f"Output {place.path} holds {what} and is not secret.", resource.urn
            if scanner.is_secret_name(place.name) and place.text and scanner.is_worth_hiding(place.text):
                yield f"Output {place.path} holds what it calls a secret and is not secret.", resource.urn


def _is_component(resource: PolicyResource) -> bool:
    """The stack is one; the protocol does not say so, but what a provider makes has a module with a slash."""
    if resource.resource_type == STACK_TYPE:
        return True
    is_provided = resource.provider is not None or resource.resource_type.startswith(PROVIDERS)
    return not is_provided and "/" not in resource.resource_type


RULES = (
    StackRule(
        name="outputs-hold-no-known-secret",
        description="No export, and no output of a component, holds a secret that is not marked as one.",
        reason=(
            "Outputs stand in the state, and exports are printed after each update. The engine says which outputs are "
            "secret, though the SDK takes the marks away (seen on the engine); those are passed over."
        ),
        severity=Severity.CRITICAL,
        remediation="Leave it out, or give it as a secret output; then renew it, it has been seen.",
        passes_unknown=(
            "what it is made of is judged where it is known, and the gate judges what the recorder knows of it"
        ),
        check=_outputs_are_clean,
    ),
)
