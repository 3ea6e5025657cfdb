"""Windows and holes of any repository: what they claim is so, and they leave no moment out."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from host.recovery.choice import Live, Situation, choose
from host.recovery.commits import Committed
from host.recovery.contract import Target, written
from host.recovery.inventory import Segment
from host.recovery.timelines import END, segments, usable_from
from host.recovery.wal import number_of, timeline_of
from tests.host.recovery.held import at, backup, reading, situation

HOURS = 20
REPOSITORIES = st.fixed_dictionaries(
    {
        "taken": st.lists(st.integers(2, HOURS), min_size=1, max_size=4, unique=True).map(sorted),
        "damaged": st.sets(st.integers(0, 3), max_size=2),
        "without": st.sets(st.integers(1, HOURS), max_size=3).map(tuple),
        "is_live": st.booleans(),
        "branch": st.none() | st.integers(2, HOURS - 1),
        "is_lost": st.booleans(),
        # Hours by which the store's clock is ahead of the host's.
        "ahead": st.sampled_from([-10, -1, 0, 1, 10]),
        "moments": st.lists(st.floats(0, HOURS + 40, allow_nan=False), min_size=8, max_size=8),
    }
)


def made(drawn: dict[str, Any]) -> Situation:
    backups = [
        backup(hour, damage="invalid checksum" if number in drawn["damaged"] else None)
        for number, hour in enumerate(drawn["taken"])
    ]
    timeline = 1 if drawn["branch"] is None else 2
    live = Live(20_000, 2**40, timeline, at(HOURS + 1)) if drawn["is_live"] else None
    shape = {"without": drawn["without"], "branch": drawn["branch"], "timeline": timeline, "is_lost": drawn["is_lost"]}
    found, ahead = situation(*backups, hours=HOURS, live=live, **shape), timedelta(hours=drawn["ahead"])
    held = found.held
    by_store = {
        line: tuple(replace(one, archived_at=one.archived_at + ahead) for one in log)
        for line, log in held.segments.items()
    }
    histories = {line: moment + ahead for line, moment in held.histories.items()}

    def by_host(one: Segment, start: int, end: int) -> Committed:
        return reading(replace(one, archived_at=one.archived_at - ahead), start, end)

    return replace(found, held=replace(held, segments=by_store, histories=histories), reading=by_host)


def is_in_the_log(moment: datetime, found: Situation) -> bool:
    """Whether a backup's log without a hole has a commit of this moment or later, or goes on until now."""
    ends = {entry.timeline: entry.end for entry in found.lineage}
    for one in found.held.usable:
        log = [part for part in segments(found.lineage, found.held) if part.number >= number_of(one.wal_start)]
        if usable_from(one) > moment or not log or log[0].number != number_of(one.wal_start):
            continue
        newest = None
        for before, part in pairwise([log[0], *log]):
            if part.number - before.number > 1:
                break
            times = found.reading(part, 0, ends.get(timeline_of(part.name), END))
            newest = times[1] if times else newest
        else:
            if found.is_live:
                return True
        if newest and moment <= newest:
            return True
    return False


@settings(deadline=None)
@given(REPOSITORIES)
def test_windows_and_holes_are_all_the_time_and_say_what_is_so(drawn: dict[str, Any]) -> None:
    found = made(drawn)
    windows, holes = found.covered.windows, found.covered.holes
    spans = sorted([*((one.since, one.until) for one in windows), *((one.since, one.until) for one in holes)])
    first = min(usable_from(one) for one in found.held.backups)
    assert spans[0][0] == first
    assert spans[-1][1] == found.held.now
    assert all(until == since for (_, until), (since, _) in pairwise(spans))
    assert all(hole.cause for hole in holes)
    edges = [edge for span in spans for edge in span]
    near = [edge + timedelta(microseconds=step) for edge in edges for step in (-1, 0, 1)]
    for moment in [*near, *map(at, drawn["moments"])]:
        is_within = any(one.since <= moment <= one.until for one in found.windows)
        choice = choose(Target(kind="time", value=written(moment)), found)
        assert bool(choice.faults) is not is_within, (moment, choice.faults)
        assert not is_within or is_in_the_log(moment, found), moment
        if not choice.faults:
            assert choice.backup
            assert choice.backup.is_usable
        elif found.windows and first < moment < found.held.now:
            assert "the nearest that can be: " in choice.faults[0]


@settings(deadline=None)
@given(REPOSITORIES)
def test_no_moment_is_called_lost_that_the_log_has(drawn: dict[str, Any]) -> None:
    found = made(drawn | {"branch": None})
    for moment in map(at, drawn["moments"]):
        if moment < found.held.now and is_in_the_log(moment, found):
            assert any(one.since <= moment <= one.until for one in found.windows), moment
