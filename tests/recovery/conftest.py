"""A host with backups for the tests that restore; made once, ended with everything inside."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.host.conftest import root_tar, running_host, store
from tests.host.running import until
from tests.host.store import ObjectStore
from tests.recovery.site import Site

__all__ = ["root_tar", "store"]


@contextmanager
def running_site(
    root_tar: Path, folder: Path, store: ObjectStore, prepared: Callable[[Site], None] = lambda site: None
) -> Iterator[Site]:
    """`prepared` is called in the fresh namespaces, before anything is in them."""
    with running_host(root_tar, folder, store) as host:
        bucket = host.spec["backup"]["bucket"] = folder.name.replace("_", "-")
        store.make_bucket(bucket)
        made = Site(host, store)
        host.enter()
        prepared(made)
        host.apply_and_run()
        host.pgbackrest("stanza-create")
        host.superuser("CREATE TABLE public.trial (row int)")
        made.done({"act": "backup"})
        # From then on a time is a target.
        since = datetime.fromisoformat(made.done({"act": "list"})["windows"][0]["from"])
        until(lambda: datetime.now(UTC) > since)
        yield made


@pytest.fixture(scope="session")
def site(root_tar: Path, store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(root_tar, tmp_path_factory.mktemp("site"), store) as made:
        yield made


@pytest.fixture(scope="module")
def own_site(root_tar: Path, store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The same for one file of tests alone, which may do it harm."""
    with running_site(root_tar, tmp_path_factory.mktemp("own-site"), store) as made:
        yield made
