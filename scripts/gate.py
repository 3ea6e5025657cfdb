"""`./hybrid gate`: stacks against the policies."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from policies.gate import Verdict


class Format(StrEnum):
    """What the verdict is written as."""

    TEXT = "text"
    JSON = "json"


def gate(
    stacks: Annotated[list[str], typer.Argument(help="Stacks, such as dev prod.")],
    form: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.TEXT,
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write here, not to stdout.")] = None,
) -> None:
    """Check stacks against the policies. Exit 1 on a violation, or where a rule can't be checked."""
    from concurrent.futures import ThreadPoolExecutor

    from plan.project import Project
    from plan.record import record
    from policies.gate import judge

    Project.load().require_stacks(stacks)
    with ThreadPoolExecutor() as pool:
        plans = list(pool.map(record, stacks))
    verdicts = judge(plans)
    written = as_json(verdicts) if form is Format.JSON else as_text(verdicts)
    if output:
        _write(output, written + "\n")
    else:
        print(written)
    if any(verdict.findings for verdict in verdicts):
        raise typer.Exit(1)


def _write(path: Path, text: str) -> None:
    from components.errors import HybridError

    try:
        path.write_text(text)
    except OSError as error:
        raise HybridError(f"{path}: can't be written: {error.strerror}") from error


def as_json(verdicts: list["Verdict"]) -> str:
    """One object a stack."""
    import dataclasses
    import json

    return json.dumps([dataclasses.asdict(verdict) for verdict in verdicts], indent=2, ensure_ascii=False)


def as_text(verdicts: list["Verdict"]) -> str:
    """One line a stack, and two a finding."""
    lines = []
    for verdict in verdicts:
        number = len(verdict.findings)
        result = f"{number} violation{'s' if number > 1 else ''}" if number else "passed"
        lines.append(f"{verdict.stack}: {result} ({verdict.rules} rules, {verdict.resources} resources)")
        for finding in verdict.findings:
            name = finding.urn.rpartition("::")[2]
            state = "can't be checked" if finding.is_unchecked else finding.severity
            lines.append(f"  {finding.pack}/{finding.rule} [{state}] {name}  {finding.place}".rstrip())
            lines.append(f"    {finding.message}")
    return "\n".join(lines)
