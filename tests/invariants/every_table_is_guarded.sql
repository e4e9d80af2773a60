-- Every table of a service's schema has a tenant_id under forced row-level security, or is one of the few that hold no
-- tenant's rows: the runtime's own below, and those whose comment begins "no tenant: " and says why.  Returns no row while
-- that holds.
WITH service AS (
    SELECT oid, nspname FROM pg_namespace
     WHERE nspname IN ('identity', 'contributions', 'claims', 'coding', 'disbursement', 'disclosure', 'audit')
), known (schema, name) AS (
    -- the runtime's own, in every schema
    SELECT nspname, unnest(ARRAY['migration', 'feed']) FROM service
)
SELECT s.nspname || '.' || c.relname AS unguarded
  FROM pg_class c
  JOIN service s ON s.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p')
   AND NOT EXISTS (SELECT FROM known k WHERE k.schema = s.nspname AND k.name = c.relname)
   AND NOT coalesce(obj_description(c.oid, 'pg_class') LIKE 'no tenant: %', false)
   AND NOT (c.relrowsecurity AND c.relforcerowsecurity
            AND EXISTS (SELECT FROM pg_attribute a
                         WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnotnull AND NOT a.attisdropped)
            AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant'));
