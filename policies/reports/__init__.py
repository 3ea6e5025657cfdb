"""The gate's outcome as people and programs read it, one format a module."""

from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
from typing import cast

from policies.findings import Outcome


class Format(StrEnum):
    """What the outcome is written as."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    MARKDOWN = "markdown"
    GITHUB = "github"


def written(outcome: Outcome, form: Format) -> str:
    """The report, without a line break at its end."""
    # Each loads only what it needs.
    module = import_module(f"policies.reports.{form.value}_report")
    return cast(Callable[[Outcome], str], module.written)(outcome)
