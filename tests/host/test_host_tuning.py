"""The server's settings follow from its memory and processors."""

from hypothesis import given
from hypothesis import strategies as st

from host.tuning import tuned

MEMORY = st.integers(256, 1_000_000)
CPUS = st.integers(1, 256)


@given(MEMORY, CPUS)
def test_every_background_worker_finds_a_place(memory_mb: int, cpus: int) -> None:
    tuning = tuned(memory_mb, cpus)
    needed = 3 + tuning.timescaledb_max_background_workers + tuning.max_parallel_workers + tuning.cron_max_running_jobs
    assert tuning.max_worker_processes >= needed


@given(MEMORY, CPUS)
def test_all_connections_at_once_stay_within_the_memory(memory_mb: int, cpus: int) -> None:
    tuning = tuned(memory_mb, cpus)
    assert tuning.shared_buffers_mb + tuning.max_connections * tuning.work_mem_mb <= memory_mb


@given(MEMORY, CPUS)
def test_no_setting_is_below_what_postgres_takes(memory_mb: int, cpus: int) -> None:
    tuning = tuned(memory_mb, cpus)
    assert tuning.work_mem_mb >= 1
    assert tuning.maintenance_work_mem_mb >= 1
    assert tuning.shared_buffers_mb >= 1
    assert tuning.max_wal_size_mb >= 160  # Twice min_wal_size.
    assert tuning.max_parallel_workers_per_gather <= tuning.max_parallel_workers


@given(MEMORY, CPUS, st.integers(0, 1000))
def test_every_pooled_connection_finds_a_place(memory_mb: int, cpus: int, pooled: int) -> None:
    assert tuned(memory_mb, cpus, pooled).max_connections > pooled


@given(MEMORY, MEMORY, CPUS)
def test_more_memory_never_gives_smaller_buffers(one: int, other: int, cpus: int) -> None:
    less, more = tuned(min(one, other), cpus), tuned(max(one, other), cpus)
    assert less.shared_buffers_mb <= more.shared_buffers_mb
    assert less.effective_cache_size_mb <= more.effective_cache_size_mb
