"""The server's settings follow from its memory, processors and disk."""

from hypothesis import given
from hypothesis import strategies as st

from host.database.tuning import CONNECTION_MB, tuned

MEMORY = st.integers(512, 256 * 1024)
CPUS = st.integers(1, 64)
DISK = st.none() | st.integers(8, 16 * 1024)


@given(MEMORY, CPUS)
def test_every_background_worker_finds_a_place(memory_mb: int, cpus: int) -> None:
    tuning = tuned(memory_mb, cpus)
    needed = 3 + tuning.timescaledb_max_background_workers + tuning.max_parallel_workers + tuning.cron_max_running_jobs
    assert tuning.max_worker_processes >= needed


@given(MEMORY, CPUS, st.integers(0, 15))
def test_all_connections_and_all_maintenance_at_once_stay_within_the_memory(
    memory_mb: int, cpus: int, pooled_per_512_mb: int
) -> None:
    tuning = tuned(memory_mb, cpus, pooled_per_512_mb * memory_mb // 512)
    assert tuning.memory_mb <= memory_mb


def test_the_memory_of_a_connection_counts_a_hash_table() -> None:
    tuning = tuned(1024, 2)
    one_more = tuning.max_connections + 1
    grown = tuning.__class__(**(vars(tuning) | {"max_connections": one_more}))
    assert grown.memory_mb - tuning.memory_mb == CONNECTION_MB + 2 * tuning.work_mem_mb


@given(MEMORY, CPUS, DISK)
def test_no_setting_is_below_what_postgres_takes(memory_mb: int, cpus: int, disk_gb: int | None) -> None:
    tuning = tuned(memory_mb, cpus, disk_gb=disk_gb)
    assert tuning.work_mem_mb >= 1
    assert tuning.maintenance_work_mem_mb >= 1
    assert tuning.shared_buffers_mb >= 1
    assert tuning.max_wal_size_mb >= 160  # Twice min_wal_size.
    assert tuning.max_parallel_workers_per_gather <= tuning.max_parallel_workers


@given(MEMORY, CPUS, st.integers(8, 16 * 1024))
def test_the_log_takes_a_tenth_of_the_disk_at_most(memory_mb: int, cpus: int, disk_gb: int) -> None:
    assert tuned(memory_mb, cpus, disk_gb=disk_gb).max_wal_size_mb * 10 <= disk_gb * 1024


@given(MEMORY, CPUS, st.integers(0, 1000))
def test_every_pooled_connection_finds_a_place(memory_mb: int, cpus: int, pooled: int) -> None:
    assert tuned(memory_mb, cpus, pooled).max_connections > pooled


@given(MEMORY, MEMORY, CPUS)
def test_more_memory_never_gives_smaller_buffers(one: int, other: int, cpus: int) -> None:
    less, more = tuned(min(one, other), cpus), tuned(max(one, other), cpus)
    assert less.shared_buffers_mb <= more.shared_buffers_mb
    assert less.effective_cache_size_mb <= more.effective_cache_size_mb
