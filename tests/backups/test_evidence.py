"""What a drill leaves behind."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from backups import evidence
from backups.errors import BackupError
from tests.backups import answering
from tests.backups.answering import drilled, read


def test_three_files_named_after_the_start(tmp_path: Path) -> None:
    files = evidence.write(tmp_path / "new" / "drills", answering.evidence(), read(answering.four_weeks()))
    assert [path.name for path in files] == [f"drill-20261121-120000Z.{end}" for end in ("json", "md", "svg")]
    assert sorted(path.name for path in files[0].parent.iterdir()) == sorted(path.name for path in files)
    found = json.loads(files[0].read_text())
    assert (found["format"], found["stack"], found["is_passed"]) == (1, "local", True)
    assert found["windows"][0]["from"] == "2026-11-21T07:00:00.000000Z"
    assert "(drill-20261121-120000Z.svg)" in files[1].read_text()
    assert "drill: point" in files[2].read_text()


def test_without_a_listing_there_is_no_picture(tmp_path: Path) -> None:
    files = evidence.write(tmp_path, answering.evidence(), None)
    assert [path.suffix for path in files] == [".json", ".md"]
    assert ".svg" not in files[1].read_text()


def test_what_was_missed_is_said_first(tmp_path: Path) -> None:
    lost = drilled("latest", checks=[{"name": "amcheck", "is_passed": False, "detail": "a | b\nc"}])
    lost["markers"] = {"expected": 3, "found": 2, "missing": ["2026-11-21T11:00:00Z"], "unexpected": []}
    found = answering.evidence(is_passed=False, faults=["latest: amcheck: a"], restores=[lost])
    text = evidence.markdown(found, None)
    assert text.startswith("# Restore drill of local, 2026-11-21 12:00:00 UTC: **missed**\n")
    assert "* latest: amcheck: a" in text
    assert "| latest: amcheck | **missed** | a \\| b c |" in text
    assert "* Missing: 2026-11-21 11:00:00 UTC" in text


def test_a_point_can_be_had_again(tmp_path: Path) -> None:
    text = evidence.markdown(answering.evidence(), None)
    assert "## A point of the window\n" in text
    assert "(the same again: `./hybrid drill --at 2026-11-21T10:00:00.000000Z`)" in text


def test_a_drill_that_could_not_go_on_leaves_what_there_is(tmp_path: Path) -> None:
    half = {"kind": "latest", "backup": "20261121-070000F", "data_bytes": 5, "markers": None, "checks": []}
    changes: dict[str, Any] = {
        "is_passed": False,
        "recovery_point_seconds": None,
        "recovery_time_seconds": None,
        "windows": [],
    }
    for restores in ([], [half]):
        found = answering.evidence(faults=["store: does not answer"], restores=restores, **changes)
        text = evidence.write(tmp_path, found, None)[1].read_text()
        assert text.startswith("# Restore drill of local, 2026-11-21 12:00:00 UTC: **missed**\n")
        assert "* store: does not answer" in text
        assert "| recovery time | **missed** | not measured; target 30 min |" in text
        assert ("did not come to an end" in text) == bool(restores)


def test_only_what_is_named_reaches_a_file(tmp_path: Path) -> None:
    found = answering.evidence(password="hunter2", restores=[drilled("latest", rows=["hunter2"])])
    for path in evidence.write(tmp_path, found, None):
        assert "hunter2" not in path.read_text()


def test_a_folder_that_can_not_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackupError, match="the evidence can't be written: "):
        evidence.write(tmp_path / "file", answering.evidence(), None)


@pytest.mark.parametrize("name", ["file/below", "file"])
def test_a_place_for_no_evidence_is_refused_before_a_drill(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BackupError, match="is not a folder"):
        evidence.refuse_unwritable(tmp_path / name)
    evidence.refuse_unwritable(tmp_path / "new" / "folder")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_closed_is_refused_before_a_drill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made up, because nothing is closed to root."""
    closed, stat = tmp_path / "closed", os.stat

    def refused(path: str | Path, **options: Any) -> os.stat_result:
        if Path(path).is_relative_to(closed) and Path(path) != closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, **options)

    closed.mkdir()
    monkeypatch.setattr(os, "stat", refused)
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != closed)
    with pytest.raises(BackupError, match="closed can't be written to"):
        evidence.refuse_unwritable(closed / "new" / "folder")
