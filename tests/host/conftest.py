"""A database host for the tests that need a real one: made once, ended with everything inside."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import HostUnderTest, mounts
from specs import spec

from local import namespace, root_filesystem


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


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
