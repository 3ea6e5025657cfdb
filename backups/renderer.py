"""Renders listings, plans, restores and drills as text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backups.timeline import summary
from database.figures import clock, counted, duration, exact, size
from host.recovery.contract import MAIN, Backup, Cluster, Evidence, Listing, Plan, Restored, Target, document

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
"""As the engine writes one within a sentence."""
HEAD = ("label", "kind", "started (UTC)", "took", "size", "own", "WAL", "copy")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A listing, with the state of each copy in S3."""

    listing: Listing
    copies: dict[str, str]
    """What became of each backup's copy, by label."""

    def document(self) -> dict[str, Any]:
        found = document(self.listing)
        for backup in found["backups"]:
            backup["copy"] = self.copies.get(backup["label"], "unknown")
        return found


def rows(listed: Listed) -> list[tuple[str, ...]]:
    """A row for each backup, with the columns of HEAD."""
    return [_row(one, listed.copies.get(one.label, "unknown")) for one in listed.listing.backups]


def _row(one: Backup, copy: str) -> tuple[str, ...]:
    figures = (clock(one.started_at), duration(one.seconds), size(one.database_bytes), size(one.repository_bytes))
    label = one.label if one.is_usable else f"{one.label} (damaged)"
    return (label, one.kind, *figures, f"{one.wal_start} – {one.wal_stop[-8:]}", copy)


def below(listing: Listing) -> Iterator[str]:
    """What is said under the table: the window, gaps, and clusters beside the one that serves."""
    if listing.source.repository == "copy" or listing.source.as_of:
        yield f"of {rendered_source(listing)}"
    yield summary(listing)
    for hole in listing.holes:
        cause = MOMENT.sub(lambda found: exact(datetime.fromisoformat(found[0])), hole.cause)
        yield f"not from {exact(hole.since)} to {exact(hole.until)}: {cause}"
    for archive in listing.archive:
        for first, last in archive.gaps:
            which = first if first == last else f"{first} to {last}"
            missing = f"WAL missing on timeline {archive.timeline}: {which}"
            yield f"{missing}; no backup from before the gap can be restored past it"
    for one in listing.restored:
        yield _cluster(one)
    if listing.running:
        yield f"running: {listing.running}"
    if listing.leftovers:
        yield f"left by a command that was killed, removed by the next that acts: {', '.join(listing.leftovers)}"
    if listing.displaced:
        names = ", ".join(listing.displaced)
        yield f"moved away by a command that was killed, put back under its name by the next that acts: {names}"


def rendered_source(given: Listing | Plan) -> str:
    name = "the copy" if given.source.repository == "copy" else "the repository"
    return f"{name} as it was on {exact(given.source.as_of)}" if given.source.as_of else name


def _cluster(one: Cluster) -> str:
    what = f"{one.kind} {one.name}: {size(one.bytes)}, {one.state}, made {clock(one.made_at)} UTC"
    return f"{what}, on the host psql -p {one.port}" if one.port and one.state == "running" else what


def rendered_target(target: Target) -> str:
    if target.kind == "latest":
        return "the newest state that can be had"
    value = exact(datetime.fromisoformat(target.value or "")) if target.kind == "time" else target.value
    noun = {"time": "", "lsn": "position ", "xid": "transaction ", "name": "restore point "}[target.kind]
    how = "just before" if target.is_exclusive else "up to and with"
    return f"{how} {noun}{value}" + (f" on timeline {target.timeline}" if target.timeline else "")


def plan_lines(plan: Plan) -> list[tuple[str, str]]:
    """Label and text of each line of a plan."""
    found = [("restore", rendered_target(plan.target)), ("from", rendered_source(plan)), ("into", _into(plan))]
    if plan.backup:
        chain = f", with {', '.join(plan.chain)}" if len(plan.chain) > 1 else ""
        found.append(
            ("backup", f"{plan.backup.label} ({plan.backup.kind}, {clock(plan.backup.started_at)} UTC){chain}")
        )
    if plan.timeline:
        which = "as was asked" if plan.target.timeline else "the one that served last"
        found.append(("timeline", f"{plan.timeline}, {which}"))
    if plan.note:
        found.append(("note", plan.note))
    if plan.wal:
        names = f": {plan.wal.first} to {plan.wal.last or 'the newest'}" if plan.wal.first else ""
        found.append(("WAL", f"{counted(plan.wal.files, 'file')}, {size(plan.wal.bytes)}{names}"))
    found.append(("data", f"{size(plan.data_bytes)}, of which {size(plan.download_bytes)} are fetched"))
    found.append(("space", f"{size(plan.needed_bytes)} needed, {size(plan.free_bytes)} free"))
    found.append(("time", _time(plan)))
    found.append(("stops", "; ".join(plan.stops) or "nothing"))
    found.append(("loses", plan.loses or "nothing"))
    if plan.keeps:
        found.append(("keeps", plan.keeps))
    return found


def _into(plan: Plan) -> str:
    return f"{MAIN}, the cluster that serves" if plan.into == MAIN else f"{plan.into}, a cluster beside {MAIN}"


def _time(plan: Plan) -> str:
    if plan.estimated_seconds is None:
        return "not known" + (f": {plan.estimate_from}" if plan.estimate_from else "")
    return f"about {duration(plan.estimated_seconds)}" + (f", from {plan.estimate_from}" if plan.estimate_from else "")


def restored_lines(found: Restored, stack: str | None) -> Iterator[str]:
    """What has been done, and what comes next."""
    where = f" --stack {stack}" if stack else ""
    stopped = found.seconds.get("stopped")
    total = found.seconds.get("total") or sum(found.seconds.values()) - (stopped or 0)
    recovered = found.recovered
    until = f", last commit {exact(recovered.last_commit_at)}" if recovered and recovered.last_commit_at else ""
    line = f" on timeline {recovered.timeline}" if recovered and recovered.timeline else ""
    yield f"{found.plan.into}: restored in {duration(total)}{until}{line}"
    if found.plan.into == MAIN:
        if stopped is not None:
            yield f"PostgreSQL was stopped for {duration(stopped)}"
        if found.plan.keeps:
            kept = found.plan.keeps
            yield f"the data from before are kept as {kept}"
            yield f"rows out of it: ./hybrid restore --open {kept}{where} --apply"
            yield f"no longer needed: ./hybrid restore --discard {kept}{where} --apply"
        yield f"next: ./hybrid backup now --type full{where}; until then restores start from an older backup"
    elif found.cluster:
        yield f"reach it: {_reach(found.cluster, stack)}"
        yield f"no longer needed: ./hybrid restore --discard {found.plan.into}{where} --apply"


def opened_lines(cluster: Cluster, stack: str | None) -> Iterator[str]:
    """What has become of a cluster that was opened or closed, and what comes next."""
    where = f" --stack {stack}" if stack else ""
    if cluster.state == "stopped":
        yield f"{cluster.name}: stopped; no longer needed: ./hybrid restore --discard {cluster.name}{where} --apply"
        return
    yield f"{cluster.name}: runs beside {MAIN}; reach it: {_reach(cluster, stack)}"
    yield f"afterwards: ./hybrid restore --close {cluster.name}{where} --apply"


def _reach(cluster: Cluster, stack: str | None) -> str:
    if stack is None:
        return f"./hybrid local exec -- psql -p {cluster.port}"
    return f"on the host of {stack}: sudo -u postgres psql -p {cluster.port}"


def drill_rows(found: Evidence) -> list[tuple[str, bool, str]]:
    """Name, whether it passed, detail: every check of every restore, then what was measured."""
    rows = []
    for one in found.restores:
        for check in one.checks:
            rows.append((f"{one.kind}: {check.name}", check.is_passed, check.detail))
    targets = found.targets
    rows.append(_measured("recovery point", found.recovery_point_seconds, targets.recovery_point_seconds))
    rows.append(_measured("recovery time", found.recovery_time_seconds, targets.recovery_time_seconds))
    return rows


def _measured(name: str, seconds: float | None, target: float) -> tuple[str, bool, str]:
    wanted = f"target {duration(target)}"
    if seconds is None:
        return name, False, f"not measured; {wanted}"
    return name, seconds <= target, f"{duration(seconds)}; {wanted}"
