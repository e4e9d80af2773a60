-- The schema coding itself is made by deploy/postgres/roles.sql, its event log, stored replies and cursors
-- by the runtime's own migrations.
COMMENT ON SCHEMA coding IS '编码';

-- A plan-year names its scheme; the checksum is what counts, the rest is for people.
CREATE TABLE year_scheme (
    tenant_id uuid        NOT NULL,
    year      int         NOT NULL CONSTRAINT year_scheme_year CHECK (year BETWEEN 2000 AND 2100),
    id        text        NOT NULL,
    name      text        NOT NULL,
    version   text        NOT NULL,
    checksum  text        NOT NULL CONSTRAINT year_scheme_checksum CHECK (checksum ~ '^[0-9a-f]{64}$'),
    named_at  timestamptz NOT NULL,
    named_by  uuid        NOT NULL,
    revision  bigint      NOT NULL CONSTRAINT year_scheme_revision CHECK (revision >= 1),
    PRIMARY KEY (tenant_id, year)
);
SELECT guard_tenant('year_scheme');
