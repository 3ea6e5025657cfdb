"""A database host for the tests that need a real one: made once, ended with everything inside."""

import random
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from local import namespace, root_filesystem
from tests.host.running import HostUnderTest, mounts
from tests.host.specs import spec


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
def host(root_tar: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostUnderTest]:
    """A host to which both stages were applied, with PostgreSQL and the pooler running."""
    folder = tmp_path_factory.mktemp("host")
    root = folder / "root"
    root_filesystem.unpack(root_tar, root)
    before = mounts()
    postgres, pooler, objects = free_ports(3)
    made = HostUnderTest(root, spec(postgres_port=postgres, pooler_port=pooler, objects_port=objects))
    try:
        made.first = made.start()
        yield made
    finally:
        made.stop()
        assert mounts() == before
        root_filesystem.remove(root)
        assert not root.exists()
