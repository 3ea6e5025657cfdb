"""What is asked of a database to know how it is: statements that role `monitor` may run, one a subject."""

SERVER = """
SELECT current_setting('server_version') AS postgresql, pg_is_in_recovery() AS is_standby,
       extract(epoch FROM now() - pg_postmaster_start_time())::float8 AS uptime_seconds,
       (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS timescaledb
"""
PGBACKREST = "SELECT monitoring.backup_version() AS pgbackrest"
EXTENSIONS = """
SELECT extname AS name, extversion AS installed, default_version AS available
FROM pg_extension JOIN pg_available_extensions ON name = extname WHERE extname <> 'plpgsql' ORDER BY extname
"""
# A standby has no WAL of its own to count from.
SLOTS = """
SELECT slot_name AS name, active AS is_active, wal_status,
       coalesce(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()
                                     ELSE pg_current_wal_lsn() END, restart_lsn), 0)::float8 AS retained_bytes
FROM pg_replication_slots ORDER BY slot_name
"""
DISK = "SELECT * FROM monitoring.disk()"
WAL = """
SELECT sum(size)::float8 AS bytes, count(*) AS files,
       (SELECT setting::float8 * 1048576 FROM pg_settings WHERE name = 'max_wal_size') AS max_bytes
FROM pg_ls_waldir()
"""
ARCHIVER = """
SELECT current_setting('archive_mode') AS mode, pg_is_in_recovery() AS is_standby, last_archived_wal, failed_count,
       coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) AS is_failing,
       extract(epoch FROM now() - coalesce(last_archived_time, stats_reset))::float8 AS last_success_seconds,
       waiting.files AS waiting, waiting.seconds AS waiting_seconds,
       waiting.files * (SELECT setting::float8 FROM pg_settings WHERE name = 'wal_segment_size') AS waiting_bytes,
       nullif(current_setting('hybrid.archive_queue_max_mb', true), '')::float8 * 1048576 AS queue_max_bytes
FROM pg_stat_archiver, (
    SELECT count(*) AS files, coalesce(extract(epoch FROM now() - min(modification)), 0)::float8 AS seconds
    FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'
) AS waiting
"""
DROPPED_WAL = "SELECT * FROM monitoring.dropped_wal()"
MARKERS = """
SELECT extract(epoch FROM now() - monitoring.newest_marker())::float8 AS seconds, pg_is_in_recovery() AS is_standby,
       extract(epoch FROM now() - pg_postmaster_start_time())::float8 AS uptime_seconds
"""
TRANSACTIONS = """
SELECT pid, usename AS role, state, extract(epoch FROM now() - xact_start)::float8 AS seconds,
       extract(epoch FROM now() - state_change)::float8 AS idle_seconds
FROM pg_stat_activity
WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type = 'client backend'
ORDER BY xact_start
"""
BLOCKED = """
SELECT pid, usename AS role, pg_blocking_pids(pid) AS blocked_by,
       extract(epoch FROM now() - query_start)::float8 AS seconds
FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0 ORDER BY query_start
"""
CRON = "SELECT * FROM monitoring.cron_jobs()"
# A job that crashed leaves no status; one that has just been started has none yet. A standby shows what ran elsewhere.
TIMESCALEDB = """
SELECT jobs.job_id, jobs.application_name AS name, coalesce(total_failures, 0) AS total_failures,
       coalesce(total_runs, 0) AS total_runs,
       coalesce(last_run_status = 'Failed' OR last_run_status IS NULL AND job_status <> 'Running'
                AND last_run_started_at < now() - interval '10 s', false) AS has_failed,
       coalesce(last_successful_finish > pg_postmaster_start_time(), false)
           AND NOT pg_is_in_recovery() AS has_succeeded,
       pg_is_in_recovery() OR now() < pg_postmaster_start_time() + interval '2 min' OR EXISTS (
           SELECT FROM pg_stat_activity
           WHERE backend_type = 'TimescaleDB Background Worker Scheduler' AND datname = current_database()
       ) AS has_scheduler
FROM timescaledb_information.jobs LEFT JOIN timescaledb_information.job_stats USING (job_id)
WHERE jobs.scheduled ORDER BY jobs.job_id
"""
# Only client backends: a role's limit counts no background worker.
CONNECTIONS = """
SELECT rolname AS role, count(pid) AS open, rolconnlimit AS allowed
FROM pg_roles LEFT JOIN pg_stat_activity ON usesysid = pg_roles.oid AND backend_type = 'client backend'
WHERE rolcanlogin AND rolconnlimit > 0 GROUP BY rolname, rolconnlimit
UNION ALL
SELECT 'all', count(*), current_setting('max_connections')::int
       - current_setting('superuser_reserved_connections')::int
FROM pg_stat_activity WHERE backend_type = 'client backend'
"""
CACHE = """
SELECT blks_hit::float8 AS hits, blks_read::float8 AS reads, coalesce(checksum_failures, 0) AS checksum_failures
FROM pg_stat_database WHERE datname = current_database()
"""
BUFFERS = "SELECT buffers_used, buffers_unused, buffers_dirty, usagecount_avg FROM pg_buffercache_summary()"
# The same, slower: the summary came with PostgreSQL 16.
BUFFERS_OF_15 = """
SELECT count(relfilenode) AS buffers_used, count(*) - count(relfilenode) AS buffers_unused,
       count(*) FILTER (WHERE isdirty) AS buffers_dirty, avg(usagecount)::float8 AS usagecount_avg
FROM pg_buffercache
"""
TRANSACTION_IDS = """
SELECT datname AS database, greatest(age(datfrozenxid), mxid_age(datminmxid))::float8 AS age
FROM pg_database ORDER BY age DESC LIMIT 1
"""
