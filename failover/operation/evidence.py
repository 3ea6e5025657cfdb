"""What an operation leaves: its outcome as JSON, and the same as a timeline in words. No secret is in either."""

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from failover.cloudflare.transport import Call
from failover.common.clock import stamp
from failover.common.files import replace
from failover.operation.outcome import Outcome
from failover.operation.words import plan_words


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
    """Of a file of evidence, without what follows the moment: those of several stacks may lie in one folder."""
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
    switched, plan = outcome.switched_after_seconds, plan_words(outcome)
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
    """The fault's words begin with the status, where the API gave one."""
    status, fault = str(call.status or "–"), _cell(call.fault or "")
    return fault if fault.startswith(status) else f"{status} {fault}".strip()


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
