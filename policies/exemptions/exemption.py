"""Exemptions: what a rule may let pass, for which resource, why, on whose word and until when."""

import functools
import os
import re
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import yaml

from plan import yaml_text
from policies.errors import GateError

if TYPE_CHECKING:
    from pydantic import BaseModel

FILE = Path(__file__).resolve().parents[1] / "exemptions.yaml"
# The gate judges exemptions itself, to say which are unused; its packs then report every violation.
LEFT_TO_THE_GATE = "HYBRID_EXEMPTIONS_LEFT_TO_THE_GATE"
# What it tells them besides, because their answers are remembered by it.
DAY = "HYBRID_GATE_DAY"
LONGEST = timedelta(days=366)
MOST_RESOURCES = 3
SHORTEST_REASON = 20
# Of a URN's parts only the stack, the project and the ancestors' types may be any: `…TYPE::NAME` stands at its end.
_PATTERN = re.compile(r"(?:.*[:$*])?(?P<type>[\w-]+:[\w/-]*:\w+)::(?P<name>[^*?\[\]]+)", re.ASCII)
_RULE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
_OWNER = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
# By pydantic's own names of the faults; its messages would quote the value.
_FAULTS = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of an exemption; allowed: rule, resource, reason, owner, expires",
    "string_type": "is not text",
    "date_type": "is not a date; allowed: 2027-01-31",
    "string_too_short": f"says too little; allowed: {SHORTEST_REASON} characters at least",
}


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """One entry of the file, without a fault."""

    rule: str
    resource: str
    """Pattern of the URN, with * for any text."""
    reason: str
    owner: str
    expires: date
    line: int = 0
    """Line in the file."""

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
    def summary(self) -> str:
        return f"exempted until {self.expires.isoformat()} by {self.owner}: {self.reason}"


def granted() -> Sequence[Exemption]:
    """Exemptions that a pack applies on the engine. A faulty file raises GateError, so that the pack does not start."""
    if os.environ.get(LEFT_TO_THE_GATE):
        return ()
    found = read(FILE)
    faults = [fault for _, fault in time_faults(found, current_day())]
    if faults:
        raise GateError("\n".join(faults))
    return found


def current_day() -> date:
    """Today in UTC, so that an exemption ends everywhere at once; for rules that depend on the day, too."""
    given = os.environ.get(DAY)
    return date.fromisoformat(given) if given else datetime.fromtimestamp(time.time(), UTC).date()


def read(path: Path) -> Sequence[Exemption]:
    """All exemptions of a file; none where there is no file. Raises GateError that names every fault."""
    entries = list(_entries(path))
    found, faults = [], []
    for line, entry in entries:
        wrong, values = _checked(entry)
        faults += [f"{path.name}:{line}: {fault}" for fault in wrong]
        if values:
            found.append(Exemption(**values, line=line))
    faults += [
        f"{path.name}:{one.line}: {one.rule}, {one.resource}: is listed twice; one is enough"
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
    """Exemptions that have ended, or end too late, with the fault."""
    for one in found:
        if one.expires < now:
            yield one, f"{_called(one)}: expired on {one.expires.isoformat()}; mend the resource, or renew the reason"
        elif one.expires > now + LONGEST:
            yield one, f"{_called(one)}: expires on {one.expires.isoformat()}; allowed: a year from now at most"


def scope_faults(
    found: Sequence[Exemption], rules: Collection[str], urns: Collection[str]
) -> Iterator[tuple[Exemption, str]]:
    """Exemptions for a rule that does not exist, or for too many of the judged resources, with the fault."""
    for one in found:
        number = sum(one.matches(urn) for urn in urns)
        if one.rule not in rules:
            yield one, f"{_called(one)}: there is no such rule; docs/policies lists all"
        elif number > MOST_RESOURCES:
            yield one, f"{_called(one)}: matches {number} resources; allowed: {MOST_RESOURCES} at most"


def use_faults(
    found: Sequence[Exemption], used: Collection[Exemption | None], stacks: Collection[str], gated: Collection[str]
) -> Iterator[tuple[Exemption, str]]:
    """Exemptions that nothing needs, with the fault.

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
        document = yaml_text.load(text)
        node = yaml_text.compose(text)
    except FileNotFoundError:
        return
    except OSError as error:
        raise GateError(f"{path.name}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise GateError(f"{path.name}: is not text in UTF-8") from None
    except yaml.YAMLError as error:
        raise GateError(f"{path.name}: is not YAML: {yaml_text.fault(error)}") from None
    if not isinstance(document, dict) or [*document] != ["exemptions"] or not isinstance(document["exemptions"], list):
        raise GateError(f"{path.name}: is not a list of exemptions; {allowed}")
    lines = (item.start_mark.line + 1 for _, listed in node.value for item in listed.value) if node else ()
    yield from zip(lines, document["exemptions"], strict=True)


def _checked(entry: Any) -> tuple[list[str], dict[str, Any] | None]:
    """Faults of an entry, and its values where it has none."""
    if not isinstance(entry, dict):
        return ["is not an exemption; allowed: rule, resource, reason, owner, expires"], None
    from pydantic import ValidationError

    try:
        return [], _schema().model_validate(entry).model_dump()
    except ValidationError as error:
        return [f"{'.'.join(map(str, fault['loc']))}: {_message(fault)}" for fault in error.errors()], None


@functools.cache
def _schema() -> "type[BaseModel]":
    """Made for the first entry: loading pydantic takes longer than starting a pack, and most files have no entry."""
    from pydantic import AfterValidator, ConfigDict, Field, create_model

    def matching(is_right: Callable[[str], object], fault: str) -> AfterValidator:
        def checked(text: str) -> str:
            if not is_right(text):
                raise ValueError(fault)
            return text

        return AfterValidator(checked)

    return create_model(
        "Entry",
        __config__=ConfigDict(extra="forbid", strict=True, str_strip_whitespace=True),
        rule=Annotated[str, matching(_RULE.fullmatch, "is not a rule's name; allowed: words-with-hyphens")],
        resource=Annotated[
            str,
            matching(
                is_named,
                "is too broad; allowed: a URN that ends with type and name, such as *$aws:s3/bucket:Bucket::media",
            ),
        ],
        reason=Annotated[str, Field(min_length=SHORTEST_REASON)],
        owner=Annotated[str, matching(_OWNER.fullmatch, "is not an address; allowed: an e-mail address")],
        expires=date,
    )


def _message(fault: Any) -> str:
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    return _FAULTS.get(fault["type"], "is not allowed")
