"""What is remembered between commands: whole, private, bounded, and never in anybody's way."""

import multiprocessing
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from durable.files import UNFINISHED
from plan.memory import FOLDER, Memory, cache_folder, forget_all
from tests.commands import ran

MEMORY = Memory("trial", most=3)
LONG = "a text " * 10_000


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def kept(cache: Path) -> list[Path]:
    return sorted((cache / FOLDER / "trial").iterdir())


def test_what_is_written_is_read_by_its_kind_and_key(cache: Path) -> None:
    assert MEMORY.read("one") is None
    MEMORY.write("one", LONG)
    assert MEMORY.read("one") == LONG
    assert MEMORY.read("two") is None
    assert Memory("other").read("one") is None


def test_only_its_owner_may_read_it(cache: Path) -> None:
    MEMORY.write("one", "secret")
    (file,) = kept(cache)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize("damage", ["cut off", "emptied", "one byte", "text", "folder"])
def test_a_damaged_file_is_as_none(cache: Path, damage: str) -> None:
    MEMORY.write("one", LONG)
    (file,) = kept(cache)
    whole = file.read_bytes()
    file.unlink()
    if damage == "folder":
        file.mkdir()
    else:
        middle = len(whole) // 2
        changed = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
        file.write_bytes({"cut off": whole[:-1], "emptied": b"", "one byte": changed, "text": b"{}"}[damage])
    assert MEMORY.read("one") is None
    if damage != "folder":
        MEMORY.write("one", "new")
        assert MEMORY.read("one") == "new"


def test_only_the_last_used_are_kept(cache: Path) -> None:
    for number, key in enumerate(("a", "b", "c")):
        MEMORY.write(key, key)
        os.utime(cache / FOLDER / "trial" / key, (number, number))
    assert MEMORY.read("a") == "a"
    MEMORY.write("d", "d")
    assert [file.name for file in kept(cache)] == ["a", "c", "d"]


def test_what_a_killed_writer_left_goes_and_what_another_writes_stays(cache: Path) -> None:
    MEMORY.write("one", "1")
    old, new = (cache / FOLDER / "trial" / f"{name}{UNFINISHED}" for name in ("old", "new"))
    old.touch()
    new.touch()
    os.utime(old, (0, 0))
    MEMORY.write("two", "2")
    assert [file.name for file in kept(cache)] == [new.name, "one", "two"]


def write_again_and_again(letter: str) -> None:
    for _ in range(200):
        MEMORY.write("one", letter * 100_000)


def test_two_that_write_at_once_leave_one_whole_text(cache: Path) -> None:
    MEMORY.write("one", "a" * 100_000)
    writers = [multiprocessing.Process(target=write_again_and_again, args=(letter,)) for letter in "ab"]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert MEMORY.read("one") in ("a" * 100_000, "b" * 100_000)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert [file.name for file in kept(cache)] == ["one"]


def test_a_folder_that_cannot_be_made_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path / "file" / "cache"))
    MEMORY.write("one", "1")
    assert MEMORY.read("one") is None


@pytest.mark.parametrize("mode", [0o755, 0o777])
def test_what_others_may_write_or_read_is_not_used(cache: Path, mode: int) -> None:
    MEMORY.write("one", "1")
    (cache / FOLDER / "trial").chmod(mode)
    MEMORY.write("two", "2")
    assert (MEMORY.read("one"), [file.name for file in kept(cache)]) == (None, ["one"])


def test_without_a_home_nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("HYBRID_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    MEMORY.write("one", "1")
    assert MEMORY.read("one") is None


# As a full disk: what is written beyond so many bytes fails, of whatever file.
NO_ROOM = ("prlimit", "--fsize=1000", "--")


def test_a_full_disk_costs_only_the_memory(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    program = "from plan.memory import Memory; import os; Memory('trial').write('one', os.urandom(9000).hex())"
    done = ran([*NO_ROOM, sys.executable, "-B", "-c", program])
    assert (done.returncode, done.stdout, done.stderr, kept(cache)) == (0, "", "", [])


def test_what_another_process_forgets_at_the_same_moment_is_no_fault(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = Memory("trial", most=1)
    memory.write("one", "text")
    scandir = os.scandir

    @contextmanager
    def beside(folder: Path) -> Iterator[list[os.DirEntry[str]]]:
        with scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
        (folder / "one").unlink()
        yield listed

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", beside)
        memory.write("two", "text")
    assert [path.name for path in kept(cache)] == ["two"]


def test_what_never_ends_is_not_read(cache: Path) -> None:
    memory = Memory("trial")
    memory.write("one", "text")
    (cache / FOLDER / "trial/one").unlink()
    os.mkfifo(cache / FOLDER / "trial/one")
    assert memory.read("one") is None
    (cache / FOLDER / "trial/one").unlink()
    (cache / FOLDER / "trial/one").symlink_to("/dev/zero")
    assert memory.read("one") is None


def test_forgetting_removes_nothing_else(cache: Path) -> None:
    MEMORY.write("one", "1")
    (cache / "debian.tar").touch()
    forget_all()
    assert [path.name for path in cache_folder().iterdir()] == ["debian.tar"]
    (cache / "debian.tar").unlink()
    forget_all()
    assert not cache.exists()
