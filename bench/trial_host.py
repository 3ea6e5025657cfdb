"""A database host of a benchmark's own, with an empty store for its backups."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local import root_filesystem
from tests.host.conftest import free_ports, running_host
from tests.host.running import HostUnderTest
from tests.host.store import ObjectStore

BUCKET = "backups"
PGBENCH = "/usr/lib/postgresql/17/bin/pgbench"


@contextmanager
def trial_host() -> Iterator[tuple[HostUnderTest, ObjectStore]]:
    """Not applied yet; its store has the bucket BUCKET."""
    with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as folder:
        (port,) = free_ports(1)
        (Path(folder) / "store").mkdir()
        store = ObjectStore(Path(folder) / "store", port)
        store.make_bucket(BUCKET)
        try:
            with running_host(root_filesystem.cached(lambda _: None), Path(folder), store) as host:
                yield host, store
        finally:
            store.stop()
