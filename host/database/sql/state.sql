-- What the database holds of all that is declared, as one JSON object.
WITH place AS (
    SELECT oid, nspname AS name, nspowner AS owner, nspacl AS acl
    FROM pg_namespace
    WHERE nspname !~ '^(pg_|_timescaledb|timescaledb|information_schema)'
), relation AS (
    SELECT place.name AS schema, relowner AS owner,
           CASE relkind WHEN 'S' THEN 'sequence' ELSE 'table' END AS kind,
           coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner)) AS acl
    FROM pg_class JOIN place ON relnamespace = place.oid
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND place.name NOT IN ('extensions', 'cron')
), total AS (
    SELECT kind, schema, count(*) AS relations FROM relation GROUP BY kind, schema
), held AS (
    SELECT 'database' AS kind, datname::text AS place, entry.*, datdba AS owner, 1 AS relations
    FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) AS entry
    WHERE datname = current_database()
    UNION ALL
    SELECT 'schema', name, entry.*, owner, 1 FROM place, aclexplode(coalesce(acl, acldefault('n', owner))) AS entry
    UNION ALL
    SELECT kind, schema, entry.*, owner, relations
    FROM relation JOIN total USING (kind, schema), aclexplode(acl) AS entry
    UNION ALL
    SELECT 'function', nspname || '.' || proname, entry.*, proowner, 1
    FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace,
         aclexplode(coalesce(proacl, acldefault('f', proowner))) AS entry
    WHERE nspname = 'monitoring' OR nspname = 'pg_catalog'
          AND proname IN ('pg_backup_start', 'pg_backup_stop', 'pg_switch_wal', 'pg_create_restore_point')
), total_privilege AS (
    SELECT kind, place, coalesce(rolname, 'PUBLIC') AS role, privilege_type AS privilege,
           count(*) = max(relations) AS complete, bool_or(grantee <> owner) AS granted
    FROM held LEFT JOIN pg_roles ON pg_roles.oid = grantee
    GROUP BY kind, place, role, privilege
), default_privilege AS (
    SELECT pg_get_userbyid(defaclrole) AS creator, nspname AS schema, privilege_type AS privilege,
           CASE defaclobjtype WHEN 'S' THEN 'sequence' ELSE 'table' END AS kind,
           CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END AS role
    FROM pg_default_acl JOIN pg_namespace ON pg_namespace.oid = defaclnamespace, aclexplode(defaclacl)
    WHERE defaclobjtype IN ('r', 'S')
), role AS (
    SELECT rolname AS name, rolpassword AS verifier, rolconnlimit AS connection_limit,
           rolcanlogin AND rolinherit
           AND NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls) AS is_plain,
           ARRAY(SELECT pg_get_userbyid(roleid) FROM pg_auth_members WHERE member = pg_authid.oid) AS groups,
           ARRAY(SELECT setting FROM pg_db_role_setting, unnest(setconfig) AS setting
                 WHERE setrole = pg_authid.oid AND setdatabase = 0) AS settings,
           EXISTS (SELECT FROM pg_shdepend JOIN pg_database ON pg_database.oid = dbid
                   WHERE datname = current_database() AND refclassid = 'pg_authid'::regclass
                         AND refobjid = pg_authid.oid AND deptype = 'o') AS owns
    FROM pg_authid WHERE rolname !~ '^pg_'
)
SELECT json_build_object(
    'extensions', (SELECT json_object_agg(name, installed_version = default_version)
                   FROM pg_available_extensions WHERE installed_version IS NOT NULL),
    -- As text, since there may be no such table.
    'has_unlicensed_jobs', to_regclass('_timescaledb_config.bgw_job') IS NOT NULL
                           AND current_setting('timescaledb.license', true) = 'apache'
                           AND query_to_xml('SELECT FROM _timescaledb_config.bgw_job WHERE scheduled AND id < 1000',
                                            false, true, '')::text <> '',
    'schemas', (SELECT json_object_agg(name, obj_description(oid, 'pg_namespace')) FROM place),
    'owners', (SELECT json_object_agg(name, pg_get_userbyid(owner)) FROM place),
    'monitoring', (SELECT obj_description(to_regprocedure('monitoring.disk()'), 'pg_proc')),
    -- As text, for the same reason.
    'marker_job', CASE WHEN to_regclass('cron.job') IS NOT NULL THEN
        substring(query_to_xml('SELECT string_agg(concat_ws(''|'', schedule, command, username, database, active), '';'')
                               AS job FROM cron.job WHERE jobname = ''hybrid-marker''', false, true, '')::text
                  FROM '<job>(.*)</job>') END,
    'roles', (SELECT json_object_agg(name, to_jsonb(role) - 'name') FROM role),
    'relations', (SELECT coalesce(json_agg(json_build_array(kind, schema)), '[]') FROM total),
    'privileges', (SELECT coalesce(json_agg(total_privilege), '[]') FROM total_privilege),
    'default_privileges', (SELECT coalesce(json_agg(default_privilege), '[]') FROM default_privilege),
    'settings', (SELECT coalesce(json_agg(setting), '[]') FROM pg_db_role_setting JOIN pg_database ON oid = setdatabase,
                 unnest(setconfig) AS setting WHERE datname = current_database() AND setrole = 0),
    'is_in_recovery', pg_is_in_recovery(),
    'is_fenced', current_setting('default_transaction_read_only') = 'on'
                 AND NOT EXISTS (SELECT FROM pg_stat_activity JOIN pg_roles ON rolname = usename
                                 WHERE backend_type = 'client backend' AND NOT rolsuper),
    'is_loaded', pg_conf_load_time() >= (
        SELECT max((pg_stat_file(path)).modification)
        FROM unnest(ARRAY[current_setting('hba_file'), current_setting('ident_file'),
                          current_setting('ssl_cert_file')]) AS path)
);
