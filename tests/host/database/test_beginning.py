"""A data directory is laid ready to begin a timeline above all others: by its files alone."""

import errno
import os
import re
import subprocess
from pathlib import Path

import pytest

from host.database import beginning


def data(folder: Path, *wal: str) -> Path:
    """A stopped server's, with these files of its log; histories have a text."""
    (folder / "pg_wal/archive_status").mkdir(parents=True)
    (folder / "global").mkdir()
    (folder / "global/pg_control").touch()
    for name in wal:
        (folder / "pg_wal" / name).write_text(f"history {name}" if name.endswith("history") else "")
    return folder


def taken(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted((folder / "pg_wal").glob("*.history"))}


def test_numbers_of_the_archive_and_of_other_clusters_are_shown_as_taken(tmp_path: Path) -> None:
    main = data(tmp_path / "main", "000000010000000000000007")
    undone = data(tmp_path / "undone", "00000003.history", "000000030000000000000005")
    assert beginning.prepare(main, [undone, tmp_path / "none"], [1, 2], tmp_path) == 4
    # What only this host has of the third is archived; what the archive has is only shown.
    assert taken(main) == {"00000002.history": "", "00000003.history": "history 00000003.history"}
    assert [path.name for path in (main / "pg_wal/archive_status").iterdir()] == ["00000003.history.ready"]
    assert (main / "recovery.signal").exists()
    assert "restore_command = 'false'" in (main / "postgresql.auto.conf").read_text()


@pytest.mark.parametrize("full_at", range(1, 6))
def test_nothing_that_was_begun_is_left_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_at: int
) -> None:
    main = data(tmp_path / "main", "000000010000000000000007")
    undone = data(tmp_path / "undone", "00000003.history")
    before, flushed, real = sorted(main.rglob("*")), [], os.fsync

    def full(handle: int) -> None:
        flushed.append(handle)
        if len(flushed) == full_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        beginning.prepare(main, [undone], [1, 2], tmp_path)
    # The settings are the last but one, and say nothing without the signal.
    assert [path for path in sorted(main.rglob("*")) if path.name != beginning.SETTINGS] == before


def test_it_is_the_same_number_however_often_it_is_laid_ready(tmp_path: Path) -> None:
    main = data(tmp_path / "main", "00000002.history", "000000020000000000000007")
    assert [beginning.prepare(main, [], [1, 5], tmp_path) for _ in range(2)] == [6, 6]
    assert taken(main)["00000002.history"] == "history 00000002.history"


def test_settings_of_alter_system_stay_before_those_of_the_recovery(tmp_path: Path) -> None:
    main = data(tmp_path / "main", "000000010000000000000007")
    (main / "postgresql.auto.conf").write_text("work_mem = '5MB'")
    for _ in range(2):
        beginning.prepare(main, [], [], tmp_path)
    assert (main / "postgresql.auto.conf").read_text() == f"work_mem = '5MB'\n{beginning.RECOVERY}"


def test_a_standby_and_a_folder_without_a_cluster_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert beginning.prepare(tmp_path / "empty", [], [1, 2], tmp_path) is None
    standby = data(tmp_path / "standby", "000000010000000000000007")
    (standby / "standby.signal").touch()
    assert beginning.prepare(standby, [], [1, 2], tmp_path) is None
    assert not (standby / "recovery.signal").exists()


def test_the_marks_of_taken_numbers_go_also_where_the_log_is_a_link(tmp_path: Path) -> None:
    main = data(tmp_path / "main", "00000002.history")
    (main / "pg_wal").rename(tmp_path / "log")
    # As the host sees it, whose root is a folder here.
    (main / "pg_wal").symlink_to("/log")
    assert beginning.prepare(main, [], [3], tmp_path) == 4
    (main / "pg_wal").unlink()
    (main / "pg_wal").symlink_to(tmp_path / "log")
    assert list(taken(main)) == ["00000002.history", "00000003.history"]
    command = re.search("recovery_end_command = '(.*)'", beginning.RECOVERY)
    assert command is not None
    subprocess.run(["sh", "-c", command[1].replace("''", "'")], cwd=main, check=True)
    assert list(taken(main)) == ["00000002.history"]
    assert (main / "postgresql.auto.conf").read_text() == ""
