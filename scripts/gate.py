"""`./hybrid gate`: stacks, previews, states and the repository's files against the policies."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from components.common.errors import HybridError
from scripts.options import recorded
from scripts.output import Output, write

if TYPE_CHECKING:
    from plan.model import Plan
    from policies.rules.findings import Finding, Outcome, Subject

FORMATS = "text, json, sarif, junit, markdown or github"


def gate(
    stacks: Annotated[
        list[str] | None, typer.Argument(help="Stacks, such as dev prod: as the program declares.")
    ] = None,
    previews: Annotated[
        list[Path] | None,
        typer.Option("--preview", metavar="FILE", help="What `pulumi preview --json --show-sames` wrote."),
    ] = None,
    states: Annotated[
        list[Path] | None, typer.Option("--state", metavar="FILE", help="What `pulumi stack export` wrote.")
    ] = None,
    previous: Annotated[
        list[Path] | None,
        typer.Option(
            "--previous",
            metavar="FILE",
            help="A stack as it was: a plan of `./hybrid preview --json`, a preview or a state. "
            "Protected data and DNS records that go are then violations.",
        ),
    ] = None,
    repository: Annotated[
        bool, typer.Option("--repository", help="Look for secrets in the repository's files and its history.")
    ] = False,
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help=f"What to write: {FORMATS}.")] = "text",
    output: Output = None,
    reports: Annotated[
        list[str] | None, typer.Option("--report", metavar="FORMAT=FILE", help="Write this as well; may be repeated.")
    ] = None,
) -> None:
    """Check stacks against the policies. Exit 1 on a violation, or where a rule can't be checked."""
    written_to = [_report(text) for text in reports or []]
    _require_format(form, "--format")
    if not (stacks or previews or states or repository):
        raise typer.BadParameter("name a stack, or give --preview, --state or --repository")
    try:
        outcome = _outcome(stacks or [], previews or [], states or [], previous or [], repository)
    except HybridError as error:
        # Who reads only the report learns it, too; a person at a terminal from the error itself.
        at_a_terminal = form == "text" and output is None
        _publish(_unjudged(error), [*written_to, *([] if at_a_terminal else [(form, output)])])
        raise
    _publish(outcome, [*written_to, (form, output)])
    if not outcome.is_passed:
        raise typer.Exit(1)


def _outcome(
    stacks: list[str], previews: list[Path], states: list[Path], previous: list[Path], repository: bool
) -> "Outcome":
    from plan.project import ROOT, Project
    from plan.record import are_known
    from policies.exemptions import exemption
    from policies.gate.gate import assess
    from policies.packs.answers import ANSWERS
    from policies.rules.findings import Searched
    from policies.scan.repository import searched, used_known_lines

    project = Project.load()
    project.require_stacks(stacks)
    granted = exemption.read(exemption.FILE)
    # What is quickly refused comes first.
    read = [*_previewed(previews), *_deployed(states)]
    olds = _saved(previous)
    elsewhere = _in_repository() if repository else []
    files, commits = searched(ROOT) if repository else (0, 0)
    return assess(
        _subjects(stacks, read, olds),
        granted=granted,
        stacks=project.stacks,
        elsewhere=elsewhere,
        known_lines=used_known_lines() if repository else [],
        searched=Searched(files=files, commits=commits) if repository else None,
        memory=ANSWERS,
        starts_early=not are_known(stacks),
    )


def _recorded(stacks: list[str]) -> list["Subject"]:
    from policies.rules.findings import Subject

    return [Subject(plan=plan) for plan in recorded(*dict.fromkeys(stacks))]


def _previewed(paths: list[Path]) -> list["Subject"]:
    """Subjects from previews, each with the plan before and the plan after."""
    if not paths:
        # Importing it takes half of a gate that has nothing to ask.
        return []
    from plan import saved
    from policies.rules.findings import Origin, Subject

    return [
        Subject(plan=saved.read_preview(path), origin=Origin.PREVIEW, previous=saved.read_previous(path))
        for path in paths
    ]


def _deployed(paths: list[Path]) -> list["Subject"]:
    if not paths:
        return []
    from plan import saved
    from policies.rules.findings import Origin, Subject

    return [Subject(plan=saved.read_state(path), origin=Origin.STATE) for path in paths]


def _saved(paths: list[Path]) -> dict[Path, "Plan"]:
    if not paths:
        return {}
    from plan import saved

    return {path: saved.read(path) for path in paths}


def _subjects(stacks: list[str], read: list["Subject"], olds: dict[Path, "Plan"]) -> Iterator["Subject"]:
    """Plans to judge, each with the old plan of its stack. Raises PlanError where that is not gated."""
    import dataclasses

    from plan.model import PlanError

    subjects = [*_recorded(stacks), *read]
    for path, old in olds.items():
        mine = [subject for subject in subjects if _is_same_stack(subject.plan, old)]
        if not mine:
            gated = ", ".join(dict.fromkeys(subject.plan.stack for subject in subjects)) or "none"
            raise PlanError(f"{path}: is of the stack {old.stack}, which is not gated here; gated: {gated}")
        subjects = [dataclasses.replace(found, previous=old) if found in mine else found for found in subjects]
    yield from subjects


def _is_same_stack(one: "Plan", other: "Plan") -> bool:
    return (one.project, one.stack) == (other.project, other.stack)


def _in_repository() -> list["Finding"]:
    from plan.project import ROOT
    from policies.gate.rules import REPOSITORY_RULE, own_finding
    from policies.scan.repository import KNOWN_LINES, files, history, unused_known_lines

    found = [*files(ROOT), *history(ROOT)]
    # Only now is it known which lines nobody met.
    idle = [
        own_finding(
            REPOSITORY_RULE,
            f"Nothing needs this known line ({mark}) any more; remove it.",
            place=f"policies/{KNOWN_LINES.name}:{number}",
        )
        for number, mark in unused_known_lines()
    ]
    return [*(own_finding(REPOSITORY_RULE, one.message, place=one.place) for one in found), *idle]


def _unjudged(error: HybridError) -> "Outcome":
    """What could not be judged at all, as findings: one for each line of the error, with the file and line in it."""
    import re

    from plan.project import ROOT
    from policies.gate.rules import JUDGED_RULE, RULES, own_finding
    from policies.rules.findings import Outcome

    found = []
    for line in str(error).splitlines():
        place = re.search(r"(\S+\.(?:ya?ml|py|json)):(\d+)", line)
        path = place[1].removeprefix(f"{ROOT}/") if place else ""
        found.append(own_finding(JUDGED_RULE, f"{line}.", place=f"{path}:{place[2]}" if place else ""))
    return Outcome(verdicts=(), rules=RULES, elsewhere=tuple(finding.masked for finding in found))


def _report(text: str) -> tuple[str, Path]:
    form, equals, path = text.partition("=")
    _require_format(form, "--report")
    if not equals or not path:
        raise typer.BadParameter(f"'{text}': names no file; allowed: FORMAT=FILE", param_hint="--report")
    return form, Path(path)


def _require_format(form: str, option: str) -> None:
    if form not in FORMATS.replace(" or ", ", ").split(", "):
        raise typer.BadParameter(f"'{form}' is not a format; allowed: {FORMATS}", param_hint=option)


def _publish(outcome: "Outcome", reports: list[tuple[str, Path | None]]) -> None:
    from policies.reports import Format, written

    for form, path in reports:
        write(written(outcome, Format(form)) + "\n", path)
