-- What disclosure knows of others (told by their events), the pages that are published of it, reports, notices and
-- complaints.

-- --- what others told ---

CREATE TABLE profile (
    tenant_id       uuid NOT NULL PRIMARY KEY,
    code            text NOT NULL,
    name            text NOT NULL,
    organisation_id uuid
);
SELECT guard_tenant('profile');

CREATE TABLE village (
    tenant_id  uuid NOT NULL,
    village_id uuid NOT NULL,
    name       text NOT NULL,
    PRIMARY KEY (tenant_id, village_id)
);
SELECT guard_tenant('village');

CREATE TABLE household (
    tenant_id    uuid   NOT NULL,
    household_id uuid   NOT NULL,
    village_id   uuid   NOT NULL,
    version      bigint NOT NULL,
    PRIMARY KEY (tenant_id, household_id)
);
SELECT guard_tenant('household');

CREATE TABLE person (
    tenant_id    uuid  NOT NULL,
    person_id    uuid  NOT NULL,
    household_id uuid  NOT NULL,
    left_on      date,
    sealed       bytea NOT NULL, -- a SealedPerson
    -- A keyed hash of the name as the open web may see it, and the sex: how many people could be meant by it is counted
    -- without opening anybody's name.
    mask_index   bytea NOT NULL CHECK (length(mask_index) = 32),
    PRIMARY KEY (tenant_id, person_id)
);
CREATE INDEX person_of_household ON person (tenant_id, household_id);
CREATE INDEX person_of_mask ON person (tenant_id, mask_index);
SELECT guard_tenant('person');

CREATE TABLE programme (
    tenant_id    uuid     NOT NULL,
    programme_id uuid     NOT NULL,
    prior_id     uuid,
    year         integer  NOT NULL,
    state        smallint NOT NULL,
    starts_on    date     NOT NULL,
    ends_on      date     NOT NULL,
    version      bigint   NOT NULL,
    body         bytea    NOT NULL, -- the Programme as it was told
    PRIMARY KEY (tenant_id, programme_id)
);
SELECT guard_tenant('programme');

CREATE TABLE threshold (
    tenant_id     uuid     NOT NULL,
    programme_id  uuid     NOT NULL,
    insurance     smallint NOT NULL,
    on_total_cost boolean  NOT NULL,
    at_least      bigint   NOT NULL,
    PRIMARY KEY (tenant_id, programme_id, insurance)
);
SELECT guard_tenant('threshold');

CREATE TABLE member (
    tenant_id    uuid    NOT NULL,
    programme_id uuid    NOT NULL,
    person_id    uuid    NOT NULL,
    household_id uuid    NOT NULL,
    village_id   uuid    NOT NULL,
    in_force     boolean NOT NULL,
    consent      boolean NOT NULL,
    PRIMARY KEY (tenant_id, programme_id, person_id)
);
CREATE INDEX member_of_household ON member (tenant_id, programme_id, household_id);
SELECT guard_tenant('member');

CREATE TABLE transfer (
    tenant_id    uuid     NOT NULL,
    transfer_id  uuid     NOT NULL,
    programme_id uuid     NOT NULL,
    state        smallint NOT NULL CHECK (state BETWEEN 1 AND 3), -- 1 pending, 2 posted, 3 voided
    debit        text     NOT NULL,
    credit       text     NOT NULL,
    amount       bigint   NOT NULL CHECK (amount >= 0),
    day          date     NOT NULL,
    village_id   uuid,
    subject_id   uuid,
    person_id    uuid,
    why          text     NOT NULL,
    people       integer  NOT NULL,
    source       smallint NOT NULL,
    PRIMARY KEY (tenant_id, transfer_id)
);
CREATE INDEX transfer_of_programme ON transfer (tenant_id, programme_id, why, day);
CREATE INDEX transfer_of_subject ON transfer (tenant_id, subject_id);
SELECT guard_tenant('transfer');

CREATE TABLE participation (
    tenant_id    uuid    NOT NULL,
    programme_id uuid    NOT NULL,
    people       bigint  NOT NULL,
    people_whole bigint  NOT NULL,
    people_share integer NOT NULL, -- of ten thousand
    body         bytea   NOT NULL,
    PRIMARY KEY (tenant_id, programme_id)
);
SELECT guard_tenant('participation');

CREATE TABLE year_close (
    tenant_id    uuid   NOT NULL,
    programme_id uuid   NOT NULL,
    next_id      uuid,
    carried_over bigint NOT NULL,
    closed_on    date   NOT NULL,
    PRIMARY KEY (tenant_id, programme_id)
);
SELECT guard_tenant('year_close');

CREATE TABLE refund (
    tenant_id    uuid     NOT NULL,
    refund_id    uuid     NOT NULL,
    programme_id uuid     NOT NULL,
    person_id    uuid,
    amount       bigint   NOT NULL,
    route        smallint, -- NULL: confirmed before it was heard that it was ordered
    confirmed_on date,
    PRIMARY KEY (tenant_id, refund_id)
);
SELECT guard_tenant('refund');

-- A claim as three services tell of it, in no common order: what is not known yet is NULL.
CREATE TABLE claim (
    tenant_id    uuid    NOT NULL,
    claim_id     uuid    NOT NULL,
    programme_id uuid,
    person_id    uuid,
    village_id   uuid,
    number       text,
    filed_by     uuid,
    level        smallint, -- of the hospital: 1, 2, 3; 0 unknown
    insurance    smallint,
    sex          smallint,
    total_cost   bigint,
    own_payment  bigint,
    telling      boolean, -- the hospital's name gives the illness away
    sealed       bytea,   -- a SealedClaim
    refused      boolean NOT NULL DEFAULT false,
    drg          text,
    drg_name     text,
    adrg         text,
    mdc          text,
    due          bigint,
    payable      bigint,
    sensitive    boolean,
    sensitive_by text,
    capped       boolean, -- by the person's yearly limit: the paid amount would tell the year's sum
    coder_id     uuid,
    reviewer_id  uuid,
    decided_on   date,
    paid         bigint,
    paid_on      date,
    PRIMARY KEY (tenant_id, claim_id)
);
CREATE INDEX claim_of_month ON claim (tenant_id, programme_id, paid_on);
SELECT guard_tenant('claim');

CREATE TABLE subsidy_table (
    tenant_id    uuid        NOT NULL,
    table_id     uuid        NOT NULL,
    programme_id uuid        NOT NULL,
    frozen_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, table_id)
);
SELECT guard_tenant('subsidy_table');

CREATE TABLE subsidy_row (
    tenant_id uuid    NOT NULL,
    table_id  uuid    NOT NULL,
    n         integer NOT NULL,
    drg       text    NOT NULL,
    name      text    NOT NULL,
    amount    bigint  NOT NULL,
    parent    text    NOT NULL,
    who       text    NOT NULL,
    PRIMARY KEY (tenant_id, table_id, n)
);
SELECT guard_tenant('subsidy_row');

CREATE TABLE staff (
    tenant_id  uuid     NOT NULL,
    account_id uuid     NOT NULL,
    role       smallint NOT NULL,
    PRIMARY KEY (tenant_id, account_id, role)
);
SELECT guard_tenant('staff');

-- --- pages ---

CREATE TABLE publication (
    tenant_id      uuid        NOT NULL,
    publication_id uuid        NOT NULL,
    programme_id   uuid        NOT NULL,
    village_id     uuid        NOT NULL, -- nil: the whole township
    kind           smallint    NOT NULL CHECK (kind BETWEEN 1 AND 7),
    period         text        NOT NULL,
    version        integer     NOT NULL CHECK (version > 0),
    state          text        NOT NULL CHECK (state IN ('DRAFT', 'PUBLISHED', 'REPLACED', 'TAKEN_DOWN')),
    title          text        NOT NULL,
    columns        text        NOT NULL, -- tab-separated
    lines          integer     NOT NULL,
    people         integer     NOT NULL, -- payments or people that the lines stand for
    total          bigint,
    root           bytea       NOT NULL CHECK (length(root) = 32),
    page           bytea       NOT NULL,
    page_sha256    bytea       NOT NULL CHECK (length(page_sha256) = 32),
    sensitive_by   text        NOT NULL,
    prepared_by    uuid,
    prepared_at    timestamptz NOT NULL,
    approved_by    uuid,
    published_at   timestamptz,
    take_down_on   date,
    taken_down_at  timestamptz,
    reason         text        NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, publication_id),
    CONSTRAINT publication_version UNIQUE (tenant_id, programme_id, kind, village_id, period, version),
    CHECK (prepared_by IS NULL OR approved_by IS NULL OR prepared_by <> approved_by),
    CHECK (state = 'DRAFT' OR published_at IS NOT NULL)
);
SELECT guard_tenant('publication');

CREATE TABLE publication_line (
    tenant_id      uuid    NOT NULL,
    publication_id uuid    NOT NULL,
    n              integer NOT NULL CHECK (n > 0),
    text           text    NOT NULL, -- the canonical bytes
    PRIMARY KEY (tenant_id, publication_id, n),
    FOREIGN KEY (tenant_id, publication_id) REFERENCES publication ON DELETE CASCADE
);
SELECT guard_tenant('publication_line');

-- In which group of its page each claim stands: '' of its own line, '*' of the combined line, else the group's key.
CREATE TABLE publication_claim (
    tenant_id      uuid NOT NULL,
    publication_id uuid NOT NULL,
    claim_id       uuid NOT NULL,
    person_id      uuid NOT NULL,
    cell           text NOT NULL,
    PRIMARY KEY (tenant_id, publication_id, claim_id),
    FOREIGN KEY (tenant_id, publication_id) REFERENCES publication ON DELETE CASCADE
);
SELECT guard_tenant('publication_claim');

-- A paid claim is disclosed on the pages of one place and period alone, so that no two pages can be subtracted.
CREATE TABLE disclosed (
    tenant_id    uuid NOT NULL,
    claim_id     uuid NOT NULL,
    programme_id uuid NOT NULL,
    village_id   uuid NOT NULL,
    period       text NOT NULL,
    CONSTRAINT disclosed_once PRIMARY KEY (tenant_id, claim_id)
);
SELECT guard_tenant('disclosed');

-- --- reports ---

CREATE TABLE report (
    tenant_id    uuid        NOT NULL,
    report_id    uuid        NOT NULL,
    programme_id uuid        NOT NULL,
    year         integer     NOT NULL,
    state        text        NOT NULL CHECK (state IN ('PREPARED', 'SIGNED')),
    figures      bytea       NOT NULL, -- a Report with its figures alone
    page         bytea       NOT NULL,
    book         bytea       NOT NULL, -- the workbook
    sha256       bytea       NOT NULL CHECK (length(sha256) = 32),
    prepared_by  uuid        NOT NULL,
    prepared_at  timestamptz NOT NULL,
    signed_by    uuid,
    signed_at    timestamptz,
    due_on       date        NOT NULL,
    PRIMARY KEY (tenant_id, report_id),
    CONSTRAINT report_once UNIQUE (tenant_id, programme_id),
    CHECK (signed_by IS NULL OR signed_by <> prepared_by)
);
SELECT guard_tenant('report');

CREATE TABLE alert (
    tenant_id  uuid        NOT NULL,
    what       text        NOT NULL,
    subject_id uuid        NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, what, subject_id)
);
SELECT guard_tenant('alert');

-- --- notices ---

CREATE TABLE notice (
    tenant_id uuid        NOT NULL,
    notice_id uuid        NOT NULL,
    person_id uuid        NOT NULL,
    kind      text        NOT NULL,
    detail    text        NOT NULL, -- an amount, a clause: never an illness
    claim_id  uuid,
    at        timestamptz NOT NULL,
    read_at   timestamptz,
    PRIMARY KEY (tenant_id, notice_id)
);
CREATE INDEX notice_of_person ON notice (tenant_id, person_id, notice_id);
SELECT guard_tenant('notice');

-- --- complaints ---

CREATE TABLE complaint_number (
    tenant_id uuid    NOT NULL,
    day       date    NOT NULL,
    last      integer NOT NULL CHECK (last > 0),
    PRIMARY KEY (tenant_id, day)
);
SELECT guard_tenant('complaint_number');

CREATE TABLE complaint (
    tenant_id      uuid        NOT NULL,
    complaint_id   uuid        NOT NULL,
    number         text        NOT NULL,
    state          text        NOT NULL CHECK (state IN ('FILED', 'ACCEPTED', 'ANSWERED', 'TRANSFERRED')),
    category       smallint    NOT NULL CHECK (category BETWEEN 1 AND 10),
    severity       smallint    NOT NULL CHECK (severity BETWEEN 1 AND 2),
    channel        smallint    NOT NULL CHECK (channel BETWEEN 1 AND 5),
    village_id     uuid,
    claim_id       uuid,
    publication_id uuid,
    about_id       uuid,
    person_id      uuid, -- of a member who filed it
    account_id     uuid, -- who filed it or typed it in; NULL: nobody had signed in
    owner_id       uuid        NOT NULL,
    received_on    date        NOT NULL,
    accept_by      date        NOT NULL,
    reply_by       date        NOT NULL,
    provisional    boolean     NOT NULL,
    extended       boolean     NOT NULL DEFAULT false,
    code_hash      text,       -- argon2; NULL: no pick-up code
    wrong_codes    integer     NOT NULL DEFAULT 0,
    outcome        smallint    NOT NULL DEFAULT 0,
    sealed         bytea       NOT NULL, -- a SealedComplaint
    answer         bytea,      -- sealed
    filed_at       timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, complaint_id),
    CONSTRAINT complaint_number_once UNIQUE (tenant_id, number),
    CONSTRAINT complaint_owner_is_another CHECK (owner_id <> about_id)
);
SELECT guard_tenant('complaint');

CREATE TABLE complaint_step (
    tenant_id    uuid        NOT NULL,
    complaint_id uuid        NOT NULL,
    step         integer     NOT NULL CHECK (step > 0),
    what         text        NOT NULL,
    account_id   uuid,
    at           timestamptz NOT NULL,
    note         bytea,      -- sealed
    PRIMARY KEY (tenant_id, complaint_id, step),
    FOREIGN KEY (tenant_id, complaint_id) REFERENCES complaint
);
SELECT guard_tenant('complaint_step');

-- The duties look over all tenants.
CREATE POLICY duty ON programme TO huzhu_disclosure_owner USING (true);
CREATE FUNCTION tenants_with_programmes() RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = disclosure, pg_temp AS $$
    SELECT DISTINCT tenant_id FROM programme
$$;
REVOKE ALL ON FUNCTION tenants_with_programmes() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenants_with_programmes() TO huzhu_disclosure;
