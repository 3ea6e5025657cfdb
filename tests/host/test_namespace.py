"""Namespaces hold everything that a host makes, and the root file system is built once."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from local.common.errors import LocalError
from local.host import namespace, root_filesystem
from tests.host.running import PROJECT, HostUnderTest, members, mounts, pid_namespace
from tests.small_disk import needs_disk, small_disk
from tests.waiting import until


def test_root_needs_no_user_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "--user" not in namespace.launch(["true"], Path("/root-of-it"))
    assert "--user" not in namespace.enter(1, ["true"])


def test_an_ordinary_user_becomes_root_of_a_user_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert {"--user", "--map-root-user", "--map-auto"} <= set(namespace.launch(["true"], Path("/root-of-it")))
    assert "--user" in namespace.enter(1, ["true"])


def test_a_missing_tool_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespace, "which", lambda tool, path: None if tool == "mmdebstrap" else f"/bin/{tool}")
    assert "mmdebstrap: not found; install the package mmdebstrap" in namespace.faults()


def test_a_user_without_a_range_is_told_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    found = [fault for fault in namespace.faults() if "no range for 4000000; as root: " in fault]
    assert [fault.partition(":")[0] for fault in found] == ["/etc/subuid", "/etc/subgid"]


def test_two_builds_at_once_build_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Path] = []

    def build(tar: Path, folder: Path, progress: root_filesystem.Progress) -> None:
        built.append(tar)
        tar.touch()

    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path))
    monkeypatch.setattr(root_filesystem, "_build", build)
    callers = [threading.Thread(target=root_filesystem.cached, args=[print]) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert built == [root_filesystem.cached(print)]


@needs_disk
def test_a_root_that_does_not_fit_is_one_error_with_path_and_figures(tmp_path: Path) -> None:
    content, tar, disk = tmp_path / "content", tmp_path / "root.tar", tmp_path / "disk"
    content.mkdir()
    disk.mkdir()
    for name in ("one", "two"):
        (content / name).write_bytes(bytes(1 << 20))
    subprocess.run(["tar", "-C", content, "-cf", tar, "."], check=True)
    with small_disk(disk, 1024):
        with pytest.raises(LocalError) as refused:
            root_filesystem.unpack(tar, disk / "root")
        full = f"{disk}/root: its disk is full: 1 MB of 1 MB are free, and 1,024 MB are needed"
        assert str(refused.value).startswith(full)
        assert list(disk.iterdir()) == []


def test_another_package_list_is_another_build(monkeypatch: pytest.MonkeyPatch) -> None:
    before = root_filesystem._key()
    monkeypatch.setattr(root_filesystem, "PACKAGES", ("postgresql-17",))
    assert root_filesystem._key() != before


@pytest.mark.slow
def test_a_killed_build_leaves_nothing_to_trust_and_nothing_running(tmp_path: Path) -> None:
    if namespace.faults():
        pytest.skip("no namespaces here")
    program = "from local.host.root_filesystem import cached; cached(lambda line: print(line, flush=True))"
    command = [sys.executable, "-c", program]
    environment = os.environ | {"HYBRID_CACHE": str(tmp_path)}
    with subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True) as build:
        assert build.stdout is not None
        assert "apt-get" in build.stdout.readline()
        unshare = int(Path(f"/proc/{build.pid}/task/{build.pid}/children").read_text())
        inside = pid_namespace(until(lambda: namespace.first_process(unshare)))
        assert members(inside)
        build.kill()
    until(lambda: not members(inside))
    assert mounts(tmp_path) == []
    assert not list(tmp_path.glob("*.tar"))
    root_filesystem.remove(tmp_path / "building-root")


@pytest.mark.slow
def test_a_root_that_cannot_be_unpacked_is_not_there(root_tar: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn.tar"
    with root_tar.open("rb") as whole:
        torn.write_bytes(whole.read(5_000_000))
    root = tmp_path / "root"
    with pytest.raises(LocalError, match="cannot unpack"):
        root_filesystem.unpack(torn, root)
    assert not root.exists()
    root_filesystem.remove(tmp_path / "root.unfinished")


@pytest.mark.slow
def test_mounts_of_a_namespace_are_not_in_the_machines_table(host: HostUnderTest) -> None:
    assert str(host.root) in host.inside(["cat", "/proc/mounts"]).stdout
    assert mounts(host.root) == []


@pytest.mark.slow
def test_shared_memory_of_a_namespace_is_not_the_machines(host: HostUnderTest) -> None:
    inside = set(host.inside(["ls", f"{host.root}/dev/shm"]).stdout.split())
    assert [name for name in inside if name.startswith("PostgreSQL.")]
    assert not inside & {path.name for path in Path("/dev/shm").iterdir()}


@pytest.mark.slow
def test_a_host_that_was_killed_starts_again(host: HostUnderTest) -> None:
    rows = "SELECT count(*) FROM pg_extension"
    before = host.one("app", rows)
    host.stop()
    reports = host.start()
    assert reports["files"]["changed"] == ["folder of sockets", "lock of a server that is gone"]
    assert reports["database"]["changed"] == []
    assert host.one("app", rows) == before
