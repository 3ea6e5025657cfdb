"""PostgreSQL's settings for a server's memory and processors."""

from dataclasses import dataclass

# pg_cron's and TimescaleDB's launchers, and logical replication's.
LAUNCHERS = 3
# For the superuser, migrations, monitoring and people.
SPARE_CONNECTIONS = 20


@dataclass(frozen=True, kw_only=True)
class Tuning:
    max_connections: int
    shared_buffers_mb: int
    effective_cache_size_mb: int
    maintenance_work_mem_mb: int
    work_mem_mb: int
    max_wal_size_mb: int
    max_parallel_workers: int
    max_parallel_workers_per_gather: int
    timescaledb_max_background_workers: int
    cron_max_running_jobs: int
    max_worker_processes: int


def tuned(memory_mb: int, cpus: int, pooled: int = 0) -> Tuning:
    """Settings with which the server stays within memory_mb when its connections work at once.

    `pooled` connections, which a pooler may open, fit in with some to spare, however small the memory.

    Every background worker takes one of max_worker_processes. Too few of them, and TimescaleDB's jobs fail with
    "failed to start a background worker" (timescaledb 7602, 8543), and pg_cron's with them.
    """
    connections = max(_within(40, memory_mb // 10, 400), pooled + SPARE_CONNECTIONS)
    shared_buffers = memory_mb // 4
    timescaledb, cron = _within(4, 2 * cpus, 16), _within(2, cpus, 8)
    return Tuning(
        max_connections=connections,
        shared_buffers_mb=shared_buffers,
        effective_cache_size_mb=memory_mb * 5 // 8,
        maintenance_work_mem_mb=_within(16, memory_mb // 16, 1024),
        work_mem_mb=_within(1, (memory_mb - shared_buffers) // (2 * connections), 64),
        max_wal_size_mb=_within(256, memory_mb, 8192),
        max_parallel_workers=cpus,
        max_parallel_workers_per_gather=_within(0, cpus // 2, 4),
        timescaledb_max_background_workers=timescaledb,
        cron_max_running_jobs=cron,
        max_worker_processes=LAUNCHERS + timescaledb + cpus + cron,
    )


def _within(low: int, value: int, high: int) -> int:
    return max(low, min(value, high))
