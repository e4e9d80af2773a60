-- Documents on their way in.  The pieces are sealed with the tenant's data key; what is stored names its algorithm.
COMMENT ON SCHEMA claims IS '申请';

-- The tenant is part of the keys: an id that another tenant has taken is neither refused nor told of.
CREATE TABLE upload (
    tenant_id    uuid        NOT NULL,
    upload_id    uuid        NOT NULL,
    account_id   uuid        NOT NULL,
    size         bigint      NOT NULL CONSTRAINT upload_size_bounds CHECK (size BETWEEN 0 AND 20971520),
    content_type text        NOT NULL
                 CONSTRAINT upload_type_known CHECK (content_type IN ('image/jpeg', 'image/png', 'application/pdf')),
    sha256       bytea       CHECK (length(sha256) = 32),
    started_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    CONSTRAINT upload_once PRIMARY KEY (tenant_id, upload_id),
    CONSTRAINT upload_finished_has_sum CHECK ((sha256 IS NULL) = (finished_at IS NULL))
);
SELECT guard_tenant('upload');
CREATE INDEX upload_by_id ON upload (upload_id);
CREATE INDEX upload_unfinished ON upload (started_at) WHERE finished_at IS NULL;

CREATE TABLE upload_piece (
    tenant_id uuid   NOT NULL,
    upload_id uuid   NOT NULL,
    start     bigint NOT NULL CHECK (start >= 0),
    size      int    NOT NULL CHECK (size BETWEEN 1 AND 262144),
    sealed    bytea  NOT NULL,
    PRIMARY KEY (upload_id, start, tenant_id),
    FOREIGN KEY (tenant_id, upload_id) REFERENCES upload ON DELETE CASCADE
);
ALTER TABLE upload_piece ALTER COLUMN sealed SET STORAGE EXTERNAL; -- sealed bytes do not compress
SELECT guard_tenant('upload_piece');

-- Unfinished uploads of all tenants are thrown away by the owner, whom policies of its own let see them.
CREATE POLICY purge ON upload TO huzhu_claims_owner USING (finished_at IS NULL);
CREATE POLICY purge ON upload_piece TO huzhu_claims_owner USING (true);
CREATE FUNCTION purge_uploads(before timestamptz) RETURNS bigint LANGUAGE sql SECURITY DEFINER
SET search_path = claims, pg_temp AS $$
    WITH gone AS (DELETE FROM upload WHERE finished_at IS NULL AND started_at < before RETURNING 1)
    SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION purge_uploads(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purge_uploads(timestamptz) TO huzhu_claims;
