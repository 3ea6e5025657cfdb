"""A whole-file write, killed at any moment."""

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from durable import files

WRITER = """
import sys; from pathlib import Path; from durable.files import replace
for number in range(10**9): replace(Path(sys.argv[1]), str(number % 10) * 100_000)
"""


def test_a_new_file_is_for_all_to_read_and_an_old_one_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    files.replace(path, "é")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == ("é".encode(), 0o644)
    path.chmod(0o600)
    files.replace(path, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)
    files.replace(path, b"new", mode=0o640, is_cache=True)
    assert path.stat().st_mode & 0o777 == 0o640


def test_what_can_not_be_written_leaves_the_old_text_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    files.replace(path, "old")
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        files.replace(path, "new")
    assert [*tmp_path.iterdir()] == [path]
    with pytest.raises(FileNotFoundError):
        files.replace(tmp_path / "none" / "file", "new")


def test_a_killed_writer_leaves_one_text_or_the_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    files.replace(path, "0" * 100_000)
    for kill in range(5):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], cwd=Path(files.__file__).parents[1])
        began = time.monotonic()
        seen = set[str]()
        while len(seen) < 3 or time.monotonic() - began < 0.01 * kill:
            text = path.read_text()
            assert len(text) == 100_000
            seen |= {*text}
            assert len({*text}) == 1
            assert time.monotonic() - began < 60
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        assert len({*path.read_text()}) == 1


def test_a_full_disk_is_told_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    files.replace(path, "old")

    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=f"No space left on device: '{path}'"):
        files.replace(path, "new")
    assert [one.read_text() for one in tmp_path.iterdir()] == ["old"]


def test_content_and_name_are_on_the_disk_in_that_order_when_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a power cut can take is what was not flushed before."""
    path, done = tmp_path / "file", []
    flush, rename = os.fsync, os.replace

    def flushed(handle: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else f"{os.fstat(handle).st_size} bytes")
        flush(handle)

    def renamed(source: str, target: Path) -> None:
        done.append("name")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", renamed)
    files.replace(path, "whole")
    assert done == ["5 bytes", "name", "folder"]
