"""Exemptions: what a rule may let pass, for which resource, why, on whose word and until when."""

import os
import re
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from plan import yaml_text
from policies.errors import GateError

FILE = Path(__file__).resolve().parent / "exemptions.yaml"
# The gate judges exemptions itself, to say which are unused; its packs then report every violation.
LEFT_TO_THE_GATE = "HYBRID_EXEMPTIONS_LEFT_TO_THE_GATE"
# What it tells them besides, because their answers are remembered by it.
DAY = "HYBRID_GATE_DAY"
LONGEST = timedelta(days=366)
MOST_RESOURCES = 3
# Of a URN's parts only the stack, the project and the ancestors' types may be any: `…TYPE::NAME` stands at its end.
_PATTERN = re.compile(r"(?:.*[:$*])?(?P<type>[\w-]+:[\w/-]*:\w+)::(?P<name>[^*?\[\]]+)", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """One, as written in the file and found sound."""

    rule: str
    resource: str
    """Pattern of the URN, with * for any text."""
    reason: str
    owner: str
    expires: date
    line: int = 0
    """Of the file."""

    def covers(self, rule: str, urn: str) -> bool:
        return self.rule == rule and self.matches(urn)

    def matches(self, urn: str) -> bool:
        return fnmatchcase(urn, self.resource)

    def is_about(self, stack: str) -> bool:
        """Whether the pattern may match a resource of this stack."""
        parts = self.resource.split("::")
        return len(parts) < 4 or "*" in parts[0] or parts[0] == f"urn:pulumi:{stack}"

    def waits_for(self, stacks: Collection[str], gated: Collection[str]) -> list[str]:
        """Which of the project's stacks might need it and were not gated."""
        return [stack for stack in stacks if self.is_about(stack) and stack not in gated]

    @property
    def words(self) -> str:
        return f"exempted until {self.expires.isoformat()} by {self.owner}: {self.reason}"


def granted() -> Sequence[Exemption]:
    """Those that a pack applies on the engine. Raises GateError for a faulty file, so that the pack stays shut."""
    if os.environ.get(LEFT_TO_THE_GATE):
        return ()
    found = read(FILE)
    faults = [fault for _, fault in time_faults(found, current_day())]
    if faults:
        raise GateError("\n".join(faults))
    return found


def current_day() -> date:
    """In UTC, so that an exemption ends everywhere at once. Rules that depend on the day ask here."""
    given = os.environ.get(DAY)
    return date.fromisoformat(given) if given else datetime.fromtimestamp(time.time(), UTC).date()


def read(path: Path) -> Sequence[Exemption]:
    """All of a file. Raises GateError that names every fault; a file that is not there grants nothing."""
    entries = list(_entries(path))
    # Loading pydantic takes longer than starting a pack; without an exemption nothing needs it.
    if not entries:
        return ()
    from policies.exemption_schema import check

    found, faults = [], []
    for line, entry in entries:
        wrong, values = check(entry)
        faults += [f"{path.name}:{line}: {fault}" for fault in wrong]
        if values:
            found.append(Exemption(**values, line=line))
    faults += [
        f"{path.name}:{one.line}: {one.rule}, {one.resource}: stands twice; one is enough"
        for index, one in enumerate(found)
        if any((one.rule, one.resource) == (other.rule, other.resource) for other in found[:index])
    ]
    if faults:
        raise GateError("\n".join(faults))
    return tuple(found)


def is_named(pattern: str) -> bool:
    """Whether a pattern names one type and one logical name, so that it can't grow with the stack."""
    return _PATTERN.fullmatch(pattern) is not None and "?" not in pattern and "[" not in pattern


def time_faults(found: Sequence[Exemption], now: date) -> Iterator[tuple[Exemption, str]]:
    """Each that has ended, or ends too late, and what is wrong in words."""
    for one in found:
        if one.expires < now:
            yield one, f"{_called(one)}: expired on {one.expires.isoformat()}; mend the resource, or renew the reason"
        elif one.expires > now + LONGEST:
            yield one, f"{_called(one)}: expires on {one.expires.isoformat()}; allowed: a year from now at most"


def scope_faults(
    found: Sequence[Exemption], rules: Collection[str], urns: Collection[str]
) -> Iterator[tuple[Exemption, str]]:
    """Each for a rule that is not there, or for too many of the resources that were judged."""
    for one in found:
        number = sum(one.matches(urn) for urn in urns)
        if one.rule not in rules:
            yield one, f"{_called(one)}: there is no such rule; docs/policies lists all"
        elif number > MOST_RESOURCES:
            yield one, f"{_called(one)}: matches {number} resources; allowed: {MOST_RESOURCES} at most"


def use_faults(
    found: Sequence[Exemption], used: Collection[Exemption | None], stacks: Collection[str], gated: Collection[str]
) -> Iterator[tuple[Exemption, str]]:
    """Each that nothing needs.

    `stacks` are all of the project, `gated` those that were judged: what another stack uses is not unused.
    """
    for one in found:
        if one not in used and not one.waits_for(stacks, gated):
            yield one, f"{_called(one)}: nothing needs it; remove it"


def _called(one: Exemption) -> str:
    return f"{FILE.name}:{one.line}: {one.rule}, {one.resource}"


def _entries(path: Path) -> Iterator[tuple[int, Any]]:
    """Line and content of each entry."""
    allowed = "allowed: `exemptions:` with a list, which may be empty"
    try:
        text = path.read_text()
        node = yaml.compose(text, yaml.SafeLoader)
        document = yaml_text.load(text)
    except FileNotFoundError:
        return
    except OSError as error:
        raise GateError(f"{path.name}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise GateError(f"{path.name}: is not text in UTF-8") from None
    except yaml.YAMLError as error:
        raise GateError(f"{path.name}: is not YAML: {yaml_text.fault(error)}") from None
    if not isinstance(document, dict) or [*document] != ["exemptions"] or not isinstance(document["exemptions"], list):
        raise GateError(f"{path.name}: is no list of exemptions; {allowed}")
    lines = (item.start_mark.line + 1 for _, listed in node.value for item in listed.value) if node else ()
    yield from zip(lines, document["exemptions"], strict=True)
