"""One holder at a time, whatever becomes of it."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from durable import lock

HOLDER = """
import sys, time; from pathlib import Path; from durable import lock
with lock.hold(Path(sys.argv[1]), {"pid": "other"}):
    print("held", flush=True); time.sleep(600)
"""
COUNTER = """
import sys; from pathlib import Path; from durable import lock
path = Path(sys.argv[1])
for _ in range(200):
    with lock.hold(path / "lock", {}, wait_seconds=60):
        count = path / "count"; count.write_text(str(int(count.read_text()) + 1))
"""


def started(program: str, *arguments: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(argv, cwd=Path(lock.__file__).parents[1], stdout=subprocess.PIPE, text=True)


def test_a_second_holder_is_told_who_has_it_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with started(HOLDER, str(path)) as other:
        try:
            assert other.stdout
            assert other.stdout.readline() == "held\n"
            assert lock.holder(path) == lock.note(path) == {"pid": "other"}
            with pytest.raises(lock.HeldError) as refused, lock.hold(path, {}, wait_seconds=0.05):
                pytest.fail("held by two")
            assert refused.value.note == {"pid": "other"}
        finally:
            other.send_signal(signal.SIGKILL)
    assert lock.holder(path) is None
    with lock.hold(path, {"pid": "own"}, wait_seconds=0):
        assert lock.holder(path) == {"pid": "own"}
    assert (lock.note(path), lock.holder(path)) == ({}, None)


def test_none_is_lost_of_what_two_count_at_once(tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0")
    counters = [started(COUNTER, str(tmp_path)) for _ in range(3)]
    assert [one.wait(120) for one in counters] == [0, 0, 0]
    for one in counters:
        assert one.stdout
        one.stdout.close()
    assert (tmp_path / "count").read_text() == "600"


def test_who_asks_is_in_nobodys_way(tmp_path: Path) -> None:
    path, ended = tmp_path / "lock", threading.Event()
    path.touch()

    def ask() -> None:
        while not ended.is_set():
            assert lock.holder(path) in (None, {}, {"a": 1})

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(200):
            with lock.hold(path, {"a": 1}):
                pass
    finally:
        ended.set()
        asking.join()


def test_a_folder_that_is_deleted_and_made_again_has_a_lock_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    with lock.hold(folder / "lock", {"first": True}):
        shutil.rmtree(folder)
        folder.mkdir()
        with lock.hold(folder / "lock", {"second": True}):
            assert lock.holder(folder / "lock") == {"second": True}


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b"\xff"])
def test_a_note_that_is_none_is_empty(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "lock").write_bytes(text)
    assert lock.note(tmp_path / "lock") == {}
    assert lock.note(tmp_path / "none") == {}
    assert lock.holder(tmp_path / "none") is None


def test_a_full_disk_keeps_nobody_from_holding_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", fail)
    with lock.hold(tmp_path / "lock", {"pid": "own"}):
        assert lock.holder(tmp_path / "lock") == {}
