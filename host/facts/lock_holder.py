"""The process that holds a lock file."""

import shlex

from pyinfra.api.facts import FactBase


class LockHolder(FactBase[str]):
    """The command name of the process whose number is the lock file's first line; empty when there is none."""

    def command(self, lock: str) -> str:
        return f'cat "/proc/$(head -n 1 {shlex.quote(lock)})/comm" 2>/dev/null || true'

    @staticmethod
    def default() -> str:
        return ""
