"""What the tests of hosts are built on: it ends with them however they end, and says what it lacks."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.host import bare_machine
from tests.host.conftest import copied_host
from tests.host.running import PROJECT, members, mounts
from tests.host.store import ObjectStore
from tests.host.tree import Tree, made_once
from tests.run.ports import claim_some
from tests.waiting import until

pytestmark = pytest.mark.slow

HOST = """
import sys
from pathlib import Path
from tests.host.running import HostUnderTest
from tests.host.tree import Tree
root, usr = map(Path, sys.argv[1:])
host = HostUnderTest(Tree(root, usr), {})
host.enter()
print(host.namespace, flush=True)
input()
"""
DISK = """
import sys
from pathlib import Path
from tests.host.bare_machine import loop_device
with loop_device(Path(sys.argv[1]), megabytes=8) as device:
    print(device.name, flush=True)
    input()
"""


@contextmanager
def killed(program: str, *arguments: Path) -> Iterator[str]:
    """What a run of tests says that is killed at the end of the block."""
    argv = [sys.executable, "-c", program, *map(str, arguments)]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True) as run:
        assert run.stdout
        try:
            yield run.stdout.readline().strip()
        finally:
            run.kill()


@contextmanager
def taken(port: int) -> Iterator[None]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        yield


def test_a_host_ends_with_tests_that_are_killed(bare_tree: Tree, tmp_path: Path) -> None:
    tree = bare_tree.copied(tmp_path / "root")
    with killed(HOST, tree.root, tree.usr) as namespace:
        assert members(namespace)
    until(lambda: not members(namespace))
    assert mounts(tmp_path) == []


def test_a_loop_device_ends_with_tests_that_are_killed(tmp_path: Path) -> None:
    if fault := bare_machine.fault():
        pytest.skip(fault)
    with killed(DISK, tmp_path) as device:
        assert Path(f"/sys/block/{device}/loop").exists()
    until(lambda: not Path(f"/sys/block/{device}/loop").exists())


def test_a_host_whose_port_is_taken_says_so(applied_tree: Tree, store: ObjectStore, tmp_path: Path) -> None:
    with copied_host(applied_tree, tmp_path / "host", store) as host:
        host.enter()
        with (
            taken(host.spec["postgres"]["port"]),
            pytest.raises(AssertionError, match="Address already in use"),
        ):
            host.run_with_files()
    assert not host.root.exists()


def test_a_store_whose_port_is_taken_says_so(tmp_path: Path) -> None:
    (port,) = claim_some(1)
    with taken(port):
        store = ObjectStore(tmp_path, port)
        with pytest.raises(AssertionError, match="Address already in use"):
            store.new_bucket()
        store.stop()


def test_what_is_made_once_is_made_again_after_a_failure_and_goes_with_the_last_who_uses_it(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError(28, "No space left on device")

    shared, made = tmp_path / "shared", list[Path]()
    with pytest.raises(OSError, match="No space left"), made_once(shared, fail):
        pytest.fail("it went on")
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
    with made_once(shared, made.append):
        with made_once(shared, made.append):
            assert shared.is_dir()
        assert shared.is_dir()
    assert not shared.exists()
    assert len(made) == 1
