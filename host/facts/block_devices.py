"""Disks as the kernel shows them."""

import json
import shlex
from collections.abc import Sequence

from pyinfra.api.facts import FactBase

from host.disks import Device, devices

COLUMNS = "NAME,PATH,TYPE,SIZE,FSTYPE,LABEL,MOUNTPOINTS"
HEAD_BYTES = 16 * 1024 * 1024


class BlockDevices(FactBase[Sequence[Device]]):
    """All of them, or the one at `path`; the path of that one is the given one."""

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
        place = shlex.quote(path)
        mounted = f"device=$(findmnt --noheadings --output SOURCE --mountpoint {place})"
        return f'{mounted} && blkid --probe --match-tag LABEL --output value "$device" || true'

    @staticmethod
    def default() -> str:
        return ""

    def process(self, output: list[str]) -> str:
        return output[0].strip() if output else ""
