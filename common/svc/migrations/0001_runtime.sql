-- What the runtime keeps in every service's schema: event log, stored replies, feeds, parked events, data keys.
-- Runs as the schema's owner; the search_path is the schema.

-- Called once by the migration that creates a table with a tenant_id.  FORCE, because the owner is a role like any
-- other; nullif, because a setting that was once set comes back empty; without a tenant no row is seen.
CREATE FUNCTION guard_tenant(target regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY tenant ON %s '
                   'USING (tenant_id = nullif(current_setting(''huzhu.tenant'', true), '''')::uuid)', target);
END $$;

-- The same for a table that holds rows of the platform itself too, under the nil UUID: a transaction without a tenant
-- sees those and no others.
CREATE FUNCTION guard_tenant_or_platform(target regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY tenant ON %s '
                   'USING (tenant_id = coalesce(nullif(current_setting(''huzhu.tenant'', true), ''''), '
                   '''00000000-0000-0000-0000-000000000000'')::uuid)', target);
END $$;

REVOKE ALL ON FUNCTION guard_tenant(regclass), guard_tenant_or_platform(regclass) FROM PUBLIC;

-- The order of the log is (tx, seq): seq alone becomes visible out of order.
CREATE TABLE event (
    tx          xid8        NOT NULL DEFAULT pg_current_xact_id(),
    seq         bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    event_id    uuid        NOT NULL,
    tenant_id   uuid        NOT NULL,
    topic       text        NOT NULL,
    body        bytea       NOT NULL,
    recorded_at timestamptz NOT NULL,
    traceparent text        NOT NULL,
    PRIMARY KEY (tx, seq)
);
SELECT guard_tenant_or_platform('event');

CREATE TABLE reply (
    tenant_id       uuid        NOT NULL,
    account_id      uuid        NOT NULL,
    method          text        NOT NULL,
    idempotency_key text        NOT NULL,
    body_sha256     bytea       NOT NULL CHECK (length(body_sha256) = 32),
    reply           bytea       NOT NULL,
    etag            text        NOT NULL,
    stored_at       timestamptz NOT NULL,
    CONSTRAINT reply_once PRIMARY KEY (tenant_id, account_id, method, idempotency_key)
);
CREATE INDEX reply_stored_at ON reply USING brin (stored_at);
SELECT guard_tenant_or_platform('reply');

CREATE TABLE feed (
    producer text        PRIMARY KEY,
    tx       xid8        NOT NULL DEFAULT '0',
    seq      bigint      NOT NULL DEFAULT 0,
    moved_at timestamptz
);

CREATE TABLE parked (
    producer  text        NOT NULL,
    tx        xid8        NOT NULL,
    seq       bigint      NOT NULL,
    event_id  uuid        NOT NULL,
    tenant_id uuid        NOT NULL,
    topic     text        NOT NULL,
    body      bytea       NOT NULL,
    code      text        NOT NULL,
    reason    text        NOT NULL,
    says      text        NOT NULL,
    parked_at timestamptz NOT NULL,
    PRIMARY KEY (producer, tx, seq)
);
SELECT guard_tenant_or_platform('parked');

CREATE TABLE data_key (
    tenant_id uuid        PRIMARY KEY,
    wrapped   bytea       NOT NULL,
    made_at   timestamptz NOT NULL
);
SELECT guard_tenant_or_platform('data_key');

-- Grants go to the service's own roles, whose names follow from the schema's.
DO $do$
DECLARE
    service text := current_schema();
BEGIN
    -- Old replies of all tenants go at once: the function runs as the owner, whom a policy of its own lets see them.
    EXECUTE format('CREATE POLICY purge ON reply TO %I USING (true)', 'huzhu_' || service || '_owner');
    EXECUTE format('CREATE FUNCTION purge_replies(before timestamptz) RETURNS bigint LANGUAGE sql SECURITY DEFINER '
                   'SET search_path = %I, pg_temp AS $f$ '
                   'WITH gone AS (DELETE FROM reply WHERE stored_at < before RETURNING 1) SELECT count(*) FROM gone $f$',
                   service);
    EXECUTE 'REVOKE ALL ON FUNCTION purge_replies(timestamptz) FROM PUBLIC';
    EXECUTE format('GRANT EXECUTE ON FUNCTION purge_replies(timestamptz) TO %I', 'huzhu_' || service);

    -- The log is append-only for the service, readable over all tenants for the feed role and for nobody else.
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON event FROM %I', 'huzhu_' || service);
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON migration FROM %I', 'huzhu_' || service);
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON data_key FROM %I', 'huzhu_' || service);
    EXECUTE format('CREATE POLICY feed ON event FOR SELECT TO %I USING (true)', 'huzhu_' || service || '_feed');
    EXECUTE format('GRANT SELECT ON event TO %I', 'huzhu_' || service || '_feed');
END $do$;
