"""How rules of residency read what they can do without: missing and not known yet are the same."""

import json
from typing import Any

from pulumi_policy import PolicyProviderResource
from pulumi_policy.proxy import UnknownValueError


def known(values: Any, *steps: str | int) -> Any:
    """What is at the end of the path; None where there is nothing, and where only the cloud knows."""
    for step in steps:
        try:
            values = values[step]
        except (UnknownValueError, KeyError, IndexError, TypeError):
            return None
    return values


def accounts(provider: PolicyProviderResource | None) -> list[str]:
    """AWS accounts in which a provider may work; none where it does not say."""
    given = known(provider.props, "allowedAccountIds") if provider else None
    # What a provider resource takes is JSON in a text.
    found = json.loads(given) if isinstance(given, str) else given
    return [str(one) for one in found or []]
