"""Database hosts for the tests that need real ones: applied once for all of a run, and copied for each module."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.host import namespace, root_filesystem
from tests.host import bare_machine
from tests.host.bare_machine import DISK_MB, IMAGE, BareMachine, loop_device
from tests.host.first_application import first_application
from tests.host.running import HostUnderTest, mounts
from tests.host.specs import spec
from tests.host.store import ObjectStore
from tests.host.tree import Tree, made_once, unpacked
from tests.run.ports import claim_some


@pytest.fixture(scope="session")
def root_tar() -> Path:
    faults = namespace.faults()
    if faults:
        pytest.skip("; ".join(faults))
    return root_filesystem.cached(print)


@pytest.fixture(scope="session")
def bare_tree(root_tar: Path, run_folder: Path) -> Iterator[Tree]:
    """A root to which nothing was applied."""
    folder = run_folder / "unpacked"
    with made_once(folder, lambda unfinished: unpacked(root_tar, unfinished)):
        yield Tree(folder / "root", folder / "usr")


@pytest.fixture(scope="session")
def applied_tree(bare_tree: Tree, store: ObjectStore, run_folder: Path) -> Iterator[Tree]:
    """A root to which both stages were applied, with an empty database; beside it its log and the stages' reports."""

    def make(unfinished: Path) -> None:
        with running_host(bare_tree, unfinished, store, is_kept=True) as host:
            host.first = host.start()
            (unfinished / REPORTS).write_text(json.dumps(host.first))
            host.stop_postgres()

    with made_once(run_folder / "applied", make):
        yield Tree(run_folder / "applied/root", bare_tree.usr)


REPORTS = "reports.json"


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    (port,) = claim_some(1)
    made = ObjectStore(tmp_path_factory.mktemp("store"), port)
    try:
        yield made
    finally:
        made.stop()


@contextmanager
def running_host(
    tree: Tree, folder: Path, store: ObjectStore, *, is_kept: bool = False, **postgres_changes: Any
) -> Iterator[HostUnderTest]:
    """A host that is not started yet, with a bucket of its own; ended with all that is in it."""
    folder.mkdir(exist_ok=True)
    postgres, pooler = claim_some(2)
    declared = spec(postgres_port=postgres, pooler_port=pooler, **postgres_changes)
    declared["backup"] |= {"endpoint": store.endpoint, "bucket": store.new_bucket()}
    root = folder / "root"
    try:
        made = HostUnderTest(tree.copied(root), declared)
        try:
            yield made
        finally:
            made.stop()
    finally:
        assert mounts(folder) == []
        if not is_kept:
            root_filesystem.remove(root)


@contextmanager
def copied_host(applied_tree: Tree, folder: Path, store: ObjectStore) -> Iterator[HostUnderTest]:
    """The same of an applied host."""
    with running_host(applied_tree, folder, store) as made:
        made.first = json.loads(applied_tree.root.with_name(REPORTS).read_text())
        shutil.copyfile(applied_tree.root.with_name(made.log.name), made.log)
        yield made


@pytest.fixture(scope="module")
def host(applied_tree: Tree, store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostUnderTest]:
    """A host with PostgreSQL and the pooler running, and its log archived; for one file of tests alone."""
    with copied_host(applied_tree, tmp_path_factory.mktemp("host"), store) as made:
        made.enter()
        made.run_with_files()
        yield made


@pytest.fixture(scope="session")
def machine_tar() -> Path:
    faults = [fault for fault in (bare_machine.fault(), *namespace.faults()) if fault]
    if faults:
        pytest.skip("; ".join(faults))
    return bare_machine.tar()


@pytest.fixture(scope="session")
def converged_folder(machine_tar: Path, run_folder: Path) -> Iterator[Path]:
    """The root and the disk's image of a machine that was bare with a blank disk, has converged, and was shut down."""

    def make(unfinished: Path) -> None:
        root_filesystem.unpack(machine_tar, unfinished / "root")
        with loop_device(unfinished, megabytes=DISK_MB, is_kept=True) as disk:
            machine = BareMachine(unfinished / "root", disk)
            with machine.booted():
                (unfinished / REPORTS).write_text(json.dumps(first_application(machine)))
                machine.told("systemctl", "stop", "pgbouncer.service", "postgresql@17-main.service")

    with made_once(run_folder / "converged", make):
        yield run_folder / "converged"


@pytest.fixture(scope="module")
def converged(converged_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareMachine]:
    """A machine that has converged; not booted. Its store is empty again."""
    folder = tmp_path_factory.mktemp("converged")
    try:
        (folder / "root").mkdir()
        parts = [str(path) for path in (converged_folder / "root").iterdir() if path.name != "usr"]
        copy = ["cp", "--archive", "--reflink=auto"]
        subprocess.run([*copy, *parts, str(folder / "root")], check=True)
        # Nothing writes into a file of the packages: what takes its place is another file.
        subprocess.run([*copy, "--link", str(converged_folder / "root/usr"), str(folder / "root")], check=True)
        # The disk's image has holes.
        subprocess.run([*copy, "--sparse=always", str(converged_folder / IMAGE), str(folder)], check=True)
        with loop_device(folder, megabytes=DISK_MB) as disk:
            machine = BareMachine(folder / "root", disk)
            machine.first = json.loads((converged_folder / REPORTS).read_text())
            yield machine
    finally:
        root_filesystem.remove(folder / "root")
