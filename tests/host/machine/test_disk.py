"""What may be done with a disk, decided from what the kernel shows."""

from typing import Any

import pytest

from host.machine.disk import GIB, Decision, Device, ballast_bytes, decide, devices, find
from host.specification.model import Disk

DECLARED = Disk(path="/dev/xvdf", size_gb=64)


def device(**changes: Any) -> Device:
    plain: dict[str, Any] = {
        "name": "nvme1n1",
        "path": "/dev/nvme1n1",
        "kind": "disk",
        "size": 64 * GIB,
        "filesystem": None,
        "label": None,
        "mounts": (),
        "parts": (),
    }
    return Device(**(plain | changes))


ROOT = device(name="nvme0n1", path="/dev/nvme0n1", mounts=("/", "/boot/efi"), parts=("nvme0n1p1",))


def test_lsblk_is_read_with_what_is_below_a_disk() -> None:
    row = {"name": "sda", "path": "/dev/sda", "type": "disk", "size": 8, "fstype": None, "label": None}
    part = {"name": "sda1", "mountpoints": ["/"], "children": [{"name": "root", "mountpoints": [None, "/var"]}]}
    (found,) = devices({"blockdevices": [row | {"mountpoints": [None], "children": [part]}]})
    assert (found.parts, found.mounts) == (("sda1", "root"), ("/", "/var"))


def test_the_declared_path_is_taken_where_it_is() -> None:
    assert find(DECLARED, [device(name="xvdf", path="/dev/xvdf")], [ROOT]) == device(name="xvdf", path="/dev/xvdf")


def test_a_disk_with_the_kernels_own_name_is_found_by_its_size() -> None:
    assert find(DECLARED, [], [ROOT, device()]) == device()


def test_our_own_label_goes_before_size() -> None:
    ours = device(name="nvme2n1", path="/dev/nvme2n1", label="hybrid-data", filesystem="ext4", size=80 * GIB)
    assert find(DECLARED, [], [ROOT, device(), ours]) == ours


@pytest.mark.parametrize(
    ("others", "fault"),
    [
        ([], "it isn't there"),
        ([device(size=8 * GIB)], "it isn't there"),
        ([device(), device(name="nvme2n1", path="/dev/nvme2n1")], "2 disks could be it"),
    ],
)
def test_a_disk_that_is_not_sure_is_refused_with_what_is_there(others: list[Device], fault: str) -> None:
    found = find(DECLARED, [], [ROOT, *others])
    assert isinstance(found, Decision)
    assert found.act == "refuse"
    assert fault in found.message
    assert "/dev/nvme0n1 (64 GB)" in found.message


def test_the_roots_disk_is_never_the_data_disk() -> None:
    assert isinstance(find(DECLARED, [], [ROOT]), Decision)
    assert decide(DECLARED, ROOT, is_blank=False).act == "refuse"


def test_only_a_blank_disk_is_formatted() -> None:
    assert decide(DECLARED, device(), is_blank=True) == Decision(act="format", path="/dev/nvme1n1")


@pytest.mark.parametrize(
    "changes",
    [
        {"filesystem": "xfs"},
        {"filesystem": "ext4", "label": "photos"},
        {"filesystem": "LVM2_member"},
        {"parts": ("nvme1n1p1",)},
        {"mounts": ("/mnt",), "filesystem": "ext4", "label": "hybrid-data"},
        {"size": 8 * GIB},
    ],
)
def test_what_holds_anything_is_refused_even_if_it_looks_blank(changes: dict[str, Any]) -> None:
    assert decide(DECLARED, device(**changes), is_blank=True).act == "refuse"


def test_unknown_data_is_refused() -> None:
    decision = decide(DECLARED, device(), is_blank=False)
    assert decision.act == "refuse"
    assert "holds data: it is never formatted" in decision.message


def test_our_own_disk_is_mounted_whatever_its_size() -> None:
    ours = device(filesystem="ext4", label="hybrid-data", size=128 * GIB)
    assert decide(DECLARED, ours, is_blank=False).act == "mount"


def test_our_own_disk_in_its_place_is_left_alone() -> None:
    ours = device(filesystem="ext4", label="hybrid-data", mounts=("/var/lib/postgresql",))
    assert decide(DECLARED, ours, is_blank=False).act == "none"


@pytest.mark.parametrize(
    ("total", "free", "expected"),
    [(64 * GIB, 60 * GIB, GIB), (8 * GIB, 7 * GIB, 8 * GIB // 50), (64 * GIB, 4 * GIB, 0)],
)
def test_the_ballast_is_made_only_where_there_is_room(total: int, free: int, expected: int) -> None:
    assert ballast_bytes(total, free) == expected
