-- The schema coding itself is made by deploy/postgres/roles.sql, its event log, stored replies and cursors
-- by the runtime's own migrations.  Every table with a tenant_id calls guard_tenant() once:
--   SELECT guard_tenant('thing');
COMMENT ON SCHEMA coding IS '编码';
