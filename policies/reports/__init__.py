"""The gate's outcome as people and programs read it, and the page of the rules."""

from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
from typing import cast

from policies.rules.findings import Outcome


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
    # Late, because a terminal has no need of XML.
    readers = "people" if form in (Format.TEXT, Format.MARKDOWN, Format.GITHUB) else "programs"
    module = import_module(f"policies.reports.for_{readers}")
    return cast(Callable[[Outcome], str], getattr(module, f"as_{form.value}"))(outcome)
