"""The rules that the kernel has."""

from pyinfra.api.facts import FactBase


class LoadedRules(FactBase[str]):
    """As `command` lists them; empty when there are none."""

    def command(self, command: str) -> str:
        return f"{command} 2>/dev/null || true"

    @staticmethod
    def default() -> str:
        return ""

    def process(self, output: list[str]) -> str:
        return "\n".join(output)
