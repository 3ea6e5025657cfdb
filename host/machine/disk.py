"""The data disk: found, made ready once, mounted; a cluster is never made beside it."""

import json
import shlex
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pyinfra.api.facts import FactBase
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.files import File, FileContents
from pyinfra.operations import files

from host.common.layout import BALLAST, DATA_MOUNT, DISK_LABEL, KEPT, OWNER
from host.common.rendering import RefusedError
from host.specification.model import Disk

GIB = 1024**3
# What a cloud calls 64 GB is 64 GiB; a disk that is a little smaller is still that one.
TOLERANCE = 0.08
BALLAST_SHARE = 50
BALLAST_ROOM = 5
COLUMNS = "NAME,PATH,TYPE,SIZE,FSTYPE,LABEL,MOUNTPOINTS"
HEAD_BYTES = 16 * 1024 * 1024
# Without the disk the machine still boots and is reachable; PostgreSQL's service does not start.
FSTAB = f"LABEL={DISK_LABEL} {DATA_MOUNT} ext4 defaults,noatime,nofail,x-systemd.device-timeout=30s 0 2"
FORMATTING = f"{KEPT}/formatting"


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
    message: str = ""


def devices(lsblk: Mapping[str, Any]) -> tuple[Device, ...]:
    """Reads `lsblk --json --bytes`, with the columns NAME, PATH, TYPE, SIZE, FSTYPE, LABEL, MOUNTPOINTS."""
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
        message=f"{declared.path} ({declared.size_gb} GB): {fault}; the host has {seen}; attach the data disk",
    )


def decide(declared: Disk, found: Device, *, is_blank: bool) -> Decision:
    """What to do with the disk. Only one that holds nothing at all is ever formatted.

    `is_blank`: no signature of any file system, partition table or volume was found on it, and its first bytes are 0.
    """
    path = found.path
    if DATA_MOUNT in found.mounts and found.label in (DISK_LABEL, None) and not found.parts:
        return Decision(act="none", path=path)
    if found.mounts:
        return _refused(found, f"is mounted on {', '.join(found.mounts)}; it is not a data disk")
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
        message=f"{found.path} {fault}: it is never formatted by the playbook; attach an empty disk, or one labelled"
        f" {DISK_LABEL}",
    )


def _is_system(one: Device) -> bool:
    return any(point != DATA_MOUNT for point in one.mounts)


def _fits(declared: Disk, one: Device) -> bool:
    return abs(one.size - declared.size_gb * GIB) <= TOLERANCE * declared.size_gb * GIB


def ballast_bytes(total: int, free: int) -> int:
    """Size of the file that is deleted when the disk is full; 0 while there is no room for it."""
    size = min(GIB, total // BALLAST_SHARE)
    return size if free > BALLAST_ROOM * size else 0


class BlockDevices(FactBase[Sequence[Device]]):
    """All devices, or the one at `path`."""

    def command(self, path: str | None = None) -> str:
        one = f" {shlex.quote(path)}" if path else ""
        return f"lsblk --json --bytes --output {COLUMNS}{one} 2>/dev/null || true"

    @staticmethod
    def default() -> Sequence[Device]:
        return ()

    def process(self, output: list[str]) -> Sequence[Device]:
        return devices(json.loads("\n".join(output) or "{}"))


class Signature(FactBase[dict[str, str]]):
    """TYPE and LABEL that a disk itself shows, whatever udev has noted of it; None when it isn't known."""

    def command(self, path: str) -> str:
        return f"blkid --probe --output export {shlex.quote(path)}; echo EXIT=$?"

    @staticmethod
    def default() -> dict[str, str]:
        return {}

    def process(self, output: list[str]) -> dict[str, str]:
        return {name: value for name, _, value in (line.partition("=") for line in output)}


class IsZero(FactBase[bool]):
    """The first bytes of a disk are all 0."""

    def command(self, path: str) -> str:
        return f"cmp --quiet --bytes={HEAD_BYTES} {shlex.quote(path)} /dev/zero && echo zero || true"

    @staticmethod
    def default() -> bool:
        return False

    def process(self, output: list[str]) -> bool:
        return "zero" in output


class Space(FactBase[tuple[int, int]]):
    """Bytes of a mounted file system: all, and free to anyone but root."""

    def command(self, path: str) -> str:
        return f"df --block-size=1 --output=size,avail {shlex.quote(path)} | tail -n 1"

    @staticmethod
    def default() -> tuple[int, int]:
        return 0, 0

    def process(self, output: list[str]) -> tuple[int, int]:
        total, free = (int(word) for word in output[0].split())
        return total, free


class MountedLabel(FactBase[str]):
    """Label of the file system that is mounted exactly there; empty when none is."""

    def command(self, path: str) -> str:
        mount_point = shlex.quote(path)
        mounted = f"device=$(findmnt --noheadings --output SOURCE --mountpoint {mount_point})"
        return f'{mounted} && blkid --probe --match-tag LABEL --output value "$device" || true'

    @staticmethod
    def default() -> str:
        return ""

    def process(self, output: list[str]) -> str:
        return output[0].strip() if output else ""


def apply(declared: Disk | None) -> None:
    if declared is None:
        return
    data_disk(name="data disk", declared=declared)
    files.line(name="mount at boot", path="/etc/fstab", line=rf"^LABEL={DISK_LABEL}\s.*", replace=FSTAB)
    files.directory(name="folder of the data disk", path=DATA_MOUNT, user=OWNER, group=OWNER, mode="755")
    ballast(name="ballast")


def guard(declared: Disk | None) -> None:
    """Refuses to go on where data would end up on the root disk."""
    if declared is not None and host.get_fact(MountedLabel, path=DATA_MOUNT) != DISK_LABEL:
        raise RefusedError(
            "data disk", f"{DATA_MOUNT}: the declared disk {declared.path} isn't mounted there; no database is made"
        )


@operation()
def data_disk(declared: Disk) -> Generator[str, None, None]:
    decision = _decision(declared)
    if decision.act == "refuse":
        raise RefusedError("data disk", decision.message)
    if decision.act == "none":
        host.noop("the data disk is mounted")
        return
    yield f"mkdir -p {DATA_MOUNT}"
    _refuse_hidden_data()
    if decision.act == "format":
        # The note tells a disk whose formatting was killed from one that holds something unknown.
        yield f"install -d -m 700 {KEPT} && echo {decision.path} >{FORMATTING}"
        yield f"mkfs.ext4 -q -m 1 -L {DISK_LABEL} {decision.path} && rm -f {FORMATTING}"
    yield f"mount -o noatime {decision.path} {DATA_MOUNT}"


def _decision(declared: Disk) -> Decision:
    named = host.get_fact(BlockDevices, path=declared.path)
    found = find(declared, named, host.get_fact(BlockDevices, path=None))
    if isinstance(found, Decision):
        return found
    path = declared.path if named else found.path
    signature = host.get_fact(Signature, path=path)
    seen = replace(
        found,
        path=path,
        filesystem=signature.get("TYPE") or found.filesystem,
        label=signature.get("LABEL") or found.label,
    )
    # 2 is blkid's word for nothing found; 8 for more than one answer.
    was_killed = (host.get_fact(FileContents, path=FORMATTING) or [""])[0] == path
    is_blank = signature.get("EXIT") == "2" and (was_killed or host.get_fact(IsZero, path=path))
    return decide(declared, seen, is_blank=is_blank)


def _refuse_hidden_data() -> None:
    """A mount would hide what is there already."""
    for major in range(10, 30):
        if host.get_fact(File, path=f"{DATA_MOUNT}/{major}/main/PG_VERSION"):
            raise RefusedError(
                "data disk",
                f"{DATA_MOUNT}/{major}/main holds a cluster on the root disk; move it to the data disk first",
            )


@operation()
def ballast() -> Generator[str, None, None]:
    size = ballast_bytes(*host.get_fact(Space, path=DATA_MOUNT))
    if host.get_fact(File, path=BALLAST) or not size:
        host.noop("the ballast is there, or there is no room for it")
        return
    yield f"fallocate --length {size} {BALLAST}.new && chmod 600 {BALLAST}.new && mv {BALLAST}.new {BALLAST}"
