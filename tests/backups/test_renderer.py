"""Listings, plans, restores and drills as text."""

from datetime import timedelta

import pytest

from backups.renderer import Listed, below, drill_rows, plan_lines, rendered_target, restored_lines, rows
from backups.request import target
from host.recovery.contract import Restored
from tests.backups import answering
from tests.backups.answering import NOW, backup, cluster, evidence, plan, read, wal


def test_a_backup_is_a_row_with_its_copy() -> None:
    one = backup(NOW - timedelta(hours=5), error=True)
    listed = Listed(listing=read(answering.listing([one], [])), copies={one["label"]: "copied"})
    (row,) = rows(listed)
    assert row == (
        "20261121-070000F (damaged)",
        "full",
        "2026-11-21 07:00:00",
        "42.5 s",
        "700 MB",
        "120 MB",
        f"{wal(3)} – {wal(4)[-8:]}",
        "copied",
    )
    assert listed.document()["backups"][0]["copy"] == "copied"


def test_the_window_gaps_and_clusters_are_said_below() -> None:
    text = "\n".join(
        below(read(answering.two_timelines() | {"leftovers": ["drill-1"], "displaced": [".main.before-1"]}))
    )
    assert "Any moment from 2026-11-15 12:30:00 to 2026-11-21 12:00:00 UTC, moving on (5 d 23 h); 4 backups." in text
    assert f"WAL missing on timeline 1: {wal(330)} to {wal(400)}" in text
    assert "restored before-delete: 700 MB, running, made 2026-11-21 11:00:00 UTC, on the host psql -p 5433" in text
    assert "kept main.before-20261118-1200: 700 MB, stopped" in text
    assert "left by a command that was killed, removed by the next that acts: drill-1" in text
    assert "put back under its name by the next that acts: .main.before-1" in text


def test_each_window_is_said() -> None:
    text = "\n".join(below(read(answering.with_hole())))
    assert (
        "Any moment from 2026-11-21 03:00:43 to 2026-11-21 06:00:00 UTC (2 h 59 min), or from 2026-11-21 10:00:43 to"
        in text
    )
    assert "12:00:00 UTC, moving on (1 h 59 min); 2 backups." in text
    assert (
        f"not from 2026-11-21 06:00:00 UTC to 2026-11-21 10:00:42.5 UTC: archive: {wal(31)} .. {wal(50)} is missing"
        in text
    )
    assert "log is missing for 2 backups" in "\n".join(
        below(read(answering.with_hole() | {"windows": [], "holes": []}))
    )


def test_what_a_plan_could_not_know_is_said() -> None:
    assert dict(plan_lines(plan(note="where it lies is not known")))["note"] == "where it lies is not known"
    assert "note" not in dict(plan_lines(plan()))


def test_a_stopped_copy_is_not_said_to_be_reached() -> None:
    given = answering.two_timelines()
    text = "\n".join(below(read(given | {"restored": [one | {"state": "stopped"} for one in given["restored"]]})))
    assert "restored before-delete: 700 MB, stopped, made 2026-11-21 11:00:00 UTC\n" in f"{text}\n"


def test_a_moment_within_a_cause_is_written_as_those_beside_it() -> None:
    given = answering.with_hole()
    cause = "nothing is archived after 2026-11-21T06:00:00.500000Z"
    text = "\n".join(below(read(given | {"holes": [one | {"cause": cause} for one in given["holes"]]})))
    assert "UTC: nothing is archived after 2026-11-21 06:00:00.5 UTC" in text


def test_an_empty_repository_is_said_to_be() -> None:
    assert list(below(read(answering.empty()))) == [
        "Nothing can be restored: the repository has no backup that is whole."
    ]


def test_a_plan_is_said_with_its_numbers() -> None:
    told = dict(plan_lines(plan(stops=["PostgreSQL"], loses="12 s of rows", keeps="main.before-1", into="main")))
    assert told["into"] == "main, the cluster that serves"
    assert told["WAL"] == f"7 files, 112 MB: {wal(3)} to {wal(9)}"
    assert told["data"] == "700 MB, of which 120 MB are fetched"
    assert told["space"] == "900 MB needed, 8.8 GB free"
    assert told["time"] == "about 42.0 s, from the last drill, 21 MB/s"
    assert (told["stops"], told["loses"], told["keeps"]) == ("PostgreSQL", "12 s of rows", "main.before-1")


def test_a_plan_that_stops_and_loses_nothing_says_so() -> None:
    told = dict(plan_lines(plan(estimated_seconds=None, estimate_from="no restore has been timed yet", backup=None)))
    assert (told["stops"], told["loses"]) == ("nothing", "nothing")
    assert told["time"] == "not known: no restore has been timed yet"
    assert "backup" not in told


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("latest", "the newest state that can be had"),
        ("xid:700", "up to and with transaction 700"),
        ("2026-11-21 07:00-05:00", "up to and with 2026-11-21 12:00:00 UTC"),
        ("0/30", "up to and with position 0/30"),
        ("name:release", "up to and with restore point release"),
    ],
)
def test_targets_in_words(text: str, spoken: str) -> None:
    assert rendered_target(target(text)) == spoken


def test_exclusive_is_said() -> None:
    assert (
        rendered_target(target("xid:700", is_exclusive=True, timeline=3)) == "just before transaction 700 on timeline 3"
    )


@pytest.mark.parametrize(
    ("stack", "reach"),
    [
        (None, "./hybrid local exec -- psql -p 5433"),
        ("prod", "on the host of prod: sudo -u postgres psql -p 5433"),
    ],
)
def test_after_a_restore_it_is_said_how_to_get_there(stack: str | None, reach: str) -> None:
    found = Restored.model_validate({"plan": plan().model_dump(by_alias=True), "cluster": cluster()})
    text = "\n".join(restored_lines(found, stack))
    assert f"reach it: {reach}" in text
    assert "restore --discard before-delete" in text


def test_after_a_restore_in_place_the_kept_data_and_a_backup_are_named() -> None:
    given = plan(into="main", keeps="main.before-1").model_dump(by_alias=True)
    lines = list(
        restored_lines(Restored.model_validate({"plan": given, "seconds": {"restore": 12.0, "stopped": 1.5}}), "prod")
    )
    assert lines[:2] == ["main: restored in 12.0 s", "PostgreSQL was stopped for 1.5 s"]
    assert "rows out of it: ./hybrid restore --open main.before-1 --stack prod --apply" in lines
    assert "no longer needed: ./hybrid restore --discard main.before-1 --stack prod --apply" in lines
    assert any("./hybrid backup now --type full --stack prod" in line for line in lines)


def test_a_drill_is_a_row_a_check_and_two_measures() -> None:
    found = drill_rows(evidence(recovery_point_seconds=130.0, recovery_time_seconds=None))
    assert found[:2] == [("latest: markers", True, "40 of 40"), ("point: markers", True, "40 of 40")]
    assert found[2:] == [
        ("recovery point", False, "2 min 10 s; target 2 min"),
        ("recovery time", False, "not measured; target 30 min"),
    ]
