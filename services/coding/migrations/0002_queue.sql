-- Subsidy tables, the queue of stays to code, what was coded and how it was priced.

-- What coding knows of a programme: contributions tells it.
CREATE TABLE programme (
    tenant_id          uuid   NOT NULL,
    programme_id       uuid   NOT NULL,
    year               int    NOT NULL,
    name               text   NOT NULL,
    scheme             text   NOT NULL, -- checksum; '': that of the year
    claim_least_fen    bigint,
    claim_most_fen     bigint,
    person_most_fen    bigint,
    own_payment_limits bool   NOT NULL,
    workdays           int    NOT NULL,
    exclusions         int    NOT NULL, -- bits, 1 << Programme.Exclusion
    version            bigint NOT NULL,
    PRIMARY KEY (tenant_id, programme_id)
);
SELECT guard_tenant('programme');

CREATE TABLE subsidy_table (
    tenant_id      uuid        NOT NULL,
    table_id       uuid        NOT NULL,
    programme_id   uuid        NOT NULL,
    scheme_id      text        NOT NULL,
    scheme_name    text        NOT NULL,
    scheme_version text        NOT NULL,
    scheme         text        NOT NULL CONSTRAINT subsidy_table_scheme CHECK (scheme ~ '^[0-9a-f]{64}$'),
    state          text        NOT NULL CONSTRAINT subsidy_table_state CHECK (state IN ('DRAFT', 'CONFIRMED', 'FROZEN')),
    row_count      int         NOT NULL CONSTRAINT subsidy_table_rows CHECK (row_count BETWEEN 1 AND 4096),
    sha256         bytea       NOT NULL CHECK (length(sha256) = 32),
    created_by     uuid        NOT NULL,
    designed_by    uuid        NOT NULL,
    confirmed_by   uuid,
    frozen_by      uuid,
    created_at     timestamptz NOT NULL,
    confirmed_at   timestamptz,
    frozen_at      timestamptz,
    version        bigint      NOT NULL,
    CONSTRAINT subsidy_table_pkey PRIMARY KEY (tenant_id, table_id),
    CONSTRAINT subsidy_table_programme FOREIGN KEY (tenant_id, programme_id) REFERENCES programme,
    CONSTRAINT subsidy_table_two_people CHECK (confirmed_by <> designed_by AND confirmed_by <> created_by),
    CONSTRAINT subsidy_table_confirmed CHECK ((state = 'DRAFT') = (confirmed_by IS NULL)),
    CONSTRAINT subsidy_table_frozen CHECK ((state = 'FROZEN') = (frozen_by IS NOT NULL))
);
SELECT guard_tenant('subsidy_table');
CREATE UNIQUE INDEX subsidy_table_one_frozen ON subsidy_table (tenant_id, programme_id) WHERE state = 'FROZEN';

CREATE TABLE subsidy_row (
    tenant_id  uuid   NOT NULL,
    table_id   uuid   NOT NULL,
    place      int    NOT NULL,
    drg        text   NOT NULL,
    name       text   NOT NULL,
    amount_fen bigint NOT NULL CONSTRAINT subsidy_row_amount CHECK (amount_fen BETWEEN 0 AND 100000000),
    parent     text   NOT NULL,
    age_from   int,
    age_to     int,
    sex        int    NOT NULL,
    CONSTRAINT subsidy_row_pkey PRIMARY KEY (tenant_id, table_id, drg),
    FOREIGN KEY (tenant_id, table_id) REFERENCES subsidy_table
);
SELECT guard_tenant('subsidy_row');

-- Draft 3.3: what is frozen does not change any more, whatever the code above may try; what is confirmed may only be
-- frozen as it is.
CREATE FUNCTION keep_subsidy_table() RETURNS trigger LANGUAGE plpgsql SET search_path = coding, pg_temp AS $$
BEGIN
    IF OLD.state = 'FROZEN' OR (TG_OP = 'DELETE' AND OLD.state <> 'DRAFT') THEN
        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'subsidy_table_is_kept',
                              MESSAGE = 'a frozen subsidy table does not change';
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.state = 'CONFIRMED' AND
       (NEW.sha256, NEW.scheme, NEW.programme_id, NEW.state) IS DISTINCT FROM
       (OLD.sha256, OLD.scheme, OLD.programme_id, 'FROZEN') THEN
        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'subsidy_table_is_kept',
                              MESSAGE = 'a confirmed subsidy table can only be frozen as it is';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON subsidy_table FOR EACH ROW EXECUTE FUNCTION keep_subsidy_table();

CREATE FUNCTION keep_subsidy_row() RETURNS trigger LANGUAGE plpgsql SET search_path = coding, pg_temp AS $$
DECLARE
    touched record := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    IF NOT EXISTS (SELECT FROM subsidy_table t
                    WHERE t.tenant_id = touched.tenant_id AND t.table_id = touched.table_id AND t.state = 'DRAFT') THEN
        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'subsidy_table_is_kept',
                              MESSAGE = 'the rows of a subsidy table change in its draft alone';
    END IF;
    RETURN touched;
END $$;
CREATE TRIGGER keep BEFORE INSERT OR UPDATE OR DELETE ON subsidy_row FOR EACH ROW EXECUTE FUNCTION keep_subsidy_row();

-- Who may code (6.2.1 d).
CREATE TABLE certificate (
    tenant_id   uuid        NOT NULL,
    account_id  uuid        NOT NULL,
    number      text        NOT NULL,
    valid_from  date        NOT NULL,
    valid_until date        NOT NULL,
    recorded_by uuid        NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT certificate_pkey PRIMARY KEY (tenant_id, account_id, number),
    CONSTRAINT certificate_days CHECK (valid_from <= valid_until),
    CONSTRAINT certificate_two_people CHECK (recorded_by <> account_id)
);
SELECT guard_tenant('certificate');

-- Whose household somebody belongs to: nobody codes a stay of the own one.
CREATE TABLE household_member (
    tenant_id    uuid NOT NULL,
    person_id    uuid NOT NULL,
    household_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, person_id)
);
SELECT guard_tenant('household_member');
CREATE INDEX household_member_of ON household_member (tenant_id, household_id);

-- A stay on its way: one row for each claim.  An attempt is one coding of it; holder and lease belong to the states that
-- somebody has in hand.
CREATE TABLE job (
    tenant_id    uuid        NOT NULL,
    claim_id     uuid        NOT NULL,
    number       text        NOT NULL,
    programme_id uuid        NOT NULL,
    person_id    uuid        NOT NULL,
    household_id uuid,
    village_id   uuid        NOT NULL,
    filed_by     uuid,
    state        text        NOT NULL CONSTRAINT job_state
                 CHECK (state IN ('WAITING', 'TAKEN', 'PARKED', 'CODED', 'REVIEWING', 'PRICED', 'UNFIT', 'GONE')),
    attempt      int         NOT NULL CONSTRAINT job_attempt CHECK (attempt >= 1),
    complete_on  date        NOT NULL,
    due_on       date        NOT NULL,
    facts        bytea       NOT NULL, -- sealed
    coding_id    uuid,                 -- the newest
    holder_id    uuid,
    lease_until  timestamptz,
    returned_for text        NOT NULL,
    came_at      timestamptz NOT NULL,
    CONSTRAINT job_pkey PRIMARY KEY (tenant_id, claim_id),
    CONSTRAINT job_lease CHECK ((state IN ('TAKEN', 'REVIEWING')) = (holder_id IS NOT NULL)
                            AND (holder_id IS NULL) = (lease_until IS NULL))
);
SELECT guard_tenant('job');
CREATE INDEX job_waiting ON job (tenant_id, due_on, complete_on, claim_id) WHERE state = 'WAITING';
CREATE INDEX job_for_review ON job (tenant_id, due_on, complete_on, claim_id) WHERE state = 'CODED';
CREATE INDEX job_in_hand ON job (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX job_held ON job (tenant_id, holder_id) WHERE holder_id IS NOT NULL;
CREATE INDEX job_open ON job (tenant_id, state, due_on)
 WHERE state IN ('WAITING', 'TAKEN', 'PARKED', 'CODED', 'REVIEWING'); -- the figures: what is over is the bulk of a year
CREATE INDEX job_came_at ON job (tenant_id, came_at);
CREATE INDEX job_by_due ON job (tenant_id, due_on, claim_id);

CREATE TABLE job_document (
    tenant_id uuid NOT NULL,
    claim_id  uuid NOT NULL,
    upload_id uuid NOT NULL,
    kind      int  NOT NULL,
    place     int  NOT NULL,
    PRIMARY KEY (tenant_id, claim_id, upload_id),
    FOREIGN KEY (tenant_id, claim_id) REFERENCES job
);
SELECT guard_tenant('job_document');

-- What a coder made of a stay.  Codes and trace are sealed; group and amounts are what is published and paid.
CREATE TABLE coded_stay (
    tenant_id      uuid        NOT NULL,
    coding_id      uuid        NOT NULL,
    claim_id       uuid        NOT NULL,
    attempt        int         NOT NULL,
    programme_id   uuid        NOT NULL,
    person_id      uuid        NOT NULL,
    state          text        NOT NULL CONSTRAINT coded_stay_state
                   CHECK (state IN ('CODED', 'RETURNED', 'PRICED', 'REPLACED', 'GONE')),
    table_id       uuid        NOT NULL,
    scheme_id      text        NOT NULL,
    scheme_name    text        NOT NULL,
    scheme_version text        NOT NULL,
    scheme         text        NOT NULL,
    mdc            text        NOT NULL,
    adrg           text        NOT NULL,
    drg            text        NOT NULL,
    drg_name       text        NOT NULL,
    row_drg        text        NOT NULL, -- the row of the table that decided: drg, or one of its local sub-groups
    coded          bytea       NOT NULL, -- sealed
    trace          bytea       NOT NULL, -- sealed
    basis_sha256   bytea       NOT NULL CHECK (length(basis_sha256) = 32),
    sensitive      bool        NOT NULL,
    sensitive_by   text        NOT NULL,
    coder_id       uuid        NOT NULL,
    certificate    text        NOT NULL,
    coded_at       timestamptz NOT NULL,
    reviewer_id    uuid,
    reviewed_at    timestamptz,
    returned_for   text        NOT NULL,
    line_returned  bool        NOT NULL DEFAULT false,
    due_fen        bigint,
    payable_fen    bigint,
    decided_on     date,
    CONSTRAINT coded_stay_pkey PRIMARY KEY (tenant_id, coding_id),
    CONSTRAINT coded_stay_once UNIQUE (tenant_id, claim_id, attempt),
    CONSTRAINT coded_stay_two_people CHECK (reviewer_id <> coder_id),
    CONSTRAINT coded_stay_priced CHECK (state <> 'PRICED' OR
        (reviewer_id IS NOT NULL AND due_fen IS NOT NULL AND payable_fen IS NOT NULL AND decided_on IS NOT NULL)),
    CONSTRAINT coded_stay_within CHECK (payable_fen BETWEEN 0 AND due_fen),
    FOREIGN KEY (tenant_id, claim_id) REFERENCES job,
    FOREIGN KEY (tenant_id, table_id) REFERENCES subsidy_table
);
SELECT guard_tenant('coded_stay');
CREATE UNIQUE INDEX coded_stay_one_price ON coded_stay (tenant_id, claim_id) WHERE state = 'PRICED';
CREATE INDEX coded_stay_of_person ON coded_stay (tenant_id, programme_id, person_id) WHERE state = 'PRICED';
CREATE INDEX coded_stay_reviewed_at ON coded_stay (tenant_id, reviewed_at) WHERE payable_fen IS NOT NULL;
CREATE INDEX coded_stay_coded_at ON coded_stay (tenant_id, coded_at);

CREATE TABLE price_step (
    tenant_id  uuid   NOT NULL,
    coding_id  uuid   NOT NULL,
    place      int    NOT NULL,
    name       text   NOT NULL,
    before_fen bigint NOT NULL,
    after_fen  bigint NOT NULL,
    why        text   NOT NULL,
    PRIMARY KEY (tenant_id, coding_id, place),
    FOREIGN KEY (tenant_id, coding_id) REFERENCES coded_stay
);
SELECT guard_tenant('price_step');

-- What a person's stays were priced at in a programme.  Its row is locked before a price is made: two of one person's
-- stays approved at once would else both find the yearly limit untouched.
CREATE TABLE person_total (
    tenant_id    uuid   NOT NULL,
    programme_id uuid   NOT NULL,
    person_id    uuid   NOT NULL,
    priced_fen   bigint NOT NULL CONSTRAINT person_total_positive CHECK (priced_fen >= 0),
    PRIMARY KEY (tenant_id, programme_id, person_id)
);
SELECT guard_tenant('person_total');

CREATE TABLE unfit (
    tenant_id  uuid        NOT NULL,
    claim_id   uuid        NOT NULL,
    attempt    int         NOT NULL,
    exclusion  int         NOT NULL,
    upload_ids text        NOT NULL, -- the papers that show it, parted by blanks
    note       bytea       NOT NULL, -- sealed
    by         uuid        NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, claim_id, attempt),
    FOREIGN KEY (tenant_id, claim_id) REFERENCES job
);
SELECT guard_tenant('unfit');

-- Whose leases are over, over all tenants; the duty then works in each tenant under its own policy.
CREATE POLICY overdue ON job TO huzhu_coding_owner USING (lease_until IS NOT NULL);
CREATE FUNCTION tenants_with_leases_over(at timestamptz, most int) RETURNS SETOF uuid LANGUAGE sql SECURITY DEFINER
SET search_path = coding, pg_temp AS $$
    SELECT DISTINCT tenant_id FROM job WHERE lease_until < at LIMIT most
$$;
REVOKE ALL ON FUNCTION tenants_with_leases_over(timestamptz, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenants_with_leases_over(timestamptz, int) TO huzhu_coding;
