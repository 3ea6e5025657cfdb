"""Whether a file was written after another."""

import shlex

from pyinfra.api.facts import FactBase


class IsNewer(FactBase[bool]):
    """Both are there, and `path` was written after `than`."""

    def command(self, path: str, than: str) -> str:
        first, second = shlex.quote(path), shlex.quote(than)
        return f"if [ -e {second} ] && [ {first} -nt {second} ]; then echo newer; fi"

    @staticmethod
    def default() -> bool:
        return False

    def process(self, output: list[str]) -> bool:
        return "newer" in output
