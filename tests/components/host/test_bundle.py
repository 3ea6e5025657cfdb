"""The bundle: the same files give the same bytes, a changed one gives others, and it runs where it is unpacked."""

import io
import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from components.host.bundle import PROJECT, bundle
from tests.commands import ran

SPECIFICATION = {"platform": "lightsail"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "host" / "network").mkdir(parents=True)
    for name in ("apply.py", "network/tls.py", "requirements.lock"):
        (tmp_path / "host" / name).write_text(f"# {name}\n")
    return tmp_path / "host"


def names(content: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return archive.getnames()


def test_two_builds_are_equal_byte_by_byte() -> None:
    assert bundle("a", SPECIFICATION).content == bundle("a", SPECIFICATION).content


def test_whose_when_and_in_what_order_leaves_no_trace(folder: Path, tmp_path: Path) -> None:
    before = bundle("a", SPECIFICATION, folder.parent).content
    other = tmp_path / "other" / "host"
    other.mkdir(parents=True)
    for path in sorted(folder.rglob("*"), reverse=True):
        target = other / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            shutil.copyfile(path, target)
            target.chmod(0o700)
            os.utime(target, (1, 1))
    assert bundle("a", SPECIFICATION, other.parent).content == before


def test_the_order_in_which_a_file_system_lists_them_does_not_matter(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = bundle("a", SPECIFICATION, folder.parent).content
    listed = sorted(folder.rglob("*"))
    for order in (listed, listed[::-1]):
        monkeypatch.setattr(Path, "rglob", lambda folder, _, order=order: order if folder.name == "host" else [])
        assert bundle("a", SPECIFICATION, folder.parent).content == before


def test_compiled_files_are_left_out(folder: Path) -> None:
    before = bundle("a", SPECIFICATION, folder.parent).content
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "apply.cpython-311.pyc").write_bytes(b"compiled")
    (folder / "__pycache__" / "left.tmp").write_bytes(b"half written")
    (folder / "stray.pyc").write_bytes(b"compiled")
    assert bundle("a", SPECIFICATION, folder.parent).content == before
    assert names(before) == ["host/apply.py", "host/network/tls.py", "host/requirements.lock", "specification-a.json"]


def test_a_changed_byte_and_a_changed_specification_give_another_hash(folder: Path) -> None:
    hashes = {
        bundle("a", SPECIFICATION, folder.parent).sha256,
        bundle("a", {"platform": "local"}, folder.parent).sha256,
    }
    (folder / "apply.py").write_text("# Apply.py\n")
    hashes.add(bundle("a", SPECIFICATION, folder.parent).sha256)
    assert len(hashes) == 3


def test_everything_in_it_is_roots_of_1970_and_nobody_may_change_it(folder: Path) -> None:
    content = bundle("a", SPECIFICATION, folder.parent).content
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        entries = archive.getmembers()
    assert {(entry.uid, entry.gid, entry.mode, entry.mtime) for entry in entries} == {(0, 0, 0o644, 0)}
    # A gzip header's time of zero means that there is none.
    assert content[4:8] == b"\0\0\0\0"


def test_the_playbook_runs_from_where_it_is_unpacked(tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(bundle("a", SPECIFICATION).content)) as archive:
        archive.extractall(tmp_path, filter="data")
    assert (tmp_path / "host" / "requirements.lock").read_bytes() == (
        PROJECT / "host" / "requirements.lock"
    ).read_bytes()
    finished = ran(
        [sys.executable, "-m", "host.apply", "--help"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert finished.returncode == 0, finished.stderr
    assert "SPEC" in finished.stdout.upper()


def test_it_stays_small_enough_to_stand_in_a_state_file() -> None:
    assert len(bundle("a", SPECIFICATION).content) < 300_000
