-- Evidence: one log per tenant (the platform's under the nil UUID).  A record gets its place in the transaction of its
-- feed; the tree over it is integrated, and its head signed, a moment later.

CREATE TABLE log (
    tenant_id  uuid   PRIMARY KEY,
    next_seq   bigint NOT NULL CHECK (next_seq >= 0),
    integrated bigint NOT NULL CONSTRAINT log_integrated CHECK (integrated BETWEEN 0 AND next_seq)
);
SELECT guard_tenant_or_platform('log');

CREATE TABLE record (
    tenant_id   uuid        NOT NULL,
    seq         bigint      NOT NULL CHECK (seq >= 0),
    source      text        NOT NULL,
    event_id    uuid        NOT NULL,
    topic       text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    traceparent text        NOT NULL,
    body        bytea       NOT NULL,
    leaf_hash   bytea       NOT NULL CHECK (length(leaf_hash) = 32),
    PRIMARY KEY (tenant_id, seq)
);
CREATE INDEX record_by_topic ON record (tenant_id, topic, seq);
SELECT guard_tenant_or_platform('record');

-- Complete subtrees: (level, index) covers the leaves [index << level, (index + 1) << level).
CREATE TABLE node (
    tenant_id uuid     NOT NULL,
    level     smallint NOT NULL CHECK (level BETWEEN 0 AND 63),
    index     bigint   NOT NULL CHECK (index >= 0),
    hash      bytea    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (tenant_id, level, index)
);
SELECT guard_tenant_or_platform('node');

CREATE TABLE head (
    tenant_id uuid        NOT NULL,
    size      bigint      NOT NULL CHECK (size > 0),
    signed_at timestamptz NOT NULL,
    root_hash bytea       NOT NULL CHECK (length(root_hash) = 32),
    key_id    text        NOT NULL,
    signature bytea       NOT NULL CHECK (length(signature) = 64),
    PRIMARY KEY (tenant_id, signed_at)
);
CREATE INDEX head_by_size ON head (tenant_id, size, signed_at);
SELECT guard_tenant_or_platform('head');

-- Append-only: not for the service's role (no privilege), and for its owner only by dropping a trigger, which shows.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON record FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON node   FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON head   FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The duty and the verifier ask whose logs there are; the functions run as the owner, whom policies of its own let see.
DO $do$
DECLARE
    service text := current_schema();
    owner   text := 'huzhu_' || current_schema() || '_owner';
    login   text := 'huzhu_' || current_schema();
BEGIN
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON record, node, head FROM %I', login);
    EXECUTE format('REVOKE DELETE, TRUNCATE ON log FROM %I', login);
    EXECUTE format('CREATE POLICY all_logs ON log FOR SELECT TO %I USING (true)', owner);
    EXECUTE format('CREATE POLICY all_heads ON head FOR SELECT TO %I USING (true)', owner);
    EXECUTE format('CREATE POLICY all_records ON record FOR SELECT TO %I USING (true)', owner);
    -- Logs with records that no head covers, and logs whose newest head is older than asked.
    EXECUTE format('CREATE FUNCTION logs_waiting(head_before timestamptz) RETURNS TABLE (tenant_id uuid) '
                   'LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %I, pg_temp AS $f$ '
                   'SELECT l.tenant_id FROM log l WHERE l.next_seq > l.integrated OR (l.next_seq > 0 AND NOT EXISTS '
                   '(SELECT FROM head h WHERE h.tenant_id = l.tenant_id AND h.signed_at > $1)) ORDER BY 1 $f$', service);
    -- A tenant with records and no log row is one whose log row was removed: it is named too.
    EXECUTE format('CREATE FUNCTION logs_all() RETURNS TABLE (tenant_id uuid) '
                   'LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %I, pg_temp AS $f$ '
                   'SELECT l.tenant_id FROM log l UNION SELECT h.tenant_id FROM head h '
                   'UNION SELECT r.tenant_id FROM record r ORDER BY 1 $f$', service);
    EXECUTE 'REVOKE ALL ON FUNCTION logs_waiting(timestamptz), logs_all() FROM PUBLIC';
    EXECUTE format('GRANT EXECUTE ON FUNCTION logs_waiting(timestamptz), logs_all() TO %I', login);
END $do$;
