-- Who: tenants, the organisation tree, accounts, roles, sessions and tokens.
-- Tables with a tenant_id are guarded by row-level security; accounts of the platform itself carry the nil UUID.

-- Three tables are the platform's own and read before any tenant is bound: tenant (a login name ends in a tenant's code),
-- address_guard (one address tries many tenants) and the part of organisation above the tenants.
CREATE TABLE tenant (
    tenant_id       uuid        PRIMARY KEY,
    code            text        NOT NULL CONSTRAINT tenant_code_once UNIQUE
                                CONSTRAINT tenant_code_form CHECK (code ~ '^[a-z0-9][a-z0-9-]{0,30}[a-z0-9]$' AND code <> 'platform'),
    name            text        NOT NULL CONSTRAINT tenant_name_form CHECK (length(name) BETWEEN 1 AND 100),
    organisation_id uuid        NOT NULL CONSTRAINT tenant_organisation_once UNIQUE,
    state           text        NOT NULL CHECK (state IN ('ACTIVE', 'CLOSED')),
    created_at      timestamptz NOT NULL
);
COMMENT ON TABLE tenant IS 'no tenant: a sign-in reads it to learn which tenant to bind';

CREATE TABLE organisation (
    organisation_id uuid        NOT NULL CONSTRAINT organisation_once PRIMARY KEY,
    tenant_id       uuid        NOT NULL, -- nil: above the tenants, and their own roots
    parent_id       uuid        CONSTRAINT organisation_parent REFERENCES organisation,
    level           smallint    NOT NULL CONSTRAINT organisation_level CHECK (level BETWEEN 1 AND 5),
    division_code   text        NOT NULL CONSTRAINT organisation_division_code CHECK (division_code ~ '^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12})$'),
    name            text        NOT NULL CONSTRAINT organisation_name_form CHECK (length(name) BETWEEN 1 AND 100),
    ancestor_ids    uuid[]      NOT NULL CHECK (cardinality(ancestor_ids) <= 4),
    created_at      timestamptz NOT NULL,
    CONSTRAINT organisation_province CHECK (level <> 1 OR parent_id IS NULL)
);
CREATE UNIQUE INDEX organisation_name_once ON organisation (coalesce(parent_id, '00000000-0000-0000-0000-000000000000'), name);
ALTER TABLE tenant ADD CONSTRAINT tenant_organisation FOREIGN KEY (organisation_id) REFERENCES organisation;

-- Everyone sees the tree above (names of provinces and townships are public), and its own part below.
ALTER TABLE organisation ENABLE ROW LEVEL SECURITY;
ALTER TABLE organisation FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON organisation FOR SELECT
    USING (tenant_id = '00000000-0000-0000-0000-000000000000'
        OR tenant_id = nullif(current_setting('huzhu.tenant', true), '')::uuid);
CREATE POLICY made ON organisation FOR INSERT
    WITH CHECK (tenant_id = coalesce(nullif(current_setting('huzhu.tenant', true), ''), '00000000-0000-0000-0000-000000000000')::uuid);

-- The forbidden pairs of rules.c again, the hard ones: the three administrators are three people who see no business
-- data, and who prepares or pays does not approve.  Bit n is role n of common.proto.
CREATE FUNCTION roles_are_compatible(roles integer) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN (CASE WHEN (roles & (1 << 11)) <> 0 THEN roles = (1 << 11)
             WHEN (roles & (1 << 12)) <> 0 THEN roles = (1 << 12)
             WHEN (roles & (1 << 13)) <> 0 THEN roles = (1 << 13)
             WHEN (roles & (1 << 4)) <> 0 THEN (roles & ((1 << 2) | (1 << 3) | (1 << 5) | (1 << 6) | (1 << 7) | (1 << 8))) = 0
             ELSE true END);

CREATE TABLE account (
    tenant_id           uuid        NOT NULL,
    account_id          uuid        NOT NULL,
    login_name          text        NOT NULL CONSTRAINT account_login_name_form CHECK (login_name ~ '^[a-z0-9][a-z0-9._-]{0,62}[a-z0-9]$'),
    display_name        text        NOT NULL CONSTRAINT account_display_name_form CHECK (length(display_name) BETWEEN 1 AND 100),
    person_id           uuid,
    state               text        NOT NULL CHECK (state IN ('NEW', 'ACTIVE', 'DISABLED')),
    roles               integer     NOT NULL CONSTRAINT account_roles_compatible CHECK (roles_are_compatible(roles)),
    password_hash       text,
    must_change         boolean     NOT NULL,
    one_time_until      timestamptz, -- of a password that the platform made
    password_changed_at timestamptz,
    last_signed_in_at   timestamptz,
    created_at          timestamptz NOT NULL,
    version             bigint      NOT NULL,
    CONSTRAINT account_once PRIMARY KEY (tenant_id, account_id),
    CONSTRAINT account_login_name_once UNIQUE (tenant_id, login_name),
    CONSTRAINT account_password CHECK ((state = 'ACTIVE') = (password_hash IS NOT NULL)),
    CONSTRAINT account_password_instant CHECK ((password_hash IS NULL) = (password_changed_at IS NULL))
);
CREATE INDEX account_of_person ON account (tenant_id, person_id) WHERE person_id IS NOT NULL;
SELECT guard_tenant_or_platform('account');

CREATE TABLE password_past (
    tenant_id  uuid        NOT NULL,
    account_id uuid        NOT NULL,
    used_at    timestamptz NOT NULL,
    hash       text        NOT NULL,
    PRIMARY KEY (tenant_id, account_id, used_at),
    FOREIGN KEY (tenant_id, account_id) REFERENCES account
);
SELECT guard_tenant_or_platform('password_past');

CREATE TABLE role_grant (
    tenant_id  uuid        NOT NULL,
    account_id uuid        NOT NULL,
    role       smallint    NOT NULL CHECK (role BETWEEN 1 AND 13),
    granted_at timestamptz NOT NULL,
    granted_by uuid,       -- NULL: the command line
    PRIMARY KEY (tenant_id, account_id, role),
    FOREIGN KEY (tenant_id, account_id) REFERENCES account
);
SELECT guard_tenant_or_platform('role_grant');

-- One scope for all roles of an account: a principal carries roles and organisations apart, so anything else would give
-- each role the scope of every other.
CREATE TABLE account_scope (
    tenant_id       uuid NOT NULL,
    account_id      uuid NOT NULL,
    organisation_id uuid NOT NULL CONSTRAINT account_scope_organisation REFERENCES organisation,
    PRIMARY KEY (tenant_id, account_id, organisation_id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES account
);
SELECT guard_tenant_or_platform('account_scope');

-- Failures in a row, by login name (its SHA-256; also of names that no account has, so that an answer tells nothing).
CREATE TABLE name_guard (
    tenant_id      uuid        NOT NULL,
    name_sha256    bytea       NOT NULL CHECK (length(name_sha256) = 32),
    failures       integer     NOT NULL CHECK (failures >= 0),
    last_failed_at timestamptz NOT NULL,
    locked_until   timestamptz,
    PRIMARY KEY (tenant_id, name_sha256)
);
SELECT guard_tenant_or_platform('name_guard');

CREATE TABLE address_guard (
    address_sha256 bytea       PRIMARY KEY CHECK (length(address_sha256) = 32),
    failures       integer     NOT NULL CHECK (failures >= 0),
    last_failed_at timestamptz NOT NULL,
    locked_until   timestamptz
);
COMMENT ON TABLE address_guard IS 'no tenant: one address tries the names of many tenants';

CREATE TABLE session (
    tenant_id    uuid        NOT NULL,
    session_id   uuid        NOT NULL,
    account_id   uuid        NOT NULL,
    token_sha256 bytea       NOT NULL CHECK (length(token_sha256) = 32),
    address      text        NOT NULL CHECK (length(address) <= 64),
    started_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    ended_at     timestamptz,
    PRIMARY KEY (tenant_id, session_id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES account,
    CONSTRAINT session_order CHECK (started_at <= last_seen_at AND started_at < expires_at)
);
CREATE INDEX session_of_account ON session (tenant_id, account_id, session_id) WHERE ended_at IS NULL;
SELECT guard_tenant_or_platform('session');

CREATE TABLE api_token (
    tenant_id    uuid        NOT NULL,
    api_token_id uuid        NOT NULL,
    account_id   uuid        NOT NULL,
    label        text        NOT NULL CONSTRAINT api_token_label_form CHECK (length(label) BETWEEN 1 AND 100),
    token_sha256 bytea       NOT NULL CHECK (length(token_sha256) = 32),
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at   timestamptz,
    CONSTRAINT api_token_once PRIMARY KEY (tenant_id, api_token_id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES account
);
CREATE INDEX api_token_of_account ON api_token (tenant_id, account_id, api_token_id);
SELECT guard_tenant_or_platform('api_token');

-- Duties look over all tenants: expired throttles and sessions go, accounts that nobody used for long are named.  The
-- functions run as the owner, whom policies of its own let see what they need.
DO $do$
DECLARE
    service text := current_schema();
BEGIN
    EXECUTE format('CREATE POLICY tidy ON name_guard TO %I USING (true)', 'huzhu_' || service || '_owner');
    EXECUTE format('CREATE POLICY tidy ON session TO %I USING (true)', 'huzhu_' || service || '_owner');
    EXECUTE format('CREATE POLICY tidy ON account FOR SELECT TO %I USING (true)', 'huzhu_' || service || '_owner');
    EXECUTE format('CREATE FUNCTION tidy_up(guards_before timestamptz, sessions_before timestamptz) RETURNS bigint '
                   'LANGUAGE sql SECURITY DEFINER SET search_path = %I, pg_temp AS $f$ '
                   'WITH n AS (DELETE FROM name_guard WHERE last_failed_at < $1 RETURNING 1), '
                   'a AS (DELETE FROM address_guard WHERE last_failed_at < $1 RETURNING 1), '
                   's AS (DELETE FROM session WHERE coalesce(ended_at, expires_at) < $2 RETURNING 1) '
                   'SELECT (SELECT count(*) FROM n) + (SELECT count(*) FROM a) + (SELECT count(*) FROM s) $f$', service);
    EXECUTE 'REVOKE ALL ON FUNCTION tidy_up(timestamptz, timestamptz) FROM PUBLIC';
    EXECUTE format('GRANT EXECUTE ON FUNCTION tidy_up(timestamptz, timestamptz) TO %I', 'huzhu_' || service);
    EXECUTE format('CREATE FUNCTION accounts_unused(since timestamptz) RETURNS TABLE (tenant_id uuid, account_id uuid) '
                   'LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %I, pg_temp AS $f$ '
                   'SELECT a.tenant_id, a.account_id FROM account a WHERE a.state = ''ACTIVE'' '
                   'AND greatest(a.last_signed_in_at, a.password_changed_at) < $1 '
                   'AND a.roles NOT IN (1 << 11, 1 << 12, 1 << 13) '
                   'ORDER BY 1, 2 LIMIT 100 $f$', service);
    EXECUTE 'REVOKE ALL ON FUNCTION accounts_unused(timestamptz) FROM PUBLIC';
    EXECUTE format('GRANT EXECUTE ON FUNCTION accounts_unused(timestamptz) TO %I', 'huzhu_' || service);
END $do$;
