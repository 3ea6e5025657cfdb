"""A drill's evidence: its findings as JSON and as text, and a picture. No row's value and no secret."""

import json
import os
from datetime import UTC
from pathlib import Path

from backups.errors import BackupError
from backups.renderer import drill_rows
from backups.timeline import Mark, svg
from database.figures import clock, duration, exact, size
from durable import files
from host.recovery.contract import DrillRestore, Evidence, Listing, document, written


def write(folder: Path, found: Evidence, listing: Listing | None) -> list[Path]:
    """The files, named after the drill's start; without a listing there is no picture. Raises BackupError."""
    name = f"drill-{found.started_at.astimezone(UTC):%Y%m%d-%H%M%S}Z"
    picture = svg(listing, found.stack, marks(found)) if listing else None
    texts = {
        f"{name}.json": json.dumps(document(found), indent=2, ensure_ascii=False) + "\n",
        f"{name}.md": markdown(found, f"{name}.svg" if picture else None),
        **({f"{name}.svg": picture} if picture else {}),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            files.replace(folder / file, text)
    except OSError as error:
        raise BackupError(f"{folder}: the evidence can't be written: {error.strerror}") from error
    return [folder / file for file in texts]


def refuse_unwritable(folder: Path) -> None:
    """Raises BackupError where no evidence could be left; makes nothing."""
    # Path.exists() raises for what is below a folder that this user may not enter.
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if os.path.exists(path))
    if not there.is_dir():
        raise BackupError(f"{folder}: the evidence can't be written: {there} is not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise BackupError(f"{folder}: the evidence can't be written: {there} can't be written to")


def marks(found: Evidence) -> list[Mark]:
    moments = [(one.kind, one.target or one.last_commit_at) for one in found.restores]
    return [Mark(at=moment, text=f"drill: {kind}") for kind, moment in moments if moment]


def markdown(found: Evidence, picture: str | None) -> str:
    verdict = "passed" if found.is_passed else "**missed**"
    lines = [f"# Restore drill of {found.stack}, {clock(found.started_at)} UTC: {verdict}", ""]
    lines += [f"* Host {found.host}, {duration(found.seconds)}, seed {found.seed}"]
    lines += [f"* Could be restored: {exact(one.since)} to {exact(one.until)}" for one in found.windows]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(found.versions.items()))
    lines += [f"* Versions: {versions}", ""]
    if found.faults:
        lines += ["## What is wrong", "", *(f"* {_cell(fault)}" for fault in found.faults), ""]
    lines += ["## Checks", "", "| Check | | Found |", "|---|---|---|"]
    for name, is_passed, detail in drill_rows(found):
        lines.append(f"| {_cell(name)} | {'passed' if is_passed else '**missed**'} | {_cell(detail)} |")
    for one in found.restores:
        lines += ["", *_restored(one)]
    if picture:
        lines += ["", f"![Backups, write-ahead log and what can be restored]({picture})"]
    return "\n".join(lines) + "\n"


def _restored(one: DrillRestore) -> list[str]:
    heading = "The newest state" if one.kind == "latest" else "A point of the window"
    lines = [f"## {heading}", ""]
    if one.target:
        lines.append(f"* Target: {exact(one.target)} (the same again: `./hybrid drill --at {written(one.target)}`)")
    seconds = ", ".join(f"{step} {duration(count)}" for step, count in one.seconds.items()) or "did not come to an end"
    lines += [f"* Backup {one.backup}, {size(one.data_bytes)}: {seconds}"]
    if one.last_commit_at:
        lines.append(f"* Last commit: {exact(one.last_commit_at)}")
    if one.recovery_point_seconds is not None:
        lines.append(f"* Lost at most: {duration(one.recovery_point_seconds)}")
    markers = one.markers
    if markers is None:
        return lines
    lines.append(f"* Markers: {markers.found} of {markers.expected}")
    lines += [f"* Missing: {exact(moment)}" for moment in markers.missing]
    lines += [f"* Not expected: {exact(moment)}" for moment in markers.unexpected]
    return lines


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
