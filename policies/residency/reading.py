"""How rules of residency read what they can do without: missing and not known yet are the same."""

from typing import Any

from pulumi_policy.proxy import UnknownValueError


def known(values: Any, *steps: str | int) -> Any:
    """What is at the end of the path; None where there is nothing, and where only the cloud knows."""
    for step in steps:
        try:
            values = values[step]
        except (UnknownValueError, KeyError, IndexError, TypeError):
            return None
    return values
