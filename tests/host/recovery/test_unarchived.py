"""The log of a main that does not run, read from its files."""

import os
from collections.abc import Container, Sequence
from pathlib import Path, PurePosixPath
from subprocess import CompletedProcess

import pytest

from host.recovery import unarchived
from host.recovery.choice import ahead, choose
from host.recovery.commits import Commits
from host.recovery.contract import Target
from host.recovery.inventory import Inventory, Segment
from host.recovery.machine import Machine, utc_now
from host.recovery.pgbackrest import Repository
from host.recovery.timelines import END
from host.recovery.unarchived import HEADER, PAGE, PAGE_BYTES
from host.recovery.wal import SEGMENT_BYTES, position, wal_name
from tests.host.recovery.held import backup, lsn, situation
from tests.host.recovery.machine import cluster, machine

SYSTEM = 7


@pytest.fixture
def main(tmp_path: Path) -> Machine:
    made = machine(tmp_path)
    (cluster(made, "main") / "pg_wal").mkdir()
    return made


def segment(
    on: Machine,
    number: int,
    pages: dict[int, int],
    *,
    timeline: int = 1,
    system: int = SYSTEM,
    passed: Container[int] = (),
    folder: str = "",
) -> None:
    """A file of the log; `pages` are the flags of those that were written, by their place in it.

    Those that continue a record end it, but for those that it only passes through.
    """
    path = on.path(on.clusters / "main" / (folder or "pg_wal") / wal_name(timeline, number))
    with path.open("wb") as file:
        for page, flags in pages.items():
            address = number * SEGMENT_BYTES + page * PAGE_BYTES
            head = (0xD116, flags, timeline, address, 9000 if page in passed else 100 * (flags & 1))
            file.seek(page * PAGE_BYTES)
            file.write(HEADER.pack(*head, system, SEGMENT_BYTES, PAGE_BYTES) if page == 0 else PAGE.pack(*head))
        file.truncate(SEGMENT_BYTES)


def held(*names: str) -> Inventory:
    archived = tuple(Segment(name, 1, utc_now(), "0" * 40) for name in names)
    return Inventory(archive_id="17-1", system_id=SYSTEM, backups=(), segments={1: archived}, now=utc_now())


def test_what_is_not_archived_is_found_in_order(main: Machine) -> None:
    for number in (4, 3, 5):
        segment(main, number, {0: 2})
    found = unarchived.read(main, held(wal_name(1, 3)))
    assert found is not None
    assert [one.number for one in found.segments] == [4, 5]
    joined = unarchived.joined(held(wal_name(1, 3)), found)
    assert [one.number for one in joined.segments[1]] == [3, 4, 5]


def test_log_in_a_folder_elsewhere_is_found_as_the_host_sees_it(main: Machine) -> None:
    log = main.path(main.clusters / "main/pg_wal")
    log.rename(main.path("/log"))
    log.symlink_to("/log")
    segment(main, 4, {0: 2}, folder="/log")
    found = unarchived.read(main, held())
    assert found is not None
    assert found.path(wal_name(1, 4)) == PurePosixPath("/log", wal_name(1, 4))


def test_files_that_are_kept_for_later_and_those_of_another_system_are_no_log(main: Machine) -> None:
    segment(main, 4, {0: 2})
    segment(main, 5, {0: 2}, system=SYSTEM + 1)
    # Its old content is of another place in the log.
    recycled = main.path(main.clusters / "main/pg_wal" / wal_name(1, 6))
    os.link(main.path(main.clusters / "main/pg_wal" / wal_name(1, 4)), recycled)
    found = unarchived.read(main, held())
    assert found is not None
    assert [one.number for one in found.segments] == [4]


def test_log_whose_first_page_is_damaged_is_still_the_newest(main: Machine) -> None:
    segment(main, 4, {0: 2})
    segment(main, 5, {1: 0, 2: 0})
    found = unarchived.read(main, held())
    assert found is not None
    assert [one.number for one in found.segments] == [4, 5]
    assert found.end == 5 * SEGMENT_BYTES + 2 * PAGE_BYTES


@pytest.mark.parametrize(
    ("pages", "passed", "last"),
    [
        ({0: 2, 1: 0, 2: 0}, (), 2),
        # The record that ends the log begins on the page before: it may not be whole.
        ({0: 2, 1: 0, 2: 1}, (), 1),
        ({0: 3, 1: 1}, (), 0),
        # Each page goes on with a record of the one before, as 96 of 100 do under load; or all with the same.
        ({0: 3, 1: 1, 2: 1, 3: 1, 4: 1}, (), 3),
        ({0: 3, 1: 1, 2: 1, 3: 1, 4: 1}, (2, 3), 1),
        # Damaged in between.
        ({0: 2, 9: 0}, (), 9),
        ({0: 3, 1: 1, 3: 1}, (), 3),
    ],
)
def test_the_end_is_on_the_last_page_that_was_written(
    main: Machine, pages: dict[int, int], passed: tuple[int, ...], last: int
) -> None:
    segment(main, 4, pages, passed=passed)
    found = unarchived.read(main, held())
    assert found is not None
    assert found.end == 4 * SEGMENT_BYTES + last * PAGE_BYTES
    assert found.most == 4 * SEGMENT_BYTES + (max(pages) + 1) * PAGE_BYTES


def test_no_commit_after_damaged_log_counts(main: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (4, 5, 6):
        segment(main, number, {0: 2})
    told = "pg_waldump: error: error in WAL record at 0/5000100: there is no contrecord flag at 0/5002000"
    commit = "lsn: 0/{}000050, prev 0/0, desc: COMMIT 2026-11-01 12:00:00 UTC"

    def run(_: Machine, argv: Sequence[str], **__: object) -> CompletedProcess[str]:
        return CompletedProcess(argv, 1, commit.format(argv[-1][-1]), told)

    monkeypatch.setattr(Machine, "run", run)
    found = unarchived.read(main, held(wal_name(1, 3)))
    assert found is not None
    assert found.readable == 0x5000101
    reading = Commits(Repository(main), found)
    assert [one.number for one in found.segments if reading(one, 0, END)] == [4, 5]


def test_the_newest_timeline_is_that_of_main(main: Machine) -> None:
    segment(main, 4, {0: 2})
    segment(main, 4, {0: 2, 1: 0}, timeline=2)
    main.path(main.clusters / "main/pg_wal/00000002.history").write_text("1\t0/4000000\tno recovery target specified\n")
    found = unarchived.read(main, held(wal_name(1, 4)))
    assert found is not None
    assert found.timeline == 2
    assert list(found.histories) == [2]


def test_a_folder_without_log_has_none(main: Machine) -> None:
    assert unarchived.read(main, held()) is None


@pytest.mark.parametrize(
    ("left", "shared"),
    [(None, 21 * SEGMENT_BYTES), (lsn(15), position(lsn(15))), (lsn(22), 21 * SEGMENT_BYTES)],
    ids=["the same timeline", "left before", "left after"],
)
def test_what_a_copy_lacks_of_main_is_counted_from_where_both_have_the_same(
    main: Machine, left: str | None, shared: int
) -> None:
    timeline = 2 if left else 1
    segment(main, 25, {0: 2, 1: 0}, timeline=timeline, system=1)
    if left:
        main.path(main.clusters / "main/pg_wal/00000002.history").write_text(
            f"1\t{left}\tno recovery target specified\n"
        )
    copy = situation(backup(2), hours=20)
    loss = ahead(main, copy, choose(Target(kind="latest"), copy))
    assert loss is not None
    assert loss.bytes == 25 * SEGMENT_BYTES + 2 * PAGE_BYTES - shared
    assert loss.seconds > 0


def test_a_copy_that_has_all_of_main_loses_nothing(main: Machine) -> None:
    segment(main, 20, {0: 2, 1: 0}, system=1)
    copy = situation(backup(2), hours=20)
    loss = ahead(main, copy, choose(Target(kind="latest"), copy))
    assert loss is not None
    assert loss.bytes == 0
