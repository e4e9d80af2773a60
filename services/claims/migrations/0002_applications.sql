-- Applications: what claims knows of people, programmes and members (told by others' events), claims with their papers,
-- their steps and the runs of the five-working-day clock.

-- What is stored of a finished document is smaller than what was sent: metadata is taken out.  `sent` is then how many
-- bytes came; before that, and of documents that lost nothing, it is NULL and `size` says it.
ALTER TABLE upload ADD COLUMN sent bigint CONSTRAINT upload_sent_bounds CHECK (sent BETWEEN size AND 20971520);
ALTER TABLE upload ADD COLUMN orientation smallint NOT NULL DEFAULT 0 CHECK (orientation BETWEEN 0 AND 8);

-- The digest of each piece as it was sent, so that a repeat is known after the stored bytes have changed.
CREATE TABLE upload_sent (
    tenant_id uuid   NOT NULL,
    upload_id uuid   NOT NULL,
    start     bigint NOT NULL CHECK (start >= 0),
    size      int    NOT NULL CHECK (size BETWEEN 1 AND 262144),
    sha256    bytea  NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (upload_id, start, tenant_id),
    FOREIGN KEY (tenant_id, upload_id) REFERENCES upload ON DELETE CASCADE
);
SELECT guard_tenant('upload_sent');
CREATE POLICY purge ON upload_sent TO huzhu_claims_owner USING (true);

-- --- what others told ---

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
    household_id uuid  NOT NULL, -- the present one, or the last
    left_on      date,           -- NULL: a member of it now
    sealed       bytea NOT NULL, -- a SealedPerson
    PRIMARY KEY (tenant_id, person_id)
);
CREATE INDEX person_of_household ON person (tenant_id, household_id);
SELECT guard_tenant('person');

CREATE TABLE programme (
    tenant_id    uuid     NOT NULL,
    programme_id uuid     NOT NULL,
    state        smallint NOT NULL,
    village_id   uuid,     -- of a programme by village
    starts_on    date     NOT NULL,
    ends_on      date     NOT NULL,
    version      bigint   NOT NULL,
    body         bytea    NOT NULL, -- the Programme as it was told
    PRIMARY KEY (tenant_id, programme_id)
);
SELECT guard_tenant('programme');

CREATE TABLE member (
    tenant_id     uuid    NOT NULL,
    programme_id  uuid    NOT NULL,
    person_id     uuid    NOT NULL,
    household_id  uuid    NOT NULL,
    in_force      boolean NOT NULL,
    protected_from date   NOT NULL,
    PRIMARY KEY (tenant_id, programme_id, person_id)
);
CREATE INDEX member_of_household ON member (tenant_id, programme_id, household_id);
SELECT guard_tenant('member');

-- Which coder holds which claim's job: the door to its papers.
CREATE TABLE job (
    tenant_id  uuid        NOT NULL,
    claim_id   uuid        NOT NULL,
    account_id uuid        NOT NULL,
    until      timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, claim_id, account_id)
);
SELECT guard_tenant('job');

-- --- claims ---

CREATE TABLE claim_number (
    tenant_id uuid    NOT NULL,
    year      integer NOT NULL,
    last      integer NOT NULL CHECK (last > 0),
    PRIMARY KEY (tenant_id, year)
);
SELECT guard_tenant('claim_number');

CREATE TABLE claim (
    tenant_id      uuid        NOT NULL,
    claim_id       uuid        NOT NULL,
    number         text        CONSTRAINT claim_number_form CHECK (number ~ '^[0-9]{4}-[0-9]{6,}$'),
    state          text        NOT NULL CHECK (state IN ('DRAFT', 'ACCEPTED', 'PAPERS_REQUESTED', 'DECIDED', 'LISTED', 'PAID',
                                                         'PAYMENT_FAILED', 'REFUSED', 'WITHDRAWN', 'UNPAID')),
    programme_id   uuid,
    person_id      uuid        NOT NULL,
    household_id   uuid        NOT NULL,
    village_id     uuid        NOT NULL,
    filed_by       uuid        NOT NULL,
    by_agent       boolean     NOT NULL,
    filed_at       timestamptz NOT NULL,
    admitted       date        NOT NULL,
    discharged     date        NOT NULL,
    hospital       text        NOT NULL CHECK (length(hospital) BETWEEN 1 AND 100),
    hospital_code  text        NOT NULL,
    hospital_level text        NOT NULL,
    insurance      smallint    NOT NULL CHECK (insurance BETWEEN 1 AND 4),
    outpatient     boolean     NOT NULL,
    total_cost     bigint      NOT NULL CHECK (total_cost > 0),
    basic_paid     bigint      NOT NULL CHECK (basic_paid >= 0),
    own_payment    bigint      NOT NULL CHECK (own_payment >= 0),
    purpose        smallint    NOT NULL CHECK (purpose BETWEEN 1 AND 4),
    cause          smallint    NOT NULL CHECK (cause BETWEEN 0 AND 5), -- 0: no injury
    relation       smallint    NOT NULL CHECK (relation BETWEEN 1 AND 4),
    sealed         bytea       NOT NULL, -- a SealedClaim: payee, card, bank, words
    card_index     bytea       NOT NULL CHECK (length(card_index) = 32),
    card_unsure    boolean     NOT NULL, -- it fails Luhn and was typed twice
    round          integer     NOT NULL DEFAULT 0,
    asked          integer     NOT NULL DEFAULT 0, -- kinds of papers asked for, bits 1 << kind
    asked_note     bytea,      -- sealed
    reason         text        NOT NULL DEFAULT '',
    requirement    text        NOT NULL DEFAULT '',
    words          text        NOT NULL DEFAULT '',
    payable        bigint      CHECK (payable >= 0),
    decided_on     date,
    paid_on        date,
    version        bigint      NOT NULL,
    CONSTRAINT claim_once PRIMARY KEY (tenant_id, claim_id),
    CONSTRAINT claim_stay_order CHECK (admitted <= discharged),
    CONSTRAINT claim_costs CHECK (basic_paid + own_payment <= total_cost),
    CONSTRAINT claim_numbered CHECK ((number IS NULL) = (state = 'DRAFT' OR state = 'WITHDRAWN' AND round = 0)),
    CONSTRAINT claim_refused_why CHECK ((state = 'REFUSED') = (reason <> ''))
);
CREATE UNIQUE INDEX claim_number_once ON claim (tenant_id, number) WHERE number IS NOT NULL;
-- The rule asks for overlapping stays; this holds even if it did not.
CREATE UNIQUE INDEX claim_stay_once ON claim (tenant_id, person_id, admitted, hospital)
    WHERE state NOT IN ('DRAFT', 'REFUSED', 'WITHDRAWN');
CREATE INDEX claim_of_person ON claim (tenant_id, person_id);
CREATE INDEX claim_of_household ON claim (tenant_id, household_id, claim_id);
CREATE INDEX claim_of_village ON claim (tenant_id, village_id, claim_id);
CREATE INDEX claim_in_state ON claim (tenant_id, state, claim_id);
CREATE INDEX claim_of_filer ON claim (tenant_id, filed_by, claim_id);
CREATE INDEX claim_by_card ON claim (tenant_id, card_index);
SELECT guard_tenant('claim');

CREATE TABLE claim_paper (
    tenant_id   uuid        NOT NULL,
    claim_id    uuid        NOT NULL,
    upload_id   uuid        NOT NULL,
    kind        smallint    NOT NULL CHECK (kind BETWEEN 1 AND 6),
    round       integer     NOT NULL, -- attached before this run of the clock began
    attached_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, claim_id, upload_id),
    CONSTRAINT claim_paper_once UNIQUE (tenant_id, upload_id),
    FOREIGN KEY (tenant_id, claim_id) REFERENCES claim,
    CONSTRAINT claim_paper_upload FOREIGN KEY (tenant_id, upload_id) REFERENCES upload
);
SELECT guard_tenant('claim_paper');

-- Every step; append-only for the service.
CREATE TABLE claim_step (
    tenant_id  uuid        NOT NULL,
    claim_id   uuid        NOT NULL,
    step       integer     NOT NULL CHECK (step > 0),
    what       text        NOT NULL,
    from_state text        NOT NULL,
    to_state   text        NOT NULL,
    account_id uuid,
    caused_by  text        NOT NULL,
    at         timestamptz NOT NULL,
    words      text        NOT NULL,
    PRIMARY KEY (tenant_id, claim_id, step),
    FOREIGN KEY (tenant_id, claim_id) REFERENCES claim
);
SELECT guard_tenant('claim_step');
REVOKE UPDATE, DELETE ON claim_step FROM huzhu_claims;

-- The runs of the clock; it runs while paused_on, decided_on and closed_on are NULL.
CREATE TABLE claim_round (
    tenant_id   uuid    NOT NULL,
    claim_id    uuid    NOT NULL,
    round       integer NOT NULL CHECK (round > 0),
    complete_on date    NOT NULL,
    due_on      date    NOT NULL CHECK (due_on > complete_on),
    provisional boolean NOT NULL,
    workdays    integer NOT NULL CHECK (workdays > 0), -- the programme's, when it began
    paused_on   date,
    decided_on  date,
    closed_on   date,    -- withdrawn, or refused for an exclusion
    PRIMARY KEY (tenant_id, claim_id, round),
    FOREIGN KEY (tenant_id, claim_id) REFERENCES claim
);
CREATE INDEX claim_round_due ON claim_round (tenant_id, due_on, claim_id)
    WHERE paused_on IS NULL AND decided_on IS NULL AND closed_on IS NULL;
CREATE INDEX claim_round_provisional ON claim_round (claim_id)
    WHERE provisional AND paused_on IS NULL AND decided_on IS NULL AND closed_on IS NULL;
SELECT guard_tenant('claim_round');

-- A claim with the run of the clock that counts; the columns in the order in which store_claim.c reads them.
CREATE VIEW claim_now WITH (security_invoker = true) AS
SELECT c.claim_id, c.number, c.state, c.programme_id, c.person_id, c.household_id, c.village_id, c.filed_by, c.by_agent,
       c.filed_at, c.admitted, c.discharged, c.hospital, c.hospital_code, c.hospital_level, c.insurance, c.outpatient,
       c.total_cost, c.basic_paid, c.own_payment, c.purpose, c.cause, c.relation, c.sealed, c.card_index, c.card_unsure,
       c.round, c.asked, c.asked_note, c.reason, c.requirement, c.words, c.payable, c.decided_on, c.paid_on, c.version,
       r.complete_on, r.due_on, r.provisional,
       r.paused_on IS NULL AND r.decided_on IS NULL AND r.closed_on IS NULL AS is_open
  FROM claim c LEFT JOIN claim_round r ON r.tenant_id = c.tenant_id AND r.claim_id = c.claim_id AND r.round = c.round;

-- The duty that counts provisional days again learns from the owner which tenants have any.
CREATE POLICY recount ON claim_round FOR SELECT TO huzhu_claims_owner USING (provisional);
CREATE FUNCTION tenants_with_provisional_days() RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = claims, pg_temp AS $$
    SELECT DISTINCT tenant_id FROM claim_round
     WHERE provisional AND paused_on IS NULL AND decided_on IS NULL AND closed_on IS NULL
     LIMIT 1000
$$;
REVOKE ALL ON FUNCTION tenants_with_provisional_days() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenants_with_provisional_days() TO huzhu_claims;
