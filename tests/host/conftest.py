"""A database host for the tests that need a real one: made once, ended with everything inside."""

import random
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from local import namespace, root_filesystem
from tests.host import bare_machine
from tests.host.bare_machine import BareMachine
from tests.host.running import HostUnderTest, mounts
from tests.host.specs import spec
from tests.host.store import ObjectStore


def free_ports(count: int) -> list[int]:
    """Ports below those that the kernel lends to clients, which could take one while it is not in use."""
    found: list[int] = []
    for port in random.sample(range(20_000, 32_000), 1_000):
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
        if len(found) == count:
            break
    return found


@pytest.fixture(scope="session")
def root_tar() -> Path:
    faults = namespace.faults()
    if faults:
        pytest.skip("; ".join(faults))
    return root_filesystem.cached(print)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    (port,) = free_ports(1)
    made = ObjectStore(tmp_path_factory.mktemp("store"), port)
    try:
        made.make_bucket(spec()["backup"]["bucket"])
        yield made
    finally:
        made.stop()


@contextmanager
def running_host(root_tar: Path, folder: Path, store: ObjectStore, **postgres_changes: Any) -> Iterator[HostUnderTest]:
    """A host that is not started yet; ended with all that is in it."""
    root = folder / "root"
    root_filesystem.unpack(root_tar, root)
    postgres, pooler = free_ports(2)
    declared = spec(postgres_port=postgres, pooler_port=pooler, **postgres_changes)
    declared["backup"]["endpoint"] = store.endpoint
    made = HostUnderTest(root, declared)
    try:
        yield made
    finally:
        made.stop()
        assert mounts(folder) == []
        root_filesystem.remove(root)
        assert not root.exists()


@pytest.fixture(scope="session")
def host(root_tar: Path, store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostUnderTest]:
    """A host to which both stages were applied, with PostgreSQL and the pooler running, and its log archived."""
    with running_host(root_tar, tmp_path_factory.mktemp("host"), store) as made:
        made.first = made.start()
        made.pgbackrest("stanza-create")
        yield made


@pytest.fixture(scope="module")
def own_host(root_tar: Path, store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostUnderTest]:
    """The same for one file of tests alone, which may do it harm."""
    folder = tmp_path_factory.mktemp("own")
    with running_host(root_tar, folder, store) as made:
        bucket = made.spec["backup"]["bucket"] = folder.name.replace("_", "-")
        store.make_bucket(bucket)
        made.first = made.start()
        made.pgbackrest("stanza-create")
        yield made


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareMachine]:
    """A machine as a cloud's instance is at first, with a blank disk; not booted."""
    faults = [fault for fault in (bare_machine.fault(), *namespace.faults()) if fault]
    if faults:
        pytest.skip("; ".join(faults))
    folder = tmp_path_factory.mktemp("bare")
    root_filesystem.unpack(bare_machine.tar(), folder / "root")
    try:
        with bare_machine.loop_device(folder, megabytes=8192) as disk:
            yield BareMachine(folder / "root", disk)
    finally:
        root_filesystem.remove(folder / "root")
