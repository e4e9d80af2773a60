-- The next list to work on, but for those that rest: one whose every attempt fails must not keep the others waiting.  The
-- form without an argument stays for the version before.
DO $do$
DECLARE
    service text := current_schema();
BEGIN
    EXECUTE format('CREATE FUNCTION import_work(resting uuid[]) RETURNS TABLE (tenant_id uuid, import_id uuid, state text) '
                   'LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %I, pg_temp AS $f$ '
                   'SELECT i.tenant_id, i.import_id, i.state FROM register_import i '
                   'WHERE (i.state IN (''CHECKING'', ''APPROVED'', ''APPLYING'') OR (i.staged AND i.state IN (''APPLIED'', ''REJECTED''))) '
                   'AND i.import_id <> ALL ($1) '
                   'ORDER BY i.state = ''CHECKING'' AND i.staged, i.started_at, i.import_id LIMIT 1 $f$', service);
    EXECUTE 'REVOKE ALL ON FUNCTION import_work(uuid[]) FROM PUBLIC';
    EXECUTE format('GRANT EXECUTE ON FUNCTION import_work(uuid[]) TO %I', 'huzhu_' || service);
END $do$;
