"""PostgreSQL's settings for a server's memory, processors and disk, and what a standby's must not fall below."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from host.specification.model import Spec

# pg_cron's and TimescaleDB's launchers, and logical replication's.
LAUNCHERS = 3
# For the superuser, migrations, monitoring and people.
SPARE_CONNECTIONS = 20
# PostgreSQL's default; each takes as much as maintenance_work_mem allows.
AUTOVACUUM_WORKERS = 3
# What a connection's process holds for itself beside its sorts: up to 7 MB measured in 17 with TimescaleDB and PostGIS.
CONNECTION_MB = 7
# PostgreSQL's default: a hash takes up to this many times work_mem.
HASH_MULTIPLIER = 2
# pg_controldata's words, and the settings that they stand for (PostgreSQL, Hot Standby, Administrator's Overview).
CONTROL_DATA = {
    "max_connections": "max_connections",
    "max_worker_processes": "max_worker_processes",
    "max_wal_senders": "max_wal_senders",
    "max_prepared_xacts": "max_prepared_transactions",
    "max_locks_per_xact": "max_locks_per_transaction",
}


@dataclass(frozen=True, kw_only=True)
class Tuning:
    max_connections: int
    shared_buffers_mb: int
    effective_cache_size_mb: int
    maintenance_work_mem_mb: int
    work_mem_mb: int
    max_wal_size_mb: int
    max_slot_wal_keep_size_mb: int
    max_parallel_workers: int
    max_parallel_workers_per_gather: int
    timescaledb_max_background_workers: int
    cron_max_running_jobs: int
    max_worker_processes: int

    @property
    def memory_mb(self) -> int:
        """What the server takes when all connections work at once, and all maintenance with them."""
        connections = self.max_connections * (CONNECTION_MB + HASH_MULTIPLIER * self.work_mem_mb)
        return self.shared_buffers_mb + connections + (AUTOVACUUM_WORKERS + 1) * self.maintenance_work_mem_mb


def tuned(memory_mb: int, cpus: int, pooled: int = 0, disk_gb: int | None = None) -> Tuning:
    """Settings with which the server stays within memory_mb when its connections work at once.

    `pooled` connections, which a pooler may open, fit in with some to spare, however small the memory. `disk_gb` is
    the data disk's size, where it has one of its own.

    Every background worker takes one of max_worker_processes. Too few of them, and TimescaleDB's jobs fail with
    "failed to start a background worker" (timescaledb 7602, 8543), and pg_cron's with them.
    """
    connections = max(_within(32, memory_mb // 16, 400), pooled + SPARE_CONNECTIONS)
    shared_buffers = memory_mb // 4
    maintenance = _within(16, memory_mb // 32, 1024)
    left = memory_mb - shared_buffers - (AUTOVACUUM_WORKERS + 1) * maintenance - CONNECTION_MB * connections
    timescaledb, cron = _within(4, 2 * cpus, 16), _within(2, cpus, 8)
    return Tuning(
        max_connections=connections,
        shared_buffers_mb=shared_buffers,
        effective_cache_size_mb=memory_mb * 5 // 8,
        maintenance_work_mem_mb=maintenance,
        work_mem_mb=_within(1, left // (HASH_MULTIPLIER * connections), 64),
        max_wal_size_mb=_wal(memory_mb, disk_gb),
        # Beyond it a slot that nobody reads is given up, rather than the disk. A tenth of that, too.
        max_slot_wal_keep_size_mb=disk_gb * 1024 // 10 if disk_gb else 2 * _wal(memory_mb, disk_gb),
        max_parallel_workers=cpus,
        max_parallel_workers_per_gather=_within(0, cpus // 2, 4),
        timescaledb_max_background_workers=timescaledb,
        cron_max_running_jobs=cron,
        max_worker_processes=LAUNCHERS + timescaledb + cpus + cron,
    )


def of(spec: Spec) -> Tuning:
    """Of a host's PostgreSQL."""
    postgres, pooler = spec.postgres, spec.pooler
    return tuned(
        postgres.memory_mb,
        postgres.cpus,
        pooled=pooler.pool_size * len(pooler.roles),
        disk_gb=spec.disk.size_gb if spec.disk else None,
    )


def _wal(memory_mb: int, disk_gb: int | None) -> int:
    """A tenth of the disk at most: the limit is a soft one, and the log must never be what fills the disk."""
    wanted = _within(256, memory_mb, 8192)
    return wanted if disk_gb is None else min(wanted, disk_gb * 1024 // 10)


def _within(low: int, value: int, high: int) -> int:
    return max(low, min(value, high))


def minimums(report: Iterable[str]) -> dict[str, int]:
    found = (re.fullmatch(r"(\w+) setting:\s+(\d+)", line) for line in report)
    return {CONTROL_DATA[line[1]]: int(line[2]) for line in found if line and line[1] in CONTROL_DATA}
