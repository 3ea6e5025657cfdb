-- What monitoring sees beyond pg_monitor: only through these functions, whose owner is the superuser.
CREATE EXTENSION IF NOT EXISTS file_fdw SCHEMA extensions;
CREATE EXTENSION IF NOT EXISTS pg_walinspect SCHEMA extensions;
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

-- Log files that pgBackRest dropped since the queue was over its limit, of its own log and the one before: those of
-- the last day, and of this timeline all since the last backup, whose label PostgreSQL keeps until the next one's.
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
    WHERE dropped.file IS NOT NULL AND (
        dropped.at > localtimestamp - interval '1 day'
        OR left(dropped.file, 8) = lpad(upper(to_hex((SELECT timeline_id FROM pg_control_checkpoint()))), 8, '0')
           AND dropped.file > coalesce((SELECT max(name) FROM pg_ls_waldir() WHERE name ~ '\.backup$'), '')
    );
END
$$;

-- What would be lost with this host now: the log that is not archived, and the age of the oldest commit in it; 0 where
-- there is none, null where it can't be told. After log that was dropped, all since then: without it no restore comes
-- to what is archived later, until a backup begins behind it. No row on a standby, which has no log of its own.
CREATE OR REPLACE FUNCTION monitoring.unarchived() RETURNS TABLE (bytes bigint, seconds float8)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' SET lc_messages = 'C' AS $$
DECLARE
    segment_bytes CONSTANT bigint := (SELECT setting FROM pg_settings WHERE name = 'wal_segment_size');
    segments_per_log CONSTANT bigint := 4294967296 / segment_bytes;
    -- About 100 MB, where a single transaction has written that much.
    give_up_at CONSTANT timestamptz := clock_timestamp() + interval '0.8 s';
    written pg_lsn;
    line int;
    done text[];
    hole text;
    here pg_lsn;
    until pg_lsn;
    reached pg_lsn;
    read_bytes bigint := 262144;
    since timestamptz;
    is_read boolean := false;
BEGIN
    IF pg_is_in_recovery() THEN
        RETURN;
    END IF;
    written := pg_current_wal_flush_lsn();
    line := ('x' || left(pg_walfile_name(written), 8))::bit(32)::int;
    -- Marks before files: a file that is removed in between must not seem to be without one. PostgreSQL's statistics
    -- would name the newest that was archived, not the oldest that was not, and are lost with a crash.
    done := ARRAY(SELECT left(name, 24) FROM pg_ls_archive_statusdir() WHERE name ~ '^[0-9A-F]{24}\.done$');
    -- PostgreSQL takes what was dropped for archived, and may have removed it.
    SELECT min(dropped.file) INTO hole
    FROM (SELECT substring(held.line FROM 'file .([0-9A-F]{24})') AS file FROM monitoring.dropped_wal AS held) AS dropped
    WHERE left(dropped.file, 8) = left(pg_walfile_name(written), 8)
      AND dropped.file > coalesce((SELECT max(name) FROM pg_ls_waldir() WHERE name ~ '\.backup$'), '');
    -- Where a timeline began, the file of the one before is of no more use.
    SELECT coalesce(min(held.start) FILTER (WHERE held.name = hole OR NOT held.name = ANY (done)), written) INTO here
    FROM (
        SELECT DISTINCT ON (start) name, start
        FROM (SELECT name FROM pg_ls_waldir() UNION SELECT hole) AS file, LATERAL (
            SELECT '0/0'::pg_lsn + segment_bytes::numeric * (
                       ('x' || substr(name, 9, 8))::bit(32)::bigint * segments_per_log
                       + ('x' || substr(name, 17, 8))::bit(32)::bigint
                   ) AS start
        ) AS place
        WHERE name ~ '^[0-9A-F]{24}$' AND ('x' || left(name, 8))::bit(32)::int <= line
        ORDER BY start, name DESC
    ) AS held
    WHERE held.start < written;
    bytes := written - here;
    BEGIN
        WHILE since IS NULL AND NOT is_read AND clock_timestamp() < give_up_at LOOP
            until := least(here + read_bytes, written);
            SELECT max(end_lsn),
                   min(substring(description FROM '\d{4,}-\d\d-\d\d \d\d:\d\d:[0-9.]+\+00')::timestamptz)
                   FILTER (WHERE resource_manager = 'Transaction' AND record_type IN ('COMMIT', 'COMMIT_PREPARED'))
            INTO reached, since
            -- The same in every version that is allowed (tried on 15.18, 16.14, 17.12 and 18.4).
            FROM extensions.pg_get_wal_records_info(here, until) WHERE until > here;
            is_read := until = written;
            here := coalesce(reached, here);
            read_bytes := CASE WHEN reached IS NULL THEN 2 * read_bytes ELSE least(2 * read_bytes, segment_bytes) END;
        END LOOP;
    EXCEPTION WHEN OTHERS THEN
        -- Of the last record a part may be there alone.
        is_read := until = written AND SQLERRM LIKE 'could not find a valid record after%';
    END;
    IF since IS NULL AND is_read THEN
        seconds := 0;
    ELSIF since IS NULL THEN
        -- What comes later was committed after the file before it was full.
        since := (
            SELECT max(file.modification) FROM pg_ls_waldir() AS file
            WHERE file.name ~ '^[0-9A-F]{24}$' AND file.name < pg_walfile_name(here)
        );
    END IF;
    IF since < clock_timestamp() + interval '5 s' THEN
        seconds := greatest(extract(epoch FROM clock_timestamp() - since), 0);
    END IF;
    RETURN NEXT;
END
$$;

-- The repository as pgBackRest lists it, then the names of the folders that its backups are in, and a dot where that was
-- all; then the names of the timelines and of the log from the newest sound backup's first folder on, and two dots with
-- that one's number.
-- What can't be deciphered is quoted there in bytes that are no text.
DROP FOREIGN TABLE IF EXISTS monitoring.backup_repository;
CREATE FOREIGN TABLE monitoring.backup_repository (line text)
SERVER file_systems OPTIONS (
    format 'csv', delimiter E'\x01', quote E'\x02',
    program $program$
        export LC_ALL=C PGBACKREST_LOG_LEVEL_CONSOLE=off PGBACKREST_LOG_LEVEL_STDERR=off
        stanza=$(sed -n 's/^\[\([^]:]*\)\]$/\1/p' /etc/pgbackrest.conf | tail -n 1)
        timeout 5 sh -c '
            info=$(PGBACKREST_IO_TIMEOUT=3 pgbackrest --output=json info | tr -cd "[:print:]")
            printf "%s\n" "$info" && pgbackrest repo-ls "backup/$0" && echo . || exit
            log="archive/$0/$(echo "$info" | sed -n "s/.*\"id\":\"\([0-9]*-[0-9]*\)\".*/\1/p")"
            first=$(
                echo "$info" | sed "s/\"type\":\"[a-z]*\"}/&\n/g" | grep "\"error\":false" | grep -v "\"damaged\":\"[^\"]" |
                    sed -n "s/.*\"archive\":{\"start\":\"[0-9A-F]\{8\}\([0-9A-F]\{8\}\).*/\1/p" | tail -n 1
            )
            folders=$(pgbackrest repo-ls "$log") || exit
            printf "%s\n" "$folders"
            for folder in $folders; do
                [ "${folder#????????}" \< "$first" ] || pgbackrest repo-ls "$log/$folder" || exit
            done
            echo "..$first"
        ' "$stanza" || true
    $program$
);
REVOKE ALL ON monitoring.backup_repository FROM PUBLIC;

-- What this cluster could be restored from: usable backups that lead to its timeline, the newest usable one and whether its folder is there, the
-- newest log file, the one that PostgreSQL archived last, and the first that is missing from the newest backup's own on;
-- by number, for which timeline leads there is in no name; is_listed says that the names were all there to look for it.
-- A later timeline is another host's, promoted since: whoever begins to serve begins one above all that are archived. No
-- row on a standby. Fails where nothing is answered.
DROP FUNCTION IF EXISTS monitoring.repository();
CREATE FUNCTION monitoring.repository() RETURNS TABLE (
    backups bigint, newest_backup text, is_there boolean, newest_wal text, archived_wal text, missing_wal text,
    is_listed boolean, later_timeline text
) LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    segment_bytes CONSTANT bigint := (SELECT setting FROM pg_settings WHERE name = 'wal_segment_size');
    segments_per_log CONSTANT bigint := 4294967296 / segment_bytes;
    own CONSTANT jsonb := jsonb_build_object('system-id', (SELECT system_identifier FROM pg_control_system()));
    lines text[];
    told jsonb;
    message text;
    fault text;
    stanza jsonb;
    timeline text;
    history text;
    first text;
    last text;
BEGIN
    IF pg_is_in_recovery() THEN
        RETURN;
    END IF;
    -- First: what is archived meanwhile is in the repository by then.
    SELECT left(last_archived_wal, 24) INTO archived_wal FROM pg_stat_archiver
    WHERE last_archived_wal ~ '^[0-9A-F]{24}(\.[0-9A-F]{8}\.backup)?$';
    lines := ARRAY(SELECT held.line FROM monitoring.backup_repository AS held WHERE held.line <> '');
    told := CASE WHEN lines[1] LIKE '[%' THEN lines[1]::jsonb END;
    SELECT one INTO stanza FROM jsonb_array_elements(told) AS one WHERE one -> 'db' @> jsonb_build_array(own);
    message := coalesce(told #>> '{0,repo,0,status,message}', '');
    -- Of what is said no more than this: behind it pgBackRest shows the request, or what it could not decipher.
    fault := CASE
        WHEN message ~ 'unable to connect|TLS error|unexpected eof|timeout after' THEN 'its store does not answer'
        WHEN message ~ 'certificate presented by' THEN 'the certificate of its store is not trusted'
        ELSE substring(message FROM 'HTTP request failed with \d+ \([\w ]+\)|\[\d{3}\] [\w ]+')
    END;
    -- One that was overwritten, or written with another passphrase, is of no use to this host, nor is a bucket that is
    -- gone; of any other that can't be read nothing is known.
    IF stanza IS NULL AND told @> '[{"status": {"code": 99}}]' THEN
        IF fault NOT LIKE '% 404 %' OR fault IS NULL AND message !~ 'cipher header invalid|CryptoError|FormatError' THEN
            RAISE EXCEPTION 'it can''t be read%; `./hybrid backup list` says why', coalesce(': ' || fault, '');
        END IF;
    ELSIF told IS NULL OR NOT '.' = ANY (lines) THEN
        RAISE EXCEPTION 'nothing could be read of it within 5 s; `./hybrid backup list` says why';
    END IF;
    timeline := left(pg_walfile_name(pg_current_wal_lsn()), 8);
    history := pg_read_file(format('pg_wal/%s.history', timeline), 0, 1048576, true);
    -- As host/backup/repository_state.py has it. One from a line that was left, as of a host that was promoted and given
    -- up, does not count.
    SELECT count(*) FILTER (
               WHERE left(one #>> '{archive,stop}', 8) = timeline OR EXISTS (
                   SELECT FROM regexp_split_to_table(history, E'\n') AS line
                   WHERE line ~ '^\d+\t'
                     AND split_part(line, E'\t', 1)::bigint
                         = ('x' || left(one #>> '{archive,stop}', 8))::bit(32)::bigint
                     AND split_part(line, E'\t', 2)::pg_lsn >= (one #>> '{lsn,stop}')::pg_lsn
               )
           ), (array_agg(one ->> 'label' ORDER BY (one #>> '{timestamp,stop}')::bigint DESC))[1],
           (array_agg(one #>> '{archive,start}' ORDER BY (one #>> '{timestamp,stop}')::bigint DESC))[1],
           (array_agg(one #>> '{archive,stop}' ORDER BY (one #>> '{timestamp,stop}')::bigint DESC))[1]
    INTO backups, newest_backup, first, last
    FROM jsonb_array_elements(stanza -> 'backup') AS one
    WHERE NOT coalesce((one ->> 'error')::boolean, false) AND NOT EXISTS (
        SELECT FROM jsonb_array_elements(stanza -> 'backup') AS other
        WHERE other #>> '{annotation,damaged}' <> ''
          AND (other -> 'label' = one -> 'label' OR coalesce(one -> 'reference', '[]') @> (other -> 'label'))
    );
    is_there := newest_backup = ANY (lines);
    SELECT max(left(line, 8)) INTO later_timeline FROM unnest(lines) AS line
    WHERE line ~ '^[0-9A-F]{8}([0-9A-F]{8}|\.history)$' AND left(line, 8) > left(pg_walfile_name(pg_current_wal_lsn()), 8);
    SELECT max(one ->> 'max') INTO newest_wal FROM jsonb_array_elements(stanza -> 'archive') AS one;
    is_listed := first IS NULL
        OR EXISTS (SELECT FROM unnest(lines) AS line WHERE line LIKE '..%' AND substr(line, 3) <= substr(first, 9, 8));
    IF is_listed THEN
        WITH file AS (
            SELECT name, is_held, ('x' || substr(name, 9, 8))::bit(32)::bigint * segments_per_log
                                  + ('x' || substr(name, 17, 8))::bit(32)::bigint AS number
            FROM (
                SELECT left(line, 24) AS name, true AS is_held FROM unnest(lines) AS line WHERE line ~ '^[0-9A-F]{24}-'
                UNION ALL SELECT unnest(ARRAY[first, last, newest_wal]), false
            ) AS known
            WHERE name >= first
        )
        SELECT coalesce((SELECT max(left(name, 8)) FROM file WHERE is_held AND number < wanted), left(first, 8))
               || lpad(upper(to_hex(wanted / segments_per_log)), 8, '0')
               || lpad(upper(to_hex(wanted % segments_per_log)), 8, '0') INTO missing_wal
        FROM generate_series(
            (SELECT number FROM file WHERE name = first LIMIT 1), (SELECT max(number) FROM file WHERE NOT is_held)
        ) AS wanted
        WHERE wanted NOT IN (SELECT number FROM file WHERE is_held) ORDER BY wanted LIMIT 1;
    END IF;
    RETURN NEXT;
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
