"""Versions that nothing pins: what is in use, what was last seen to pass, and what moved."""

import json
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import pytest

from host.packages import catalogue
from local.host import root_filesystem
from plan.project import ROOT as PROJECT
from scripts import doctor, versions
from scripts.versions import DEBIAN, MACHINE, Move, locked, moved, table

STATUS = """\
Package: postgresql-17
Status: install ok installed
Depends: postgresql-common
Version: 17.12-0+deb13u1
Description: Version: of a text

Package: zlib1g
Multi-Arch: same
Version: 1:1.3.dfsg+really1.3.1-1
"""
ROOT = {"postgresql-17": "17.12-0+deb13u1", "zlib1g": "1:1.3.dfsg+really1.3.1-1"}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a root would be, and none is."""
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def root(cache: Path) -> Path:
    """A built root of two packages."""
    path = root_filesystem._tar()
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo("./var/lib/dpkg/status")
        member.size = len(STATUS)
        tar.addfile(member, BytesIO(STATUS.encode()))
    return path


@pytest.fixture
def note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What was last seen to pass, in a file of the test's own."""
    path = tmp_path / "last_passed.json"
    monkeypatch.setattr(versions, "PASSED", path)
    versions.write_down({DEBIAN: ROOT, MACHINE: {"node": "22.1.0"}})
    return path


def test_a_built_root_tells_every_package(root: Path) -> None:
    assert root_filesystem.versions() == ROOT


def test_a_root_that_is_not_built_has_none(cache: Path) -> None:
    assert root_filesystem.versions() == {}
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {}, []),
        ({"a": "1"}, {"a": "1"}, []),
        ({"a": "1", "b": "1"}, {"a": "2", "c": "1"}, [("a", "1", "2"), ("b", "1", None), ("c", None, "1")]),
        # Not built here, so nothing is known of it.
        ({"a": "1"}, {}, []),
    ],
)
def test_what_moved_is_named(
    before: Mapping[str, str], after: Mapping[str, str], expected: list[tuple[str, str | None, str | None]]
) -> None:
    found = moved({"place": before}, {"place": after})
    assert [(move.name, move.before, move.after) for move in found] == expected


def test_a_place_that_was_not_seen_before_is_all_new() -> None:
    assert [str(move) for move in moved({}, {"place": {"a": "1"}})] == ["place: a none → 1"]


def test_lockfiles_are_read() -> None:
    text = "boto3==1.44.5 \\\n    --hash=sha256:00\nmoto[s3,server]==5.2.5\ncolorama==0.4 ; os_name == 'nt'\n"
    assert locked("requirements.lock", text) == {"boto3": "1.44.5", "moto[s3,server]": "5.2.5", "colorama": "0.4"}
    found = {"packages": {"": {"name": "hybrid"}, "apps/web": {}, "node_modules/hono": {"version": "4.1.0"}}}
    assert locked("package-lock.json", json.dumps(found)) == {"node_modules/hono": "4.1.0"}
    assert locked("package-lock.json", "") == {}


def test_the_projects_lockfiles_pin_something() -> None:
    for name in versions.LOCKS.values():
        assert len(locked(name, (PROJECT / name).read_text())) > 20


def test_a_table_has_a_row_a_move() -> None:
    moves = [
        Move(place=DEBIAN, name="zlib1g", before="1", after="2"),
        Move(place=MACHINE, name="npm", before=None, after="9"),
    ]
    assert table(moves, "2026-11-29").splitlines()[-2:] == [
        "| Debian root | zlib1g | 1 | 2 |",
        "| machine | npm |  | 9 |",
    ]
    assert table([], "2026-11-29") == "Nothing moved since 2026-11-29, when the tests last passed.\n"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["versions", *arguments])
    monkeypatch.setattr(versions, "locks_moved", list)
    monkeypatch.setattr(versions, "_machine", lambda: iter([("node", "22.2.0")]))
    return versions.main()


def test_what_moved_is_told_until_it_is_written_down(
    root: Path, note: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch) == 0
    said = capsys.readouterr()
    assert said.out == "machine: node 22.1.0 → 22.2.0\n"
    assert "`make passed` writes down" in said.err
    assert run(monkeypatch, "--passed") == 0
    assert versions.passed() == {DEBIAN: ROOT, MACHINE: {"node": "22.2.0"}}
    assert run(monkeypatch) == 0
    assert capsys.readouterr() == ("", "")


def test_without_a_root_nothing_is_written_down(
    cache: Path, note: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = note.read_text()
    assert run(monkeypatch, "--passed") == 1
    assert "is not built" in capsys.readouterr().err
    assert note.read_text() == before


def test_a_changed_lockfile_is_told_since_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "ROOT", tmp_path)
    monkeypatch.setattr(versions, "LOCKS", {"Python": "requirements.lock"})
    lock = tmp_path / "requirements.lock"
    lock.write_text("boto3==1.0\n")
    git = ["git", "-c", "user.name=trial", "-c", "user.email=trial@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "lock"]):
        subprocess.run([*git, *arguments], cwd=tmp_path, check=True)
    assert versions.locks_moved() == []
    lock.write_text("boto3==1.1\n")
    subprocess.run([*git, "add", "."], cwd=tmp_path, check=True)
    assert list(map(str, versions.locks_moved())) == ["Python: boto3 1.0 → 1.1"]


def test_npm_is_asked_of_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "lib/npm/bin/npm-cli.js"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    (tmp_path / "npm").symlink_to(program)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert versions._npm() is None
    package = program.parents[1] / "package.json"
    package.write_text('{"name": "npm", "version": "10.9.0"}')
    assert dict(versions._machine())["npm"] == "10.9.0"
    package.write_text('{"name": "other", "version": "1.0.0"}')
    assert versions._npm() is None


def found_by_doctor() -> dict[str, doctor.Finding]:
    return {finding.name: finding for finding in doctor._versions()}


def test_doctor_shows_versions_beside_those_last_seen_to_pass(
    root: Path, note: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "_machine", lambda: iter([("node", "22.2.0")]))
    # A program that is not here is no package of the root.
    versions.write_down({DEBIAN: ROOT | {"zlib1g": "1:1.2"}, MACHINE: {"node": "22.1.0", "chromium": "150.1"}})
    found = found_by_doctor()
    assert {name: one.word for name, one in found.items()} == {
        "postgresql-17": "[green]fine[/]",
        "node": "[yellow]other[/]",
        DEBIAN: "[yellow]other[/]",
    }
    assert found["postgresql-17"].detail == "17.12-0+deb13u1, as last seen to pass"
    assert found["node"].detail == "22.2.0; last seen to pass: 22.1.0"
    assert found[DEBIAN].detail == "zlib1g 1:1.2 → 1:1.3.dfsg+really1.3.1-1"
    assert not any(one.is_needed for one in found.values())


def test_doctor_goes_without_a_root(cache: Path, note: Path) -> None:
    found = found_by_doctor()[DEBIAN]
    assert (found.word, found.detail.partition(";")[0]) == ("[yellow]absent[/]", "not built yet")


def test_what_was_last_seen_to_pass_has_all_that_the_root_is_made_of() -> None:
    passed = versions.passed()
    assert {*catalogue.LOCAL} <= passed[DEBIAN].keys()
    assert {"python", "node", "npm", "mmdebstrap", "chromium", "knot"} <= passed[MACHINE].keys()
