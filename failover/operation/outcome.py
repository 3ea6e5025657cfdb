"""What an operation did: as data, as lines for the terminal, and as the files of its evidence. No secret is in any."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote

from failover.cloudflare.transport import Call
from failover.common.clock import stamp
from failover.common.files import replace
from failover.common.terms import Act, Via
from failover.operation.active_setting import Setting


class Result(StrEnum):
    """How it ended."""

    SWITCHED = "switched"
    """Verified from outside."""
    ALREADY = "already"
    """There was nothing to change, and clients see the wanted side."""
    BACKED_OUT = "backed out"
    """A restore that did not hold; the stand-by answers again."""
    UNVERIFIED = "unverified"
    """Changed as far as the API allowed; not every host was seen on the wanted side in time."""

    @property
    def is_done(self) -> bool:
        return self in (Result.SWITCHED, Result.ALREADY)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step, in seconds since the operation began."""

    name: str
    at_seconds: float
    seconds: float
    detail: str = ""
    fault: str | None = None


@dataclass(kw_only=True)
class Outcome:
    operation: str
    act: Act
    via: Via
    """How the switch was asked for."""
    stack: str
    hosts: list[str]
    who: str
    started_at: datetime
    budget_seconds: float
    result: Result = Result.UNVERIFIED
    plan: str = ""
    """Which plan the API has confirmed, or `restore`; empty where it has confirmed none."""
    seconds: float = 0.0
    switched_after_seconds: float | None = None
    """Seconds from the operation's start until the side held for every host."""
    steps: list[Step] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    """What was sent to the API, in this order, and whether it has confirmed it."""
    calls: list[Call] = field(default_factory=list)
    sightings: list[str] = field(default_factory=list)
    dissent: list[str] = field(default_factory=list)
    """Resolvers that said something else than most, or nothing."""
    warnings: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    overridden: list[str] = field(default_factory=list)
    """Refusals that --force overrode."""
    force: str | None = None
    """The reason given with --force."""
    continues: str | None = None
    """The operation that was cut short and that this one has finished or backed out."""
    clock_skew_seconds: float | None = None
    setting: Setting | None = None

    @property
    def in_order(self) -> list[Step]:
        """Steps by when they began: a step is noted when it ends, and one may lie within another."""
        return sorted(self.steps, key=lambda step: step.at_seconds)

    def document(self) -> dict[str, Any]:
        """The outcome as JSON data."""
        rest = {
            key: value
            for key, value in self.__dict__.items()
            if key not in ("started_at", "steps", "calls", "setting", "act", "via", "result")
        }
        return {
            **rest,
            "act": str(self.act),
            "via": str(self.via),
            "result": str(self.result),
            "started_at": stamp(self.started_at),
            "steps": [step.__dict__ for step in self.in_order],
            "calls": [call.document() for call in self.calls],
            "setting": str(self.setting) if self.setting else None,
        }


def plan_in_force(outcome: Outcome) -> str:
    """What is in force by this operation, as far as the API has confirmed it."""
    if outcome.act is Act.RESTORE:
        return "backed out" if outcome.result is Result.BACKED_OUT else "restore"
    return f"by plan {outcome.plan}" if outcome.plan else "by no plan: the API has confirmed no change"


def outcome_lines(outcome: Outcome) -> list[str]:
    calls = f"{len(outcome.calls)} API calls"
    active = [f"active side: {outcome.setting}"] if outcome.setting else []
    if outcome.result is Result.ALREADY:
        already = f"nothing to change, {outcome.act.side} answers already ({calls}, none of them a change)"
        return [f"{outcome.stack}: {already}", *active]
    took = f"{outcome.seconds:.1f} of {outcome.budget_seconds:.0f} s, {calls}"
    ends = {
        Result.SWITCHED: f"{outcome.act.side} answers, seen from outside after {outcome.switched_after_seconds} s",
        Result.BACKED_OUT: "the Worker's side did not hold; backed out, the stand-by answers",
        Result.UNVERIFIED: "NOT verified from outside; see below, and `plan --by-hand`",
    }
    lines = [f"{outcome.stack}: {outcome.act} {outcome.operation}: {ends[outcome.result]} ({took})"]
    if outcome.act is Act.ROLLBACK:
        lines.append(plan_in_force(outcome))
    lines += [f"fault: {one}" for one in dict.fromkeys(outcome.faults)]
    if outcome.result is Result.UNVERIFIED:
        lines += [one for one in outcome.sightings if not any(other.startswith(one) for other in outcome.dissent)]
    lines += [f"resolver: {one}" for one in outcome.dissent]
    lines += active
    if outcome.plan.startswith("B"):
        lines.append("the record is DNS-only now: a restore makes it proxied again")
    return lines


def write(folder: Path, outcome: Outcome) -> list[Path]:
    """The files, named after the operation's start. Raises FailoverError."""
    name = f"{name_of(outcome.act, outcome.stack, outcome.started_at)}-{outcome.operation}"
    texts = {
        f"{name}.json": json.dumps(outcome.document(), indent=2, ensure_ascii=False) + "\n",
        f"{name}.md": markdown(outcome),
    }
    for file, text in texts.items():
        replace(folder / file, text, makes_folder=True)
    return [folder / file for file in texts]


def name_of(what: str, stack: str, moment: datetime) -> str:
    """Name of a file of evidence without its extension; the stack is in it, for several may share a folder."""
    return f"{what}-{quote(stack, safe='')}-{moment.astimezone(UTC):%Y%m%d-%H%M%S}Z"


def markdown(outcome: Outcome) -> str:
    lines = [f"# {outcome.act.capitalize()} of {outcome.stack}, {stamp(outcome.started_at)}: {outcome.result}", ""]
    lines += [f"* {one}" for one in _facts(outcome)]
    lines += ["", "## Timeline", "", "| At s | Took s | Step | |", "|---:|---:|---|---|"]
    for step in outcome.in_order:
        end = _cell(step.fault or step.detail)
        lines.append(f"| {step.at_seconds:.2f} | {step.seconds:.2f} | {_cell(step.name)} | {end} |")
    lines += ["", "## API calls", "", "| Call | Request | Try | Status | Took s |", "|---|---|---:|---:|---:|"]
    for call in outcome.calls:
        status = _status(call)
        lines.append(f"| {call.name} | `{call.request}` | {call.attempt} | {status} | {call.seconds:.2f} |")
    for title, rows in _lists(outcome):
        if rows:
            lines += ["", f"## {title}", "", *(f"* {_cell(row)}" for row in rows)]
    return "\n".join(lines) + "\n"


def _facts(outcome: Outcome) -> list[str]:
    switched, plan = outcome.switched_after_seconds, plan_in_force(outcome)
    facts = [
        f"Operation {outcome.operation} by {outcome.who}, hosts {', '.join(outcome.hosts)}",
        f"{plan[0].upper()}{plan[1:]}, {outcome.seconds:.1f} of {outcome.budget_seconds:.0f} s, "
        f"{len(outcome.calls)} API calls",
    ]
    if switched is not None:
        facts.append(f"Seen from outside after {switched:.1f} s")
    if outcome.continues:
        facts.append(f"Ends operation {outcome.continues}, which was cut short")
    if outcome.force:
        facts.append(f"Forced, because: {_cell(outcome.force)}")
    if outcome.clock_skew_seconds is not None:
        facts.append(f"This machine's clock minus the API's: {outcome.clock_skew_seconds:.0f} s")
    if outcome.setting:
        facts.append(f"Active side: {_cell(str(outcome.setting))}")
    return facts


def _lists(outcome: Outcome) -> list[tuple[str, list[str]]]:
    return [
        ("Put aside by --force", outcome.overridden),
        ("What clients saw last", outcome.sightings),
        ("Resolvers that said something else, or nothing", outcome.dissent),
        ("Warnings", outcome.warnings),
        ("Faults", outcome.faults),
    ]


def _status(call: Call) -> str:
    """The fault begins with the status, where the API gave one."""
    status, fault = str(call.status or "–"), _cell(call.fault or "")
    return fault if fault.startswith(status) else f"{status} {fault}".strip()


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
