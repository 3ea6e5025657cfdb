"""What a standby's settings must not fall below."""

import re

from pyinfra.api.facts import FactBase

# pg_controldata's words, and the settings that they stand for (PostgreSQL, Hot Standby, Administrator's Overview).
SETTINGS = {
    "max_connections": "max_connections",
    "max_worker_processes": "max_worker_processes",
    "max_wal_senders": "max_wal_senders",
    "max_prepared_xacts": "max_prepared_transactions",
    "max_locks_per_xact": "max_locks_per_transaction",
}


class StandbyMinimums(FactBase[dict[str, int]]):
    """Settings of the server that a standby follows: with less of any of these it refuses to go on. {} on any other."""

    def command(self, control_data: str, data: str) -> str:
        return f"if [ -e {data}/standby.signal ]; then LC_ALL=C {control_data} -D {data}; fi"

    @staticmethod
    def default() -> dict[str, int]:
        return {}

    def process(self, output: list[str]) -> dict[str, int]:
        found = (re.fullmatch(r"(\w+) setting:\s+(\d+)", line) for line in output)
        return {SETTINGS[line[1]]: int(line[2]) for line in found if line and line[1] in SETTINGS}
