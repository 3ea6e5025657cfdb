"""What several tasks read from the host before anything is changed."""

import base64
import shlex
from pathlib import Path, PurePosixPath

from pyinfra.api.facts import FactBase
from pyinfra.context import host

CHROOT = "@chroot/"
PROPERTIES = ("ActiveState", "UnitFileState", "NeedDaemonReload", "LoadState")


def root() -> Path:
    """The host's root file system, as it is seen from here."""
    return Path(host.name.removeprefix(CHROOT)) if host.name.startswith(CHROOT) else Path("/")


def seen(path: PurePosixPath) -> Path:
    """A path of the host as it is seen from here."""
    return root() / str(path).lstrip("/")


class IsNewer(FactBase[bool]):
    """Whether both files exist and `path` was written after `than`."""

    def command(self, path: str, than: str) -> str:
        first, second = shlex.quote(path), shlex.quote(than)
        return f"if [ -e {second} ] && [ {first} -nt {second} ]; then echo newer; fi"

    @staticmethod
    def default() -> bool:
        return False

    def process(self, output: list[str]) -> bool:
        return "newer" in output


class UnitState(FactBase[dict[str, str]]):
    def command(self, unit: str) -> str:
        return f"systemctl show --property={','.join(PROPERTIES)} {shlex.quote(unit)} 2>/dev/null || true"

    @staticmethod
    def default() -> dict[str, str]:
        return {}

    def process(self, output: list[str]) -> dict[str, str]:
        return dict(line.split("=", 1) for line in output if "=" in line)


class Succeeds(FactBase[bool]):
    """Whether a read-only command ends with 0."""

    def command(self, command: str) -> str:
        return f"( {command} ) >/dev/null 2>&1 && echo yes || true"

    @staticmethod
    def default() -> bool:
        return False

    def process(self, output: list[str]) -> bool:
        return "yes" in output


class Content(FactBase[bytes]):
    """The bytes of a small file; empty where it does not exist."""

    def command(self, path: str) -> str:
        return f"base64 --wrap=0 {shlex.quote(path)} 2>/dev/null || true"

    @staticmethod
    def default() -> bytes:
        return b""

    def process(self, output: list[str]) -> bytes:
        return base64.b64decode("".join(output))
