"""Secrets in what a machine runs at its first start."""

import re
from collections.abc import Iterator

from pulumi_policy import ResourceValidationArgs, Severity, StackValidationArgs

from components.resource_types import tokens
from components.resource_types.table import RESOURCE_TYPES
from policies.rules.rule import Rule, StackRule
from policies.scan import scanner

SCRIPTS = {token: row.scripts for token, row in RESOURCE_TYPES.items() if row.scripts}
# An activation's code is meant to be there, if it registers but one machine: the next rule.
CODE = re.compile(r"-activation-code[= ]+[\"']?[A-Za-z0-9+/]{20}(?![A-Za-z0-9+/])")


def _user_data_is_clean(args: ResourceValidationArgs) -> Iterator[str]:
    for name in SCRIPTS[args.resource_type]:
        text = CODE.sub("", args.props.get(name) or "")
        for what in scanner.found(text):
            yield f"Its {name} holds {what}."
        if scanner.assigned(text):
            yield f"Its {name} sets something that is called like a secret."
        if any(True for _ in scanner.split([("", line.partition("=")[2] or line) for line in text.splitlines()])):
            yield f"Two lines of its {name} hold a secret together."


def _user_data_registers_only(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    for resource in args.resources:
        for name in SCRIPTS.get(resource.resource_type, ()):
            for source in resource.property_dependencies.get(name, []):
                if source.resource_type != tokens.ACTIVATION:
                    yield "This instance's user data is made of something that outlives its first start.", resource.urn
                elif source.props.get("registrationLimit", 1) != 1:
                    yield "The activation in this instance's user data registers more than one machine.", resource.urn


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="user-data-holds-no-secret",
        description="User data, which everything on the machine can read, holds no secret.",
        reason=(
            "User data stands in the state as plain text unless the program marks it, because no provider does (FACTS "
            "B4), and any process on the host can read it; Lightsail's API does not give it back (FACTS E4). Base64 "
            "and gzip are opened, because cloud-init opens them, too."
        ),
        severity=Severity.CRITICAL,
        remediation="Hand it over as an SSM SecureString.",
        check=_user_data_is_clean,
        types=tuple(SCRIPTS),
        may_wait="it holds the code of an activation that is not made yet, and user-data-registers-and-nothing-else "
        "judges what else it is made of",
    ),
    StackRule(
        name="user-data-registers-and-nothing-else",
        description="What user data takes from other resources is the code of an activation for one machine.",
        reason=(
            "User data never changes after the first start, so whatever secret it holds can't be renewed. An "
            "activation for one machine is used up by that start (AWS, hybrid activations)."
        ),
        severity=Severity.CRITICAL,
        remediation="Hand everything else over as an SSM SecureString, and leave registrationLimit at 1.",
        check=_user_data_registers_only,
    ),
)
