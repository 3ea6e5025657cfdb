"""The state folder: what it refuses, what it heals, and that it touches nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.common.errors import LocalError
from local.common.state import MARKER, State

PROJECT = Path(__file__).parents[3]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_folder_is_the_users_own(state: State) -> None:
    assert mode(state.folder) == 0o700
    assert {path.name for path in state.folder.iterdir()} >= {MARKER, "logs", "tls", "edge", "supervisor"}


def test_preparing_again_keeps_everything_and_closes_the_folder(state: State) -> None:
    state.write_json(state.host_file, {"kept": True})
    state.folder.chmod(0o755)
    state.prepare()
    assert mode(state.folder) == 0o700
    assert state.read_json(state.host_file) == {"kept": True}


def test_the_folder_is_the_projects_or_the_named_one(tmp_path: Path) -> None:
    assert State.of(tmp_path, {}).folder == tmp_path / ".state" / "local"
    assert State.of(tmp_path, {"HYBRID_STATE": str(tmp_path / "mine")}).folder == tmp_path / "mine"


def test_a_foreign_folder_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(LocalError, match=r"not a state folder.*thesis\.txt.*HYBRID_STATE"):
        State(tmp_path).prepare()
    with pytest.raises(LocalError, match="not a state folder"):
        State(tmp_path).delete()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    State(tmp_path).prepare()
    assert State(tmp_path).exists


def test_a_first_run_killed_while_it_wrote_the_marker_heals(tmp_path: Path) -> None:
    (tmp_path / f"{MARKER}.k3j2.new").write_text("{")
    State(tmp_path).prepare()
    assert State(tmp_path).exists


@pytest.mark.parametrize("text", ['{"format": 2}', "{}", "[]"])
def test_another_format_is_refused(state: State, text: str) -> None:
    (state.folder / MARKER).write_text(text)
    with pytest.raises(LocalError, match=r"has format .*, this version reads 1; run `make clean`"):
        state.prepare()


def test_a_corrupt_marker_is_named(state: State) -> None:
    (state.folder / MARKER).write_text("{half")
    with pytest.raises(LocalError, match=rf"{MARKER}: is corrupt.*make clean"):
        state.prepare()


def test_a_folder_of_another_user_is_refused(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(LocalError, match="belongs to user"):
        state.prepare()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalError, match="can't be made"):
        State(tmp_path / "file" / "state").prepare()


@pytest.mark.parametrize("content", [b"{half", b"", b"\xff\xfe"])
def test_a_corrupt_file_is_named_with_the_remedy(state: State, content: bytes) -> None:
    state.host_file.write_bytes(content)
    with pytest.raises(LocalError, match=r"host\.json: is corrupt.*run `make clean`"):
        state.read_json(state.host_file)


def test_a_corrupt_file_that_can_be_remade_reads_as_missing(state: State) -> None:
    state.host_file.write_text("{half")
    assert state.read_json(state.host_file, can_be_remade=True) is None


def test_a_missing_file_reads_as_none(state: State) -> None:
    assert state.read_json(state.host_file) is None


def test_what_is_written_is_for_the_user_only(state: State) -> None:
    state.write_json(state.secrets_file, {"a": "b"})
    assert mode(state.secrets_file) == 0o600


def test_a_failed_write_keeps_the_old_file(state: State) -> None:
    state.write(state.host_file, "old")
    before = set(state.folder.iterdir())
    with pytest.raises(UnicodeEncodeError):
        state.write(state.host_file, "new\udc80")
    assert state.host_file.read_text() == "old"
    assert set(state.folder.iterdir()) == before


@pytest.mark.parametrize("path", ["../outside", "..", "logs/..", "link/outside"])
def test_nothing_outside_is_written_or_deleted(state: State, path: str) -> None:
    (state.folder / "link").symlink_to(state.folder.parent)
    with pytest.raises(ValueError, match="is not inside"):
        state.remove(state.folder / path)
    with pytest.raises(ValueError, match="is not inside"):
        state.write(state.folder / path, "text")


def test_what_a_link_points_at_stays(state: State, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (state.logs / "link").symlink_to(tmp_path / "precious")
    state.remove(state.logs / "link")
    (state.logs / "link").symlink_to(tmp_path / "precious")
    state.delete()
    assert (tmp_path / "precious").exists()


def test_deleting_leaves_no_trace_and_may_be_repeated(state: State) -> None:
    state.write_json(state.host_file, {})
    state.delete()
    state.delete()
    assert not state.folder.exists()


def test_nothing_is_deleted_through_a_mount(state: State, tmp_path: Path) -> None:
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "disk").write_text("")
    (state.root / "dev").mkdir(parents=True)
    program = (
        f"from pathlib import Path; from local.common.state import State; State(Path({str(state.folder)!r})).delete()"
    )
    mount = f'mount --bind {tmp_path}/devices {state.root}/dev && exec "$@"'
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", *user, "--mount", "sh", "-c", mount, "sh", sys.executable, "-c", program]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=30, check=False)
    if "LocalError" not in result.stderr:
        pytest.skip(f"no mounts here: {result.stderr}")
    assert "has a mount on" in result.stderr
    assert (tmp_path / "devices" / "disk").exists()
