-- What monitoring sees beyond pg_monitor: only through these functions, whose owner is the superuser.
CREATE EXTENSION IF NOT EXISTS file_fdw SCHEMA extensions;
CREATE SERVER IF NOT EXISTS file_systems FOREIGN DATA WRAPPER file_fdw;
DROP FOREIGN TABLE IF EXISTS monitoring.file_system;
-- A foreign table, since it can be read on a standby, too. The program runs in the data directory.
CREATE FOREIGN TABLE monitoring.file_system (place text, block_size bigint, blocks bigint, free bigint, available bigint)
SERVER file_systems OPTIONS (format 'csv', program '/usr/bin/stat -f -L --format=%n,%S,%b,%f,%a . pg_wal');
REVOKE ALL ON monitoring.file_system FROM PUBLIC;

CREATE OR REPLACE FUNCTION monitoring.disk() RETURNS TABLE (
    place text, total_bytes bigint, used_bytes bigint, available_bytes bigint
) LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT CASE held.place WHEN '.' THEN 'data' ELSE 'wal' END,
           held.block_size * held.blocks, held.block_size * (held.blocks - held.free), held.block_size * held.available
    FROM monitoring.file_system AS held;
END
$$;

DROP FOREIGN TABLE IF EXISTS monitoring.backup_program;
CREATE FOREIGN TABLE monitoring.backup_program (line text)
SERVER file_systems OPTIONS (format 'csv', program '/usr/bin/pgbackrest version');
REVOKE ALL ON monitoring.backup_program FROM PUBLIC;

-- As "2.59.0": the pgBackRest that is installed.
CREATE OR REPLACE FUNCTION monitoring.backup_version() RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT substring(held.line FROM '^pgBackRest ([0-9.]+)$') FROM monitoring.backup_program AS held);
END
$$;

-- pg_cron's own tables show each role only its own jobs; neither commands nor messages, which may hold rows' values.
CREATE OR REPLACE FUNCTION monitoring.cron_jobs() RETURNS TABLE (
    job_id bigint, name text, schedule text, role_name text, is_active boolean,
    last_status text, last_started_at timestamptz, runs_day bigint, failures_day bigint
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT job.jobid, job.jobname::text, job.schedule, job.username, job.active, last.status, last.start_time,
           coalesce(day.runs, 0), coalesce(day.failures, 0)
    FROM cron.job
    LEFT JOIN LATERAL (
        SELECT run.status, run.start_time FROM cron.job_run_details AS run
        WHERE run.jobid = job.jobid AND run.status IN ('succeeded', 'failed') ORDER BY run.runid DESC LIMIT 1
    ) AS last ON true
    LEFT JOIN LATERAL (
        SELECT count(*) AS runs, count(*) FILTER (WHERE run.status = 'failed') AS failures
        FROM cron.job_run_details AS run
        WHERE run.jobid = job.jobid AND run.start_time > now() - interval '1 day'
    ) AS day ON true
    ORDER BY job.jobid;
END
$$;

-- Log files that pgBackRest dropped since the queue was over its limit, of its own log and the one before.
DROP FOREIGN TABLE IF EXISTS monitoring.dropped_wal;
CREATE FOREIGN TABLE monitoring.dropped_wal (line text)
SERVER file_systems OPTIONS (
    format 'text', delimiter E'\x01',
    program 'cat /var/log/pgbackrest/*-archive-push-async.log.1 /var/log/pgbackrest/*-archive-push-async.log 2>/dev/null'
            ' | grep "WARN: dropped WAL file" || true'
);
REVOKE ALL ON monitoring.dropped_wal FROM PUBLIC;

CREATE OR REPLACE FUNCTION monitoring.dropped_wal() RETURNS TABLE (files_day bigint, first text, last text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    -- One can be dropped again before PostgreSQL takes note.
    SELECT count(DISTINCT dropped.file), min(dropped.file), max(dropped.file)
    FROM (
        SELECT substring(held.line FROM 'file .([0-9A-F]{24})') AS file,
               substring(held.line FROM '^[0-9-]{10} [0-9:]{8}')::timestamp AS at
        FROM monitoring.dropped_wal AS held
    ) AS dropped
    WHERE dropped.at > localtimestamp - interval '1 day' AND dropped.file IS NOT NULL;
END
$$;

-- What a restored database is held against: each marker was committed at its time, or it is missing.
CREATE TABLE IF NOT EXISTS monitoring.marker (
    written_at timestamptz PRIMARY KEY DEFAULT clock_timestamp(), xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
REVOKE ALL ON monitoring.marker FROM PUBLIC;

CREATE OR REPLACE FUNCTION monitoring.mark() RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    written timestamptz;
BEGIN
    INSERT INTO monitoring.marker DEFAULT VALUES RETURNING written_at INTO written;
    -- About every hour, of one marker in half a minute.
    IF random() < 0.01 THEN
        DELETE FROM monitoring.marker WHERE written_at < now() - interval '380 days';
        IF to_regclass('cron.job_run_details') IS NOT NULL THEN
            DELETE FROM cron.job_run_details WHERE start_time < now() - interval '7 days';
        END IF;
    END IF;
    RETURN written;
END
$$;

CREATE OR REPLACE FUNCTION monitoring.newest_marker() RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT max(written_at) FROM monitoring.marker);
END
$$;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA monitoring FROM PUBLIC;
