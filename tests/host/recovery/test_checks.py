"""What a drill's checks call passed and missed, and what becomes of a drill that can't go on."""

import random
import subprocess
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from host.recovery import checks, choice, clusters, drill, inventory, recovering
from host.recovery.checks import Ask, compared, is_clear
from host.recovery.contract import Check, DrillRequest, Window, written
from host.recovery.drill import Leg, Run, faults
from host.recovery.errors import RecoveryError
from tests.host.recovery.held import at
from tests.host.recovery.machine import machine


def answering(**answers: list[list[str]]) -> Ask:
    """Answers by a word of the question."""
    return lambda query: next(rows for word, rows in answers.items() if word in query)


def test_markers_are_held_against_those_of_the_source() -> None:
    source = [at(hour) for hour in range(6)]
    exact = compared(source, source[:4], at(3.5), is_exact=True)
    assert (exact.expected, exact.found, exact.is_passed) == (4, 4, True)
    assert compared(source, source[:3], at(3.5), is_exact=True).missing == [at(3)]
    assert compared(source, source[:5], at(3.5), is_exact=True).unexpected == [at(4)]
    assert compared(source, [*source[:4], at(3.2)], at(3.5), is_exact=True).unexpected == [at(3.2)]


def test_a_marker_that_was_being_committed_may_be_there_or_not() -> None:
    source, last = [at(1), at(2)], at(2) + timedelta(milliseconds=3)
    for found in (source, source[:1]):
        assert compared(source, found, last, is_exact=False).is_passed
    assert compared(source, source[:1], last + timedelta(seconds=2), is_exact=False).missing == [at(2)]


def test_no_marker_at_all_shows_nothing() -> None:
    check = checks.markers(compared([], [], at(3), is_exact=True), answering(), 1)
    assert (check.is_passed, check.detail.split(";")[0]) == (False, "0 found, 0 expected")
    assert "does monitoring.mark() run?" in check.detail
    # All are later than what was restored.
    assert not compared([at(5)], [], at(3), is_exact=True).is_passed
    assert not compared([at(5)], [], at(3), is_exact=False).is_passed


def test_markers_that_are_missing_or_too_many_are_named() -> None:
    source = [at(hour) for hour in range(6)]
    lost = checks.markers(compared(source, source[:3], at(3.5), is_exact=True), answering(marker=[]), 1)
    assert lost.detail == "3 found, 4 expected; missing: 2026-11-01T03:00:00.000000Z"
    check = checks.markers(compared(source, source[:5], at(3.5), is_exact=True), answering(), 1)
    assert (check.is_passed, "not expected: 2026-11-01T04:00" in check.detail) == (False, True)


def test_a_marker_that_a_clock_set_back_gave_an_earlier_time_is_missing_for_that() -> None:
    source = [at(hour) for hour in range(6)]
    later = answering(marker=[[str(at(3).timestamp())], [str(at(5).timestamp())]])
    check = checks.markers(compared(source, source[:3], at(3.5), is_exact=True), later, 1)
    assert not check.is_passed
    assert check.detail.endswith(f"missing: {written(at(3))}, {checks.SET_BACK}")


@pytest.mark.parametrize(
    ("since", "begun", "marker", "is_live"), [(2, 2, 0.5, True), (0.5, 2, 0.5, False), (0.5, 0.4, 2, False)]
)
def test_a_drill_after_the_clock_was_set_back_waits_for_no_moment_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, since: float, begun: float, marker: float, is_live: bool
) -> None:
    window = Window(since=at(since), until=at(since), is_live=is_live)
    covered = SimpleNamespace(branches=[SimpleNamespace(until=at(begun))])
    found = SimpleNamespace(windows=[window], covered=covered)
    monkeypatch.setattr(inventory, "read", lambda _: None)
    monkeypatch.setattr(choice, "read_situation", lambda *_: (found, None))
    monkeypatch.setattr(checks, "read_markers", lambda _: [at(0), at(marker)])
    monkeypatch.setattr(drill, "utc_now", lambda: at(1))
    told = f"clock was set back: it tells {written(at(1))}, and {written(at(2))} was told before$"
    with pytest.raises(RecoveryError, match=told):
        drill._drawn(machine(tmp_path), random.Random(1))


def test_a_moment_is_clear_a_second_from_its_neighbours() -> None:
    source = [at(1), at(2), at(3)]
    second = timedelta(seconds=1)
    assert is_clear(at(2.5), source)
    assert is_clear(at(0), source)
    assert is_clear(at(4), source)
    assert [is_clear(at(2) + offset, source) for offset in (-second, -second / 2, second * 0, second / 2, second)] == [
        True,
        False,
        False,
        False,
        True,
    ]
    assert [is_clear(at(2) + second * 5, source, second * far) for far in (5, 6)] == [True, False]
    assert is_clear(at(2) - second, source, second * 10)


@pytest.mark.parametrize(("seconds", "is_far"), [(30, True), (4, False)])
def test_a_drawn_moment_is_well_after_a_marker_where_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: int, is_far: bool
) -> None:
    """On a busy host the commit of a marker may take longer than a second."""
    held = [at(1) + timedelta(seconds=number * seconds) for number in range(20)]
    window = Window(since=held[0], until=held[-1] + timedelta(hours=1), is_live=False)
    monkeypatch.setattr(inventory, "read", lambda _: None)
    monkeypatch.setattr(choice, "read_situation", lambda *_: (SimpleNamespace(windows=[window]), None))
    monkeypatch.setattr(drill, "drawable", lambda *_: [window.model_copy(update={"until": held[-1]})])
    monkeypatch.setattr(checks, "read_markers", lambda _: held)
    moments = [drill._drawn(machine(tmp_path / str(seed)), random.Random(seed)) for seed in range(20)]
    assert all(is_clear(moment, held) for moment in moments)
    assert all(is_clear(moment, held, checks.CLEARANCE_OF_BUSY) for moment in moments) is is_far


def test_another_version_of_an_extension_fails_the_newest_state_alone() -> None:
    source, copy = (answering(extname=[["postgis", version], ["vector", "0.8"]]) for version in ("3.5", "3.4"))
    check = checks.extensions(source, copy, is_latest=True)
    assert (check.is_passed, check.detail) == (False, "postgis 3.4 (source: 3.5)")
    assert checks.extensions(source, copy, is_latest=False).is_passed
    assert checks.extensions(source, source, is_latest=True).is_passed
    lacking = checks.extensions(source, answering(extname=[["vector", "0.8"]]), is_latest=True)
    assert (lacking.is_passed, lacking.detail) == (False, "postgis none (source: 3.5)")


@pytest.mark.parametrize(
    ("launches", "runs", "workers", "is_passed"),
    [("off", "0", "0", True), ("on", "0", "0", False), ("off", "1", "0", False), ("off", "0", "8", False)],
)
def test_jobs_that_start_or_have_run_fail(
    tmp_path: Path, launches: str, runs: str, workers: str, is_passed: bool
) -> None:
    copy = answering(launch_active=[[launches, "3"]], job_run_details=[[runs]], timescaledb=[[workers]])
    assert checks.jobs(machine(tmp_path), copy, at(1)).is_passed is is_passed


def test_the_last_commit_is_not_after_the_point_and_not_too_old() -> None:
    assert checks.last_wal(at(1), at(2), None, 120).is_passed
    assert not checks.last_wal(at(2), at(1), None, 120).is_passed
    assert checks.last_wal(at(1), None, 120.0, 120).is_passed
    assert not checks.last_wal(at(1), None, 120.1, 120).is_passed
    assert not checks.last_wal(None, None, None, 120).is_passed


def ended(code: int, out: str = "", errors: str = "") -> Any:
    """A machine whose programs all end so."""
    run = lambda argv, seconds: subprocess.CompletedProcess(argv, code, out, errors)  # noqa: E731
    postgres = SimpleNamespace(cpus=2, port=1)
    return SimpleNamespace(run=run, program=str, spec=SimpleNamespace(postgres=postgres))


def test_what_a_program_finds_is_said_by_its_first_line() -> None:
    assert checks.checksums(ended(0, "Files scanned: 9\nBlocks scanned: 7\n"), "d") == Check(
        name="checksums", is_passed=True, detail="Blocks scanned: 7"
    )
    found = checks.checksums(ended(1, "Blocks scanned: 7\n", "pg_checksums: error: block 3\n"), "d")
    assert (found.is_passed, found.detail) == (False, "pg_checksums: error: block 3")
    server: Any = SimpleNamespace(
        work=SimpleNamespace(machine=ended(2, 'heap table "a.b.c", block 3:\n  row\n'), sockets="s")
    )
    assert checks.amcheck(server) == Check(name="amcheck", is_passed=False, detail='heap table "a.b.c", block 3:')


def test_a_check_that_does_not_end_is_missed() -> None:
    def run(argv: list[str], seconds: float) -> None:
        raise subprocess.TimeoutExpired(argv, seconds)

    found: Any = ended(0)
    found.run = run
    assert checks.checksums(found, "d") == Check(
        name="checksums", is_passed=False, detail="has not ended within 3600 s"
    )


def leg(total: float = 10, *missed: str) -> Leg:
    plan: Any = SimpleNamespace()
    return Leg(
        "latest",
        plan,
        seconds={"total": total},
        checks=[Check(name=name, is_passed=False, detail="why") for name in missed],
    )


def test_a_recovery_that_takes_longer_than_its_target_is_missed(tmp_path: Path) -> None:
    given = machine(tmp_path).spec.backup
    allowed = given.recovery_time_seconds
    run = Run(7, at(0), [leg(allowed), leg(1)])
    assert faults(run, given) == []
    run.legs[1].seconds["total"] = allowed + 0.5
    assert faults(run, given) == [f"recovery took {allowed + 0.5} s; the target is {allowed} s"]


def test_what_kept_a_drill_from_going_on_comes_before_what_it_missed(tmp_path: Path) -> None:
    run = Run(7, at(0), [leg(1, "amcheck")], ["store: does not answer"])
    assert faults(run, machine(tmp_path).spec.backup) == ["store: does not answer", "latest: amcheck: why"]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RecoveryError("000000010000000000000005: is damaged in the archive"), "is damaged in the archive"),
        (subprocess.TimeoutExpired(["psql", "-X"], 60), "psql -X: has not ended within 60 s"),
        (OSError(28, "No space left on device", "/data"), "/data: no space is left"),
    ],
)
def test_a_drill_that_can_t_go_on_leaves_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    made = machine(tmp_path)
    monkeypatch.setattr(type(made), "is_serving", lambda _: True)
    monkeypatch.setattr(type(made), "psql", lambda _, query: [["17.6"]] if "SHOW" in query else [])
    monkeypatch.setattr(type(made), "run", lambda *_, **__: subprocess.CompletedProcess([], 0, "pgBackRest 2.55", ""))

    def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr(drill, "_latest", failing)
    found = drill.act(made, DrillRequest(seed=7))
    assert (found.is_passed, found.restores, found.recovery_time_seconds) == (False, [], None)
    assert message in found.faults[0]
    assert (found.seed, found.versions["pgbackrest"]) == (7, "2.55")
    assert found.versions["postgresql"] == "17.6"


@pytest.mark.parametrize(
    ("minutes", "since_start", "is_marked"), [(None, 60, True), (1, 60, True), (10, 60, False), (10, 1, True)]
)
def test_only_a_host_that_has_just_begun_has_its_log_archived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minutes: int | None, since_start: int, is_marked: bool
) -> None:
    now, done = at(9), list[str]()
    held = [] if minutes is None else [now - timedelta(minutes=minutes)]
    started = now - timedelta(minutes=since_start)
    made = machine(tmp_path)
    monkeypatch.setattr(type(made), "psql", lambda *_: [[str(started.timestamp())]])
    monkeypatch.setattr(drill, "utc_now", lambda: now)
    monkeypatch.setattr(inventory, "read", lambda _: done.append("look"))
    monkeypatch.setattr(checks, "read_markers", lambda _: held)
    monkeypatch.setattr(checks, "mark", lambda _: done.append("mark"))
    monkeypatch.setattr(recovering, "archive_up_to_now", lambda _: done.append("archive"))
    drill._ensure_marked(made)
    assert done == (["look", "mark", "archive"] if is_marked else [])


def test_a_folder_called_drill_keeps_no_drill_from_running() -> None:
    request = drill._request(drill._target(at(1)))
    assert (request.into, request.replace) == ("main", "main")


def test_moments_are_drawn_from_every_window_and_from_no_hole() -> None:
    windows = [
        Window(since=at(1), until=at(3), is_live=False),
        Window(since=at(5), until=at(9), is_live=True),
    ]
    parts = list(drill.drawable(windows, at(2), timedelta(minutes=6)))
    assert [(one.since, one.until) for one in parts] == [(at(2), at(2.9)), (at(5), at(9))]
    assert [drill.moment_at(parts, share / 100) for share in (0, 100)] == [at(2), at(9)]
    for share in range(101):
        moment = drill.moment_at(parts, share / 100)
        assert moment
        assert at(2) <= moment <= at(2.9) or at(5) <= moment <= at(9)


def test_a_window_before_the_first_marker_is_not_drawn_from() -> None:
    assert list(drill.drawable([Window(since=at(1), until=at(3), is_live=False)], at(4), timedelta())) == []
    assert drill.moment_at([], 0.5) is None
    (live,) = drill.drawable([Window(since=at(1), until=at(3), is_live=True)], at(4), timedelta())
    assert (live.since, live.until) == (at(4), at(4))


def test_nothing_of_a_drill_is_kept_by_cleaning(tmp_path: Path) -> None:
    made = machine(tmp_path)
    made.path(made.clusters / clusters.WORK).mkdir()
    clusters.clean(made)
    assert not made.path(made.clusters / clusters.WORK).exists()
