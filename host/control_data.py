"""What a standby's settings must not fall below, read from pg_controldata's report."""

import re
from collections.abc import Iterable

# pg_controldata's words, and the settings that they stand for (PostgreSQL, Hot Standby, Administrator's Overview).
SETTINGS = {
    "max_connections": "max_connections",
    "max_worker_processes": "max_worker_processes",
    "max_wal_senders": "max_wal_senders",
    "max_prepared_xacts": "max_prepared_transactions",
    "max_locks_per_xact": "max_locks_per_transaction",
}


def minimums(report: Iterable[str]) -> dict[str, int]:
    found = (re.fullmatch(r"(\w+) setting:\s+(\d+)", line) for line in report)
    return {SETTINGS[line[1]]: int(line[2]) for line in found if line and line[1] in SETTINGS}
