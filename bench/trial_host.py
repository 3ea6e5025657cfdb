"""A database host of a benchmark's own, with an empty store for its backups."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from host.common.layout import programs
from local.host import root_filesystem
from local.host.spec import MAJOR
from tests.host.conftest import running_host
from tests.host.running import HostUnderTest
from tests.host.store import ObjectStore
from tests.host.tree import Tree, unpacked
from tests.run.ports import claim_some

PGBENCH = f"{programs(MAJOR)}/pgbench"


@contextmanager
def trial_host() -> Iterator[tuple[HostUnderTest, ObjectStore]]:
    """A trial host to which nothing has been applied yet."""
    with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as name:
        (port,) = claim_some(1)
        folder = Path(name)
        (folder / "store").mkdir()
        store = ObjectStore(folder / "store", port)
        try:
            unpacked(root_filesystem.cached(lambda _: None), folder)
            with running_host(Tree(folder / "root", folder / "usr"), folder / "host", store) as host:
                yield host, store
        finally:
            root_filesystem.remove(folder)
            store.stop()
