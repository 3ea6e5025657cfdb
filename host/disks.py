"""Which disk is the data's, and what may be done with it: decided from what the kernel shows, without touching any."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from host.machine_layout import DATA_MOUNT, DISK_LABEL
from host.specification.model import Disk

GIB = 1024**3
# What a cloud calls 64 GB is 64 GiB; a disk that is a little smaller is still that one.
TOLERANCE = 0.08
BALLAST_SHARE = 50
BALLAST_ROOM = 5


@dataclass(frozen=True, kw_only=True)
class Device:
    """One whole disk with what is on it."""

    name: str
    path: str
    kind: str
    size: int
    filesystem: str | None
    label: str | None
    mounts: tuple[str, ...]
    """Where it or any part of it is mounted."""
    parts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Decision:
    act: Literal["format", "mount", "none", "refuse"]
    path: str = ""
    words: str = ""


def devices(lsblk: Mapping[str, Any]) -> tuple[Device, ...]:
    """Of `lsblk --json --bytes`, with its columns NAME, PATH, TYPE, SIZE, FSTYPE, LABEL, MOUNTPOINTS."""
    return tuple(_device(row) for row in lsblk.get("blockdevices", ()))


def _device(row: Mapping[str, Any]) -> Device:
    below = list(_below(row))
    return Device(
        name=row["name"],
        path=row["path"],
        kind=row["type"],
        size=int(row["size"] or 0),
        filesystem=row["fstype"],
        label=row["label"],
        mounts=tuple(point for one in (row, *below) for point in one.get("mountpoints") or () if point),
        parts=tuple(one["name"] for one in below),
    )


def _below(row: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for child in row.get("children", ()):
        yield child
        yield from _below(child)


def find(declared: Disk, named: Sequence[Device], all_devices: Sequence[Device]) -> Device | Decision:
    """The data disk: at the declared path, labelled as ours, or the only one that can be meant; or why there is none.

    The kernel gives a cloud's disk a name of its own where it is attached by NVMe: nvme1n1 for /dev/xvdf.
    """
    if named:
        return named[0]
    disks = [one for one in all_devices if one.kind == "disk" and not _is_system(one)]
    ours = [one for one in disks if one.label == DISK_LABEL]
    candidates = ours or [one for one in disks if _fits(declared, one)]
    if len(candidates) == 1:
        return candidates[0]
    seen = ", ".join(f"{one.path} ({one.size / GIB:.0f} GB)" for one in all_devices if one.kind == "disk") or "no disk"
    fault = f"{len(candidates)} disks could be it" if candidates else "it isn't there, nor another of its size"
    return Decision(
        act="refuse",
        words=f"{declared.path} ({declared.size_gb} GB): {fault}; the host has {seen}; attach the data disk",
    )


def decide(declared: Disk, found: Device, *, is_blank: bool) -> Decision:
    """What to do with the disk. Only one that holds nothing at all is ever formatted.

    `is_blank`: no signature of any file system, partition table or volume was found on it, and its first bytes are 0.
    """
    path = found.path
    if DATA_MOUNT in found.mounts and found.label in (DISK_LABEL, None) and not found.parts:
        return Decision(act="none", path=path)
    if found.mounts:
        return _refused(found, f"is mounted on {', '.join(found.mounts)}; it is no data disk")
    if found.label == DISK_LABEL and found.filesystem == "ext4":
        return Decision(act="mount", path=path)
    if found.parts:
        return _refused(found, f"has partitions or volumes ({', '.join(found.parts)})")
    if found.filesystem or not is_blank:
        kind = f"holds a file system ({found.filesystem})" if found.filesystem else "holds data"
        return _refused(found, kind)
    if not _fits(declared, found):
        return _refused(found, f"has {found.size / GIB:.1f} GB, {declared.size_gb} GB are declared")
    return Decision(act="format", path=path)


def _refused(found: Device, fault: str) -> Decision:
    return Decision(
        act="refuse",
        path=found.path,
        words=f"{found.path} {fault}: it is never formatted by the playbook; attach an empty disk, or one labelled"
        f" {DISK_LABEL}",
    )


def _is_system(one: Device) -> bool:
    return any(point != DATA_MOUNT for point in one.mounts)


def _fits(declared: Disk, one: Device) -> bool:
    return abs(one.size - declared.size_gb * GIB) <= TOLERANCE * declared.size_gb * GIB


def ballast_bytes(total: int, free: int) -> int:
    """Size of the file that is given away when the disk is full; 0 while there is no room to make it again."""
    size = min(GIB, total // BALLAST_SHARE)
    return size if free > BALLAST_ROOM * size else 0
