"""Units as systemd has them."""

import shlex

from pyinfra.api.facts import FactBase

PROPERTIES = ("ActiveState", "UnitFileState", "NeedDaemonReload", "LoadState")


class UnitState(FactBase[dict[str, str]]):
    def command(self, unit: str) -> str:
        return f"systemctl show --property={','.join(PROPERTIES)} {shlex.quote(unit)} 2>/dev/null || true"

    @staticmethod
    def default() -> dict[str, str]:
        return {}

    def process(self, output: list[str]) -> dict[str, str]:
        return dict(line.split("=", 1) for line in output if "=" in line)


class Succeeds(FactBase[bool]):
    """Whether a command that only looks ends with 0."""

    def command(self, command: str) -> str:
        return f"( {command} ) >/dev/null 2>&1 && echo yes || true"

    @staticmethod
    def default() -> bool:
        return False

    def process(self, output: list[str]) -> bool:
        return "yes" in output
