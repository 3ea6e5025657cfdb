"""Disks that are not ours are left as they are, and no data is ever beside the data disk: on a booted machine."""

import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.host.bare_machine import MARKS, BareMachine, loop_device
from tests.host.declared_machine import declared

pytestmark = MARKS

PHOTOS, UNKNOWN, PARTED, SMALL = "/dev/xvdg", "/dev/xvdh", "/dev/xvdi", "/dev/xvdj"
KEPT = "/var/lib/hybrid"


@pytest.fixture(scope="module")
def machine(converged: BareMachine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareMachine]:
    """A converged machine with disks that hold other things."""
    with ExitStack() as stack:
        for path in (PHOTOS, UNKNOWN, PARTED, SMALL):
            folder = tmp_path_factory.mktemp("disk")
            device = stack.enter_context(loop_device(folder, megabytes=100 if path == SMALL else 2048))
            converged.devices[path] = device
        subprocess.run(["mkfs.ext4", "-q", "-L", "photos", str(converged.devices[PHOTOS])], check=True)
        converged.devices[UNKNOWN].write_bytes(b"ledger of 2026")
        # The last two bytes of a DOS partition table's sector, with one partition.
        table = b"\0" * 446 + bytes.fromhex("00200800832020000008000000100000") + b"\0" * 48 + b"\x55\xaa"
        converged.devices[PARTED].write_bytes(table)
        stack.enter_context(converged.booted())
        yield converged


def with_disk(path: str, size_gb: int = 2) -> dict[str, Any]:
    return declared(disk={"path": path, "size_gb": size_gb})


def digest(device: Path) -> str:
    with device.open("rb") as file:
        return hashlib.sha256(file.read(64 * 1024 * 1024)).hexdigest()


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        (PHOTOS, "holds a file system (ext4)"),
        (UNKNOWN, "holds data"),
        (PARTED, "holds data"),
        (SMALL, "has 0.1 GB, 2 GB are declared"),
    ],
)
def test_a_disk_that_is_not_a_blank_one_as_declared_stays_as_it_is(path: str, fault: str, machine: BareMachine) -> None:
    before = digest(machine.devices[path])
    (failure,) = machine.apply("machine", with_disk(path))["failed"]
    assert failure["operation"] == "data disk"
    assert f"{path} {fault}: it is never formatted" in failure["error"]
    assert digest(machine.devices[path]) == before


def test_a_disk_that_is_absent_is_refused_with_what_is_there(machine: BareMachine) -> None:
    (failure,) = machine.apply("machine", with_disk("/dev/xvdz", 7))["failed"]
    assert "/dev/xvdz (7 GB): it isn't there" in failure["error"]


@pytest.fixture
def unmounted(machine: BareMachine) -> Iterator[BareMachine]:
    """A machine whose disk was detached."""
    machine.told("systemctl", "stop", "pgbouncer.service", "postgresql@17-main.service")
    machine.told("umount", "/var/lib/postgresql")
    yield machine
    report = machine.converge(declared())
    assert report["exit"] == 0, report["stderr"]
    assert "data disk" in report["changed"]["machine"]


def test_no_cluster_is_made_on_the_root_disk(unmounted: BareMachine) -> None:
    report = unmounted.apply("files", declared())
    assert "no database is made" in report["failed"][0]["error"]
    assert unmounted.run("test", "-e", "/var/lib/postgresql/17").returncode != 0


def test_a_cluster_on_the_root_disk_is_not_hidden_by_a_mount(unmounted: BareMachine) -> None:
    unmounted.told("install", "-D", "/dev/null", "/var/lib/postgresql/16/main/PG_VERSION")
    report = unmounted.apply("machine", declared())
    assert "holds a cluster on the root disk" in report["failed"][0]["error"]
    unmounted.told("rm", "-r", "/var/lib/postgresql/16")


def test_formatting_that_was_killed_is_done_again(unmounted: BareMachine) -> None:
    unmounted.told("sh", "-c", f"echo {UNKNOWN} >{KEPT}/formatting")
    assert "data disk" in unmounted.apply("machine", with_disk(UNKNOWN))["changed"]
    assert unmounted.told("blkid", "-p", "-s", "LABEL", "-o", "value", UNKNOWN) == "hybrid-data"
    assert unmounted.run("test", "-e", f"{KEPT}/formatting").returncode != 0
    unmounted.told("umount", "/var/lib/postgresql")


def test_a_ballast_that_was_given_away_is_made_again_when_there_is_room(machine: BareMachine) -> None:
    machine.told("rm", "/var/lib/postgresql/ballast")
    assert machine.apply("machine", declared())["changed"] == ["ballast"]
