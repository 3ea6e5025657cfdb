"""A host with backups for the tests that restore, ended with everything inside."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.host.conftest import copied_host
from tests.host.recovery.site import Site
from tests.host.running import HostUnderTest
from tests.host.store import ObjectStore
from tests.host.tree import Tree
from tests.waiting import until


@contextmanager
def running_site(
    applied_tree: Tree, folder: Path, store: ObjectStore, prepared: Callable[[HostUnderTest], None] = lambda _: None
) -> Iterator[Site]:
    """`prepared` is called in the fresh namespaces, before anything runs in them."""
    with copied_host(applied_tree, folder, store) as host:
        made = Site(host, store)
        host.enter()
        prepared(host)
        host.run_with_files()
        host.superuser("CREATE TABLE public.trial (row int)")
        made.done({"act": "backup"})
        # From then on a time is a target.
        since = datetime.fromisoformat(made.done({"act": "list"})["windows"][0]["from"])
        until(lambda: datetime.now(UTC) > since)
        yield made


@pytest.fixture(scope="module")
def site(applied_tree: Tree, store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site for one file of tests alone."""
    with running_site(applied_tree, tmp_path_factory.mktemp("site"), store) as made:
        yield made
