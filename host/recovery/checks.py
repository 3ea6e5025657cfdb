"""What a restored copy is checked for in a drill: each check says what it saw."""

import os
import subprocess
from bisect import bisect
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from host.common import layout
from host.recovery.contract import Check, Markers, written
from host.recovery.errors import RecoveryError
from host.recovery.machine import Machine, of_epoch
from host.recovery.recovering import Server

Ask = Callable[[str], list[list[str]]]
# What is older the server deletes now and then, and the copy may still have. As long as the most backups that may be
# kept: 52 weekly full ones.
MARKERS = """
SELECT extract(epoch FROM written_at) FROM monitoring.marker
WHERE written_at > clock_timestamp() - interval '379 days' ORDER BY written_at
"""
LATER = "SELECT extract(epoch FROM written_at) FROM monitoring.marker WHERE xid >= '{next_xid}'::xid8"
SET_BACK = "written after the end of the copy, with an earlier time: the clock was set back, and told that time twice"
CLEARANCE = timedelta(seconds=1)
"""Between a chosen moment and any marker: a marker is committed a little after its time."""
CLEARANCE_OF_BUSY = timedelta(seconds=10)
"""After a marker, where there is room for it: on a busy host its commit may take longer."""
SHOWN = 10
CHECK_SECONDS = 3600
EXTENSIONS = "SELECT extname, extversion FROM pg_extension ORDER BY extname"
READY = 0
"""pg_isready's code for a server that lets clients in; 2 when nothing answers at all."""
SILENT = 2
CRON = "SELECT current_setting('cron.launch_active_jobs'), (SELECT count(*) FROM cron.job)"
RUNS = "SELECT count(*) FROM cron.job_run_details WHERE start_time > to_timestamp({since})"
WORKERS = "SELECT current_setting('timescaledb.max_background_workers')"
PROBE = """
CREATE TEMPORARY TABLE probe (line text);
COPY probe FROM PROGRAM 'tail -n +2 /proc/self/net/route | cut -f 1,2 --output-delimiter=" "; {asks}';
SELECT line FROM probe;
"""


def read_markers(ask: Ask) -> list[datetime]:
    return [of_epoch(float(row[0])) for row in ask(MARKERS)]


def mark(ask: Ask) -> None:
    """Write one; raises RecoveryError where the host's playbook has not made them yet."""
    try:
        ask("SELECT monitoring.mark()")
    except RecoveryError as error:
        raise RecoveryError(*error.faults, "monitoring.mark(): is needed for a drill; apply the host again") from None


def compared(source: Sequence[datetime], found: Sequence[datetime], until: datetime, *, is_exact: bool) -> Markers:
    """Compares the copy's markers with those that the server wrote up to `until`.

    Exact: `until` was chosen clear of them all. Else it is the last recovered commit, and one that was being
    committed just then may be there or not.
    """
    held, there = set(source), set(found)
    surely = until if is_exact else until - CLEARANCE
    expected = {time for time in held if time <= surely or (time <= until and time in there)}
    unexpected = {time for time in there if time not in held or (is_exact and time > until)}
    if not is_exact:
        expected |= there & held
    missing = sorted(expected - there)
    return Markers(
        expected=len(expected), found=len(there), missing=missing[:SHOWN], unexpected=sorted(unexpected)[:SHOWN]
    )


def is_clear(time: datetime, source: Sequence[datetime], after: timedelta = CLEARANCE) -> bool:
    """Whether a time is a second before the next marker of `source`, which is in order, and so long after the last."""
    index = bisect(source, time)
    is_late = all(time - marker >= after for marker in source[max(index - 1, 0) : index])
    return is_late and all(marker - time >= CLEARANCE for marker in source[index : index + 1])


def _check(name: str, is_passed: bool, detail: str) -> Check:
    return Check(name=name, is_passed=is_passed, detail=detail)


def markers(found: Markers, ask: Ask, next_xid: int) -> Check:
    """`ask` is the source, `next_xid` the number of the first transaction that the copy has not."""
    detail = f"{found.found} found, {found.expected} expected"
    if found.missing:
        detail += f"; missing: {', '.join(written(time) for time in found.missing[:3])}"
        later = {of_epoch(float(row[0])) for row in ask(LATER.format(next_xid=next_xid))}
        detail += f", {SET_BACK}" if later.intersection(found.missing) else ""
    if not found.expected:
        detail += "; without one that is older than the copy nothing is shown: does monitoring.mark() run?"
    if found.unexpected:
        detail += f"; not expected: {', '.join(written(time) for time in found.unexpected[:3])}"
    return _check("markers", found.is_passed, detail)


def amcheck(server: Server) -> Check:
    """Heaps and B-trees of all databases; pg_amcheck knows no other kind of index."""
    machine = server.work.machine
    address = ["--host", str(server.work.sockets), "--port", str(machine.spec.postgres.port)]
    options = ["--all", "--install-missing", f"--jobs={machine.spec.postgres.cpus}", f"--username={layout.OWNER}"]
    is_passed, out, errors = _ended(machine, ["pg_amcheck", *options, *address])
    # The line after the first quotes what is stored.
    return _check("amcheck", is_passed, "no damage in any heap or B-tree" if is_passed else [*out, *errors][0][:300])


def checksums(machine: Machine, data: str) -> Check:
    """Every page; after a clean stop."""
    is_passed, out, errors = _ended(machine, ["pg_checksums", "--check", "-D", data])
    scanned = next((line for line in out if line.startswith("Blocks scanned")), "")
    return _check("checksums", is_passed, scanned if is_passed else [*errors, *out][0][:300])


def _ended(machine: Machine, argv: Sequence[str]) -> tuple[bool, list[str], list[str]]:
    """Whether a program ended well, and what it printed; at least one line."""
    try:
        answer = machine.run([machine.program(argv[0]), *argv[1:]], seconds=CHECK_SECONDS)
    except subprocess.TimeoutExpired:
        return False, [], [f"has not ended within {CHECK_SECONDS} s"]
    out, errors = (
        [line.strip() for line in text.splitlines() if line.strip()] for text in (answer.stdout, answer.stderr)
    )
    return answer.returncode == 0, out, errors or [f"ended with {answer.returncode} without output"]


def extensions(source: Ask, copy: Ask, *, is_latest: bool) -> Check:
    """The newest state has the source's versions; those of an earlier one may differ, and are reported."""
    held, found = dict(source(EXTENSIONS)), dict(copy(EXTENSIONS))
    names = sorted(name for name in {*held, *found} if held.get(name) != found.get(name))
    detail = ", ".join(f"{name} {found.get(name, 'none')} (source: {held.get(name, 'none')})" for name in names)
    return _check("extensions", not names or not is_latest, detail or f"{len(found)} of the same versions")


def jobs(machine: Machine, copy: Ask, ready_at: datetime) -> Check:
    """No job can start, and none has run since the copy answers."""
    said, is_off = [], True
    if "pg_cron" in machine.spec.postgres.extensions:
        ((launches, count),) = copy(CRON)
        ((runs,),) = copy(RUNS.format(since=ready_at.timestamp()))
        is_off = launches == "off" and runs == "0"
        said.append(f"pg_cron: {count} jobs, launching is {launches}, {runs} runs")
    if "timescaledb" in machine.spec.postgres.extensions:
        ((workers,),) = copy(WORKERS)
        is_off = is_off and workers == "0"
        said.append(f"timescaledb: {workers} workers")
    return _check("jobs are off", is_off, "; ".join(said) or "no extension runs jobs")


def network_isolation(server: Server) -> Check:
    """The copy reaches nothing, not even the serving host by loopback or socket, which both answer outside."""
    machine, port = server.work.machine, server.work.machine.spec.postgres.port
    addresses = ("127.0.0.1", layout.SOCKETS)
    # A busy host may need longer to answer than the usual 3 s; where nothing is, the answer comes at once.
    ask = [machine.program("pg_isready"), "-q", "-t", "30", "-p", str(port), "-h"]
    outside = [machine.run([*ask, address], seconds=60).returncode for address in addresses]
    asks = "; ".join(f'{" ".join(ask)} {address}; echo "answer $?"' for address in addresses)
    probe = PROBE.format(asks=asks)
    rows = [row[0] for row in server.psql(probe, database="postgres") if row and row[0]]
    routes = [row for row in rows if not row.startswith("answer ")]
    inside = [int(row.removeprefix("answer ")) for row in rows if row.startswith("answer ")]
    is_apart = os.readlink(f"/proc/{server.pid}/ns/net") != os.readlink("/proc/self/ns/net")
    detail = ", ".join(
        f"{address}:{port} answers {within} inside and {without} outside"
        for address, within, without in zip(addresses, inside, outside, strict=False)
    )
    is_cut = is_apart and not routes and inside == [SILENT, SILENT] and outside == [READY, READY]
    detail = f"{len(routes)} routes, {detail}"
    return _check("network isolation", is_cut, detail if is_apart else f"in the host's own network; {detail}")


def last_wal(last: datetime | None, target: datetime | None, lost: float | None, allowed: int) -> Check:
    """A point in time has no later commit; the newest state loses no more than the target."""
    detail = f"last recovered commit {written(last) if last else 'none since the backup'}"
    if target:
        return _check("last WAL", last is None or last <= target, detail)
    return _check(
        "last WAL", lost is not None and lost <= allowed, f"{detail}; {lost} s would be lost, {allowed} s may"
    )
