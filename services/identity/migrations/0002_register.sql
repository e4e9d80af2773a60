-- The register: people, households, who is in which and since when, categories; lists on their way into it; undertakings
-- of confidentiality; grants that end.  Names, ID numbers and phones are sealed with the tenant's data key; what is looked
-- for or compared has a keyed index beside it, so that the database alone tells nobody's.

CREATE TABLE person (
    tenant_id     uuid        NOT NULL,
    person_id     uuid        NOT NULL,
    id_kind       smallint    NOT NULL CHECK (id_kind BETWEEN 1 AND 6),
    id_index      bytea       NOT NULL CHECK (length(id_index) = 32),
    facts_index   bytea       NOT NULL CHECK (length(facts_index) = 32), -- of name, phone, sex, birth: same or not
    id_sealed     bytea       NOT NULL,
    name_sealed   bytea       NOT NULL,
    phone_sealed  bytea,
    sex           smallint    NOT NULL CHECK (sex IN (1, 2)),
    birth         date        NOT NULL,
    replace_id_by date,       -- a newborn's certificate stands for a number for 60 days
    died_on       date,
    void          boolean     NOT NULL DEFAULT false, -- entered in error
    recorded_at   timestamptz NOT NULL,
    CONSTRAINT person_once PRIMARY KEY (tenant_id, person_id),
    CONSTRAINT person_replace CHECK ((id_kind = 6) = (replace_id_by IS NOT NULL))
);
-- One living entry of a number in a tenant (9.3.1); the dead and the erroneous stay as they were.
CREATE UNIQUE INDEX person_id_number_once ON person (tenant_id, id_index) WHERE died_on IS NULL AND NOT void;
CREATE INDEX person_past_number ON person (tenant_id, id_index) WHERE died_on IS NOT NULL OR void;
SELECT guard_tenant('person');

CREATE TABLE household (
    tenant_id    uuid        NOT NULL,
    household_id uuid        NOT NULL,
    village_id   uuid        NOT NULL REFERENCES organisation,
    number       text        NOT NULL CONSTRAINT household_number_form CHECK (length(number) BETWEEN 1 AND 30),
    recorded_at  timestamptz NOT NULL,
    version      bigint      NOT NULL CHECK (version > 0),
    changed_by   uuid        NOT NULL, -- the import, or the request, that changed it last
    CONSTRAINT household_once PRIMARY KEY (tenant_id, household_id),
    CONSTRAINT household_number_once UNIQUE (tenant_id, village_id, number)
);
CREATE INDEX household_changed ON household (tenant_id, changed_by, household_id);
CREATE INDEX household_of_village ON household (tenant_id, village_id, household_id);
SELECT guard_tenant('household');

-- Who is or was in a household.  Rows are ended, never removed: the history is the register.
CREATE TABLE membership (
    tenant_id     uuid     NOT NULL,
    membership_id bigint   NOT NULL GENERATED ALWAYS AS IDENTITY,
    household_id  uuid     NOT NULL,
    person_id     uuid     NOT NULL,
    head          boolean  NOT NULL,
    relation      smallint NOT NULL,
    grounds       smallint NOT NULL CHECK (grounds BETWEEN 0 AND 14), -- bits 1 to 3 of HouseholdMember.Ground
    entry         smallint NOT NULL CHECK (entry BETWEEN 1 AND 5),
    from_on       date     NOT NULL,
    leaving       smallint CHECK (leaving BETWEEN 1 AND 4),
    until_on      date,
    evidence_id   uuid,
    PRIMARY KEY (tenant_id, membership_id),
    FOREIGN KEY (tenant_id, household_id) REFERENCES household,
    FOREIGN KEY (tenant_id, person_id) REFERENCES person,
    CONSTRAINT membership_ended CHECK ((leaving IS NULL) = (until_on IS NULL)),
    CONSTRAINT membership_order CHECK (until_on >= from_on)
);
CREATE UNIQUE INDEX membership_one_at_a_time ON membership (tenant_id, person_id) WHERE until_on IS NULL;
CREATE UNIQUE INDEX membership_one_head ON membership (tenant_id, household_id) WHERE head AND until_on IS NULL;
CREATE INDEX membership_of_household ON membership (tenant_id, household_id);
CREATE INDEX membership_past_of_person ON membership (tenant_id, person_id) WHERE until_on IS NOT NULL;
SELECT guard_tenant('membership');

CREATE TABLE person_category (
    tenant_id uuid     NOT NULL,
    person_id uuid     NOT NULL,
    category  smallint NOT NULL,
    from_on   date     NOT NULL,
    until_on  date,
    PRIMARY KEY (tenant_id, person_id, category, from_on),
    FOREIGN KEY (tenant_id, person_id) REFERENCES person,
    CONSTRAINT person_category_order CHECK (until_on >= from_on)
);
CREATE UNIQUE INDEX person_category_once ON person_category (tenant_id, person_id, category) WHERE until_on IS NULL;
SELECT guard_tenant('person_category');

-- --- lists on their way ---

CREATE TABLE register_import (
    tenant_id      uuid        NOT NULL,
    import_id      uuid        NOT NULL,
    account_id     uuid        NOT NULL, -- who sends it
    person_id      uuid,                 -- the person behind that account
    kind           smallint    CHECK (kind IN (1, 2)),
    state          text        NOT NULL CHECK (state IN ('RECEIVING', 'CHECKING', 'CHECKED', 'APPROVED', 'APPLYING', 'APPLIED', 'REJECTED')),
    size           bigint      NOT NULL CONSTRAINT register_import_size CHECK (size BETWEEN 0 AND 67108864),
    sha256         bytea       CHECK (length(sha256) = 32),
    scope          uuid[]      NOT NULL DEFAULT '{}', -- of who asked for the check
    category       smallint,
    as_of          date,
    rows_checked   integer     NOT NULL DEFAULT 0,
    faults         integer     NOT NULL DEFAULT 0,
    new_people     integer     NOT NULL DEFAULT 0,
    changed_people integer     NOT NULL DEFAULT 0,
    new_households integer     NOT NULL DEFAULT 0,
    joined         integer     NOT NULL DEFAULT 0,
    left_          integer     NOT NULL DEFAULT 0,
    categories     integer     NOT NULL DEFAULT 0,
    started_at     timestamptz NOT NULL,
    checked_at     timestamptz,
    decided_by     uuid,
    decided_at     timestamptz,
    why            text        NOT NULL DEFAULT '',
    applied_at     timestamptz,
    staged         boolean     NOT NULL DEFAULT false, -- rows of import_row are there
    version        bigint      NOT NULL DEFAULT 1,
    CONSTRAINT register_import_once PRIMARY KEY (tenant_id, import_id),
    CONSTRAINT register_import_two_persons CHECK (state NOT IN ('APPROVED', 'APPLYING', 'APPLIED') OR decided_by <> account_id),
    CONSTRAINT register_import_clean CHECK (state NOT IN ('APPROVED', 'APPLYING', 'APPLIED') OR faults = 0)
);
SELECT guard_tenant('register_import');
CREATE INDEX register_import_work ON register_import (state) WHERE state IN ('CHECKING', 'APPROVED', 'APPLYING') OR staged;

CREATE TABLE import_piece (
    tenant_id uuid   NOT NULL,
    import_id uuid   NOT NULL,
    start     bigint NOT NULL CHECK (start >= 0),
    size      int    NOT NULL CHECK (size BETWEEN 1 AND 262144),
    sealed    bytea  NOT NULL,
    PRIMARY KEY (tenant_id, import_id, start),
    FOREIGN KEY (tenant_id, import_id) REFERENCES register_import
);
ALTER TABLE import_piece ALTER COLUMN sealed SET STORAGE EXTERNAL; -- sealed bytes do not compress
SELECT guard_tenant('import_piece');

-- The rows of a list in the register's own form; they are there from the check until a decision has been carried out.
CREATE TABLE import_row (
    tenant_id     uuid     NOT NULL,
    import_id     uuid     NOT NULL,
    row_no        integer  NOT NULL,
    village_id    uuid     NOT NULL,
    number        text     NOT NULL,
    new_household uuid     NOT NULL, -- the id to give, should it be new
    new_person    uuid     NOT NULL,
    head          boolean  NOT NULL,
    relation      smallint NOT NULL,
    id_kind       smallint NOT NULL,
    id_index      bytea    NOT NULL,
    facts_index   bytea    NOT NULL,
    id_sealed     bytea    NOT NULL,
    name_sealed   bytea    NOT NULL,
    phone_sealed  bytea,
    sex           smallint NOT NULL,
    birth         date     NOT NULL,
    categories    integer  NOT NULL, -- bit n: category n
    grounds       smallint NOT NULL,
    entry         smallint NOT NULL, -- 0: it leaves
    leaving       smallint NOT NULL, -- 0: it comes or stays
    happened_on   date,
    PRIMARY KEY (tenant_id, import_id, row_no)
);
SELECT guard_tenant('import_row');

-- What each row does to the register as it now is; made by the check for the report, and anew in the transaction that does it.
CREATE TABLE import_step (
    tenant_id     uuid     NOT NULL,
    import_id     uuid     NOT NULL,
    row_no        integer  NOT NULL,
    person_id     uuid     NOT NULL,
    household_id  uuid     NOT NULL,
    new_person    boolean  NOT NULL,
    new_household boolean  NOT NULL,
    facts_changed boolean  NOT NULL,
    -- nothing, begin, amend, end, move in from another household, an end that is already recorded, an end of nothing
    move          smallint NOT NULL CHECK (move BETWEEN 0 AND 6),
    membership_id bigint,  -- the present one, if any
    old_household uuid,    -- of it
    PRIMARY KEY (tenant_id, import_id, row_no)
);
SELECT guard_tenant('import_step');
CREATE INDEX import_step_household ON import_step (tenant_id, import_id, household_id);

-- The numbers of a category's list.
CREATE TABLE import_listed (
    tenant_id uuid    NOT NULL,
    import_id uuid    NOT NULL,
    row_no    integer NOT NULL,
    id_index  bytea   NOT NULL,
    PRIMARY KEY (tenant_id, import_id, row_no)
);
SELECT guard_tenant('import_listed');

CREATE TABLE import_fault (
    tenant_id   uuid     NOT NULL,
    import_id   uuid     NOT NULL,
    row_no      integer  NOT NULL,
    column_no   smallint NOT NULL, -- 0: the row as a whole
    value_class text     NOT NULL CHECK (length(value_class) <= 24),
    code        text     NOT NULL,
    PRIMARY KEY (tenant_id, import_id, row_no, column_no, code),
    FOREIGN KEY (tenant_id, import_id) REFERENCES register_import
);
SELECT guard_tenant('import_fault');

-- --- confidentiality, and grants that end ---

CREATE TABLE nda (
    tenant_id   uuid        NOT NULL,
    nda_id      uuid        NOT NULL,
    account_id  uuid        NOT NULL,
    signed_on   date        NOT NULL,
    expires_on  date        NOT NULL,
    upload_id   uuid,
    recorded_by uuid        NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT nda_once PRIMARY KEY (tenant_id, nda_id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES account,
    CONSTRAINT nda_order CHECK (expires_on >= signed_on),
    CONSTRAINT nda_two_persons CHECK (recorded_by <> account_id)
);
CREATE INDEX nda_of_account ON nda (tenant_id, account_id, nda_id);
SELECT guard_tenant('nda');

ALTER TABLE role_grant ADD COLUMN until timestamptz;

-- What others were last told of a tenant (TenantDescribed); 0: nothing yet.
CREATE TABLE described (
    tenant_id uuid  NOT NULL PRIMARY KEY,
    digest    bytea NOT NULL
);
SELECT guard_tenant('described');

-- Duties look for work over all tenants; the functions run as the owner, whom policies of its own let see what they need.
DO $do$
DECLARE
    service text := current_schema();
    owner   text := 'huzhu_' || current_schema() || '_owner';
BEGIN
    EXECUTE format('CREATE POLICY work ON register_import FOR SELECT TO %I USING (true)', owner);
    EXECUTE format('CREATE FUNCTION import_work() RETURNS TABLE (tenant_id uuid, import_id uuid, state text) '
                   'LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %I, pg_temp AS $f$ '
                   'SELECT i.tenant_id, i.import_id, i.state FROM register_import i '
                   'WHERE i.state IN (''CHECKING'', ''APPROVED'', ''APPLYING'') OR (i.staged AND i.state IN (''APPLIED'', ''REJECTED'')) '
                   'ORDER BY i.state = ''CHECKING'' AND i.staged, i.started_at, i.import_id LIMIT 1 $f$', service);
    EXECUTE 'REVOKE ALL ON FUNCTION import_work() FROM PUBLIC';
    EXECUTE format('GRANT EXECUTE ON FUNCTION import_work() TO %I', 'huzhu_' || service);

    -- Fresh statistics for the plans of the next statements: a list arrives at once.
    EXECUTE format('CREATE FUNCTION import_analyze(what text) RETURNS void '
                   'LANGUAGE plpgsql SECURITY DEFINER SET search_path = %I, pg_temp AS $f$ '
                   'BEGIN IF $1 = ''rows'' THEN ANALYZE import_row; ELSIF $1 = ''steps'' THEN ANALYZE import_step; '
                   'ELSE ANALYZE person; ANALYZE household; ANALYZE membership; END IF; END $f$', service);
    EXECUTE 'REVOKE ALL ON FUNCTION import_analyze(text) FROM PUBLIC';
    EXECUTE format('GRANT EXECUTE ON FUNCTION import_analyze(text) TO %I', 'huzhu_' || service);

    EXECUTE format('CREATE POLICY work ON role_grant FOR SELECT TO %I USING (true)', owner);
    EXECUTE format('CREATE FUNCTION grants_over(now timestamptz) RETURNS TABLE (tenant_id uuid, account_id uuid, role integer) '
                   'LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %I, pg_temp AS $f$ '
                   'SELECT g.tenant_id, g.account_id, g.role::int FROM role_grant g WHERE g.until <= $1 ORDER BY 1, 2, 3 LIMIT 100 $f$', service);
    EXECUTE 'REVOKE ALL ON FUNCTION grants_over(timestamptz) FROM PUBLIC';
    EXECUTE format('GRANT EXECUTE ON FUNCTION grants_over(timestamptz) TO %I', 'huzhu_' || service);

    -- The tenants whose name or villages are not as others were last told.
    EXECUTE format('CREATE POLICY work ON organisation FOR SELECT TO %I USING (true)', owner);
    EXECUTE format('CREATE POLICY work ON described FOR SELECT TO %I USING (true)', owner);
    EXECUTE format('CREATE FUNCTION tenants_to_describe() RETURNS TABLE (tenant_id uuid, digest bytea) '
                   'LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %I, pg_temp AS $f$ '
                   'SELECT n.tenant_id, n.digest FROM (SELECT t.tenant_id, sha256(convert_to(concat_ws(''|'', t.code, t.name, '
                   '  (SELECT string_agg(concat_ws('','', o.organisation_id, o.division_code, o.name), '';'' ORDER BY o.organisation_id) '
                   '     FROM organisation o WHERE o.level = 5 AND (o.organisation_id = t.organisation_id OR o.tenant_id = t.tenant_id))), ''UTF8'')) AS digest '
                   'FROM tenant t) n LEFT JOIN described d USING (tenant_id) '
                   'WHERE d.digest IS DISTINCT FROM n.digest ORDER BY 1 LIMIT 20 $f$', service);
    EXECUTE 'REVOKE ALL ON FUNCTION tenants_to_describe() FROM PUBLIC';
    EXECUTE format('GRANT EXECUTE ON FUNCTION tenants_to_describe() TO %I', 'huzhu_' || service);
END $do$;
