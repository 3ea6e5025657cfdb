"""Paths of tablespaces lead to folders of work, wherever the host's own links lead; nothing of that stays."""

import subprocess
from pathlib import Path, PurePosixPath

import pytest

from host.common import layout
from host.recovery import clusters
from host.recovery.clusters import WORK, working
from host.recovery.machine import SHARED_MEMORY, Confinement, Machine
from host.recovery.tablespaces import Covers
from local.host import namespace
from tests.host.recovery.machine import cluster, machine


def with_tablespaces(root: Path, *paths: str) -> Machine:
    """A host whose main has them, each in a folder that is there."""
    on = machine(root)
    links = cluster(on, "main") / "pg_tblspc"
    links.mkdir()
    for number, path in enumerate(paths, 16400):
        (links / str(number)).symlink_to(path)
        on.path(on.followed(path)).mkdir(parents=True, exist_ok=True)
    return on


def test_a_path_through_an_absolute_link_is_covered_where_it_leads_on_the_host(tmp_path: Path) -> None:
    on = machine(tmp_path)
    (tmp_path / "srv").mkdir()
    (tmp_path / "mnt/disk").mkdir(parents=True)
    (tmp_path / "srv/link").symlink_to("/mnt/disk")
    assert on.followed("/srv/link/sub/../other") == PurePosixPath("/mnt/disk/other")
    assert on.followed("/srv/../../srv/link") == PurePosixPath("/mnt/disk")
    with working(on) as work:
        covers = Covers(work)
        # The same folder, and one in it that is not there yet.
        for path in ("/srv/link", "/mnt/disk", "/srv/link/new"):
            covers.add(PurePosixPath(path))
        assert len({*covers.by_path.values()}) == 2
        assert (tmp_path / "mnt/disk/new").is_dir()
    assert list((tmp_path / "mnt/disk").iterdir()) == []


def test_links_that_lead_in_a_ring_end(tmp_path: Path) -> None:
    on = machine(tmp_path)
    (tmp_path / "ring").symlink_to("/ring")
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        on.followed("/ring")


def test_folders_that_a_killed_restore_made_go_with_the_next_act_if_they_are_empty(tmp_path: Path) -> None:
    on = with_tablespaces(tmp_path)
    killed = working(on)
    covers = Covers(killed.__enter__())
    for path in ("/srv/deep/late", "/mnt/kept"):
        covers.add(PurePosixPath(path))
    (tmp_path / "mnt/kept/file").touch()
    assert (tmp_path / "srv/deep/late").is_dir()
    clusters.clean(on)
    assert not on.path(on.clusters / WORK).exists()
    assert not (tmp_path / "srv").exists()
    assert (tmp_path / "mnt/kept/file").exists()


def test_a_tablespace_in_another_one_and_one_around_the_data_disk_have_their_own(tmp_path: Path) -> None:
    if faults := namespace.faults():
        pytest.skip("; ".join(faults))
    on = with_tablespaces(tmp_path, "/srv/ts/sub/deep", "/var/lib/postgresql")
    for folder in (layout.SOCKETS, SHARED_MEMORY):
        on.path(folder).mkdir(parents=True)
    with working(on) as work:
        covers = Covers(work)
        # The log may name the outer one later.
        covers.add(PurePosixPath("/srv/ts"))
        written = [*covers.by_path, work.data]
        script = "".join(f"echo {path} >{on.path(path)}/file; " for path in written)
        argv = on._apart(Confinement(work.folder, covers.by_path))
        subprocess.run(namespace.throwaway([*argv, "sh", "-ec", script]), check=True)
        for path in written:
            found = on.path(covers.by_path.get(path, path)) / "file"
            assert found.read_text() == f"{path}\n"
            assert path == work.data or not (on.path(path) / "file").exists()
