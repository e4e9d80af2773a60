-- A programme's year: the register as others tell it, resolutions, enrolment, payments, sources and the fund's books.
-- What the ledger may do is enforced here too: pairs of accounts, balances, what must not go negative, carry-over.

-- --- what identity told ---

CREATE TABLE town (
    tenant_id       uuid NOT NULL PRIMARY KEY,
    organisation_id uuid NOT NULL,
    code            text NOT NULL,
    name            text NOT NULL
);
SELECT guard_tenant('town');

CREATE TABLE village (
    tenant_id     uuid NOT NULL,
    village_id    uuid NOT NULL,
    division_code text NOT NULL,
    name          text NOT NULL,
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
CREATE INDEX household_of_village ON household (tenant_id, village_id, household_id);

-- Who left stays, with left_on: a person may be found in two households.
CREATE TABLE person (
    tenant_id    uuid     NOT NULL,
    household_id uuid     NOT NULL,
    person_id    uuid     NOT NULL,
    head         boolean  NOT NULL,
    grounds      integer  NOT NULL, -- bits, 1 << HouseholdMember.Ground
    entry        smallint NOT NULL,
    entered_on   date,
    left_on      date,
    categories   jsonb,             -- [{"c": code, "f": from, "u": until or null}]; mostly null
    name_sealed  bytea,             -- for receipts
    PRIMARY KEY (tenant_id, household_id, person_id),
    FOREIGN KEY (tenant_id, household_id) REFERENCES household
);
SELECT guard_tenant('person');
CREATE INDEX person_by_id ON person (tenant_id, person_id);

-- The rule of rules_enrolment.c again, for counting a whole register at once: on a ground of the mask, a member on the
-- day, in no category that keeps out.
CREATE FUNCTION is_eligible(grounds integer, entered_on date, left_on date, categories jsonb, mask integer, excluded text[], on_day date)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (grounds & mask) <> 0 AND coalesce(entered_on <= on_day, true) AND coalesce(left_on > on_day, true)
   AND (categories IS NULL OR cardinality(excluded) = 0 OR NOT EXISTS (
        SELECT FROM jsonb_to_recordset(categories) AS k (c text, f date, u date)
         WHERE k.c = ANY (excluded) AND coalesce(k.f <= on_day, true) AND coalesce(k.u > on_day, true)));

-- --- programmes ---

-- The object with all its parameters is `body`, a packed Programme; the columns are what statements look for.
CREATE TABLE programme (
    tenant_id          uuid        NOT NULL,
    programme_id       uuid        NOT NULL,
    year               integer     NOT NULL CONSTRAINT programme_year CHECK (year BETWEEN 2000 AND 2100),
    state              text        NOT NULL CONSTRAINT programme_state_known CHECK (state IN
                       ('DRAFT', 'SUBMITTED', 'OPEN', 'IN_FORCE', 'SETTLING', 'CLOSED', 'STOPPING', 'WOUND_UP')),
    village_id         uuid,       -- BY_VILLAGE
    window_until       timestamptz,
    prior_programme_id uuid,
    body               bytea       NOT NULL,
    version            bigint      NOT NULL,
    prepared_by        uuid        NOT NULL,
    approved_by        uuid,
    CONSTRAINT programme_once PRIMARY KEY (tenant_id, programme_id),
    CONSTRAINT programme_by_two CHECK (approved_by <> prepared_by)
);
SELECT guard_tenant('programme');
CREATE INDEX programme_of_year ON programme (tenant_id, year, programme_id);

-- The windows that have passed, over all tenants, for the duty that closes them.
CREATE POLICY due ON programme FOR SELECT TO huzhu_contributions_owner USING (state = 'OPEN');
CREATE FUNCTION windows_passed(now timestamptz) RETURNS TABLE (tenant_id uuid, programme_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = contributions, pg_temp AS $$
    SELECT p.tenant_id, p.programme_id FROM programme p
     WHERE p.state = 'OPEN' AND p.window_until + interval '1 second' <= $1
     ORDER BY 1, 2 LIMIT 100
$$;
REVOKE ALL ON FUNCTION windows_passed(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION windows_passed(timestamptz) TO huzhu_contributions;

CREATE TABLE resolution (
    tenant_id     uuid        NOT NULL,
    resolution_id uuid        NOT NULL,
    programme_id  uuid        NOT NULL,
    village_id    uuid        NOT NULL,
    meeting       smallint    NOT NULL,
    met_on        date        NOT NULL,
    entitled      integer     NOT NULL CHECK (entitled > 0),
    attended      integer     NOT NULL CHECK (attended BETWEEN 0 AND entitled),
    votes_for     integer     NOT NULL CHECK (votes_for >= 0),
    against       integer     NOT NULL CHECK (against >= 0),
    abstained     integer     NOT NULL CHECK (abstained >= 0),
    upload_ids    text        NOT NULL, -- "uuid,uuid"
    passed        boolean     NOT NULL,
    why_not       text        NOT NULL,
    recorded_by   uuid        NOT NULL,
    recorded_at   timestamptz NOT NULL,
    CONSTRAINT resolution_once PRIMARY KEY (tenant_id, resolution_id),
    CONSTRAINT resolution_votes_sum CHECK (votes_for + against + abstained = attended),
    FOREIGN KEY (tenant_id, programme_id) REFERENCES programme
);
SELECT guard_tenant('resolution');
CREATE INDEX resolution_of_programme ON resolution (tenant_id, programme_id, resolution_id);

CREATE TABLE subsidised_list (
    tenant_id    uuid        NOT NULL,
    list_id      uuid        NOT NULL,
    programme_id uuid        NOT NULL,
    category     text        NOT NULL,
    place        text        NOT NULL,
    source       smallint    NOT NULL,
    people       integer     NOT NULL CHECK (people > 0),
    per_head     bigint      NOT NULL CHECK (per_head > 0),
    printed      bigint      NOT NULL CHECK (printed >= 0),
    as_of        date        NOT NULL,
    upload_id    uuid,
    recorded_by  uuid        NOT NULL,
    recorded_at  timestamptz NOT NULL,
    CONSTRAINT subsidised_list_once PRIMARY KEY (tenant_id, list_id),
    FOREIGN KEY (tenant_id, programme_id) REFERENCES programme
);
SELECT guard_tenant('subsidised_list');

-- --- enrolment ---

-- What a bank transfer carries: nine digits and two of ISO 7064 MOD 97-10, which find a digit mistyped and two swapped.
CREATE FUNCTION reference_of(number bigint) RETURNS text LANGUAGE sql IMMUTABLE
RETURN lpad(number::text, 9, '0') || lpad((98 - (number * 100) % 97)::text, 2, '0');

CREATE TABLE enrolment (
    tenant_id        uuid        NOT NULL,
    programme_id     uuid        NOT NULL,
    household_id     uuid        NOT NULL,
    village_id       uuid        NOT NULL,
    number           bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    reference        text        NOT NULL GENERATED ALWAYS AS (reference_of(number)) STORED,
    content_read     boolean     NOT NULL,
    family_confirmed boolean     NOT NULL,
    confirmation     smallint    NOT NULL,
    upload_id        uuid,
    in_force         boolean     NOT NULL,
    enrolled_at      timestamptz NOT NULL,
    enrolled_by      uuid        NOT NULL,
    version          bigint      NOT NULL,
    CONSTRAINT enrolment_once PRIMARY KEY (tenant_id, programme_id, household_id),
    CONSTRAINT enrolment_confirmed CHECK (content_read AND family_confirmed),
    FOREIGN KEY (tenant_id, programme_id) REFERENCES programme
);
SELECT guard_tenant('enrolment');
CREATE UNIQUE INDEX enrolment_reference ON enrolment (tenant_id, reference);
CREATE INDEX enrolment_of_village ON enrolment (tenant_id, programme_id, village_id, household_id);

CREATE TABLE enrolment_member (
    tenant_id         uuid     NOT NULL,
    programme_id      uuid     NOT NULL,
    household_id      uuid     NOT NULL,
    person_id         uuid     NOT NULL,
    publicity_consent boolean  NOT NULL,
    payer             smallint NOT NULL, -- Source.Kind: PERSONAL, or who pays the personal part instead
    due_fen           bigint   NOT NULL CHECK (due_fen >= 0),
    paid              boolean  NOT NULL,
    in_force          boolean  NOT NULL,
    from_on           date     NOT NULL,
    late              boolean  NOT NULL, -- joined after the window (003-2)
    PRIMARY KEY (tenant_id, programme_id, household_id, person_id),
    CONSTRAINT member_once UNIQUE (tenant_id, programme_id, person_id),
    FOREIGN KEY (tenant_id, programme_id, household_id) REFERENCES enrolment
);
SELECT guard_tenant('enrolment_member');

-- --- payments ---

CREATE TABLE cash_book (
    tenant_id    uuid        NOT NULL,
    cash_book_id uuid        NOT NULL,
    programme_id uuid        NOT NULL,
    village_id   uuid        NOT NULL,
    account_id   uuid        NOT NULL,
    series       text        NOT NULL,
    receipts     integer     NOT NULL CHECK (receipts >= 0),
    taken_fen    bigint      NOT NULL,
    handed_fen   bigint      NOT NULL CHECK (handed_fen >= 0),
    opened_at    timestamptz NOT NULL,
    CONSTRAINT cash_book_once PRIMARY KEY (tenant_id, cash_book_id),
    CONSTRAINT cash_book_one_each UNIQUE (tenant_id, programme_id, village_id, account_id),
    CONSTRAINT cash_book_holds CHECK (handed_fen <= taken_fen),
    FOREIGN KEY (tenant_id, programme_id) REFERENCES programme
);
SELECT guard_tenant('cash_book');

CREATE TABLE hand_in (
    tenant_id    uuid        NOT NULL,
    hand_in_id   uuid        NOT NULL,
    cash_book_id uuid        NOT NULL,
    counted_fen  bigint      NOT NULL CHECK (counted_fen >= 0),
    expected_fen bigint      NOT NULL CHECK (expected_fen >= 0),
    explanation  text        NOT NULL,
    explained_by uuid,
    upload_id    uuid,
    handed_by    uuid        NOT NULL,
    at           timestamptz NOT NULL,
    CONSTRAINT hand_in_once PRIMARY KEY (tenant_id, hand_in_id),
    CONSTRAINT hand_in_by_two CHECK (explained_by <> handed_by),
    FOREIGN KEY (tenant_id, cash_book_id) REFERENCES cash_book
);
SELECT guard_tenant('hand_in');
CREATE INDEX hand_in_of_book ON hand_in (tenant_id, cash_book_id);

CREATE TABLE statement (
    tenant_id    uuid        NOT NULL,
    statement_id uuid        NOT NULL,
    programme_id uuid        NOT NULL,
    sha256       bytea       NOT NULL CHECK (length(sha256) = 32),
    rows         integer     NOT NULL,
    taken        integer     NOT NULL,
    imported_by  uuid        NOT NULL,
    imported_at  timestamptz NOT NULL,
    CONSTRAINT statement_once PRIMARY KEY (tenant_id, statement_id),
    FOREIGN KEY (tenant_id, programme_id) REFERENCES programme
);
SELECT guard_tenant('statement');

CREATE TABLE payment (
    tenant_id      uuid        NOT NULL,
    payment_id     uuid        NOT NULL,
    programme_id   uuid        NOT NULL,
    household_id   uuid        NOT NULL,
    village_id     uuid        NOT NULL,
    route          text        NOT NULL CHECK (route IN ('BANK', 'CASH')),
    state          text        NOT NULL CHECK (state IN ('TAKEN', 'VOIDED', 'REFUNDED')),
    amount_fen     bigint      NOT NULL CONSTRAINT payment_positive CHECK (amount_fen > 0),
    people         integer     NOT NULL CHECK (people > 0),
    person_ids     uuid[]      NOT NULL,
    paid_at        timestamptz NOT NULL,
    recorded_at    timestamptz NOT NULL,
    cash_book_id   uuid,
    receipt        integer,
    statement_id   uuid,
    bank_serial    text,
    account_sealed bytea,      -- "holder\naccount\nbank" of who paid, sealed
    taken_by       uuid,
    voided_by      uuid,
    void_why       text        NOT NULL DEFAULT '',
    CONSTRAINT payment_once PRIMARY KEY (tenant_id, payment_id),
    CONSTRAINT payment_receipt_once UNIQUE (tenant_id, cash_book_id, receipt),
    CONSTRAINT payment_bank_serial_once UNIQUE (tenant_id, programme_id, bank_serial),
    CONSTRAINT payment_route CHECK ((route = 'CASH') = (cash_book_id IS NOT NULL)
                                AND (route = 'CASH') = (receipt IS NOT NULL)
                                AND (route = 'BANK') = (bank_serial IS NOT NULL)),
    CONSTRAINT payment_by_two CHECK (voided_by <> taken_by),
    FOREIGN KEY (tenant_id, programme_id, household_id) REFERENCES enrolment,
    FOREIGN KEY (tenant_id, cash_book_id) REFERENCES cash_book
);
SELECT guard_tenant('payment');
CREATE INDEX payment_of_village ON payment (tenant_id, programme_id, village_id, payment_id);
CREATE INDEX payment_of_household ON payment (tenant_id, programme_id, household_id);

-- --- sources ---

CREATE TABLE funds (
    tenant_id    uuid        NOT NULL,
    funds_id     uuid        NOT NULL,
    programme_id uuid        NOT NULL,
    kind         smallint    NOT NULL,
    giver        text        NOT NULL,
    amount_fen   bigint      NOT NULL CHECK (amount_fen > 0),
    on_day       date        NOT NULL,
    upload_id    uuid,
    invoice      text,
    per_head_fen bigint      NOT NULL CHECK (per_head_fen >= 0),
    people       integer     NOT NULL CHECK (people >= 0),
    recorded_by  uuid        NOT NULL,
    recorded_at  timestamptz NOT NULL,
    CONSTRAINT funds_once PRIMARY KEY (tenant_id, funds_id),
    CONSTRAINT funds_invoice_once UNIQUE (tenant_id, invoice),
    FOREIGN KEY (tenant_id, programme_id) REFERENCES programme
);
SELECT guard_tenant('funds');
-- One grant per head of each giver: counting twice would pay twice.
CREATE UNIQUE INDEX funds_grant_once ON funds (tenant_id, programme_id, kind, giver) WHERE per_head_fen > 0;

CREATE TABLE agreement (
    tenant_id    uuid   NOT NULL,
    agreement_id uuid   NOT NULL,
    programme_id uuid   NOT NULL,
    provider     text   NOT NULL,
    from_on      date   NOT NULL,
    until_on     date   NOT NULL,
    fee_fen      bigint NOT NULL CHECK (fee_fen >= 0),
    upload_id    uuid   NOT NULL,
    CONSTRAINT agreement_once PRIMARY KEY (tenant_id, agreement_id),
    CONSTRAINT agreement_days CHECK (from_on <= until_on),
    FOREIGN KEY (tenant_id, programme_id) REFERENCES programme
);
SELECT guard_tenant('agreement');

-- --- participation ---

CREATE TABLE measurement (
    tenant_id    uuid  NOT NULL,
    programme_id uuid  NOT NULL,
    people       bigint NOT NULL, -- in force at the close: what grants per head count
    payout_gate  boolean NOT NULL,
    warned       boolean NOT NULL,
    body         bytea NOT NULL,  -- a packed ParticipationMeasured
    PRIMARY KEY (tenant_id, programme_id),
    FOREIGN KEY (tenant_id, programme_id) REFERENCES programme
);
SELECT guard_tenant('measurement');

-- The register at the close, and who of it was in force: later moves and deaths do not change the year's base.
CREATE TABLE register_snapshot (
    tenant_id    uuid    NOT NULL,
    programme_id uuid    NOT NULL,
    village_id   uuid    NOT NULL,
    household_id uuid    NOT NULL,
    person_id    uuid    NOT NULL,
    in_force     boolean NOT NULL,
    PRIMARY KEY (tenant_id, programme_id, village_id, household_id, person_id),
    FOREIGN KEY (tenant_id, programme_id) REFERENCES programme
);
SELECT guard_tenant('register_snapshot');
REVOKE UPDATE, DELETE ON register_snapshot FROM huzhu_contributions;

-- --- the ledger ---

CREATE TABLE allowed_pair (
    why    text NOT NULL,
    debit  text NOT NULL,
    credit text NOT NULL,
    PRIMARY KEY (why, debit, credit)
);
COMMENT ON TABLE allowed_pair IS 'no tenant: what money may do at all, of pairs.def; the service reads it';
REVOKE INSERT, UPDATE, DELETE ON allowed_pair FROM huzhu_contributions;

WITH source (code) AS (VALUES ('personal'), ('village'), ('town_finance'), ('county_finance'), ('city_finance'), ('help_team'),
    ('welfare_lottery'), ('linked_finance'), ('charity'), ('donation'), ('interest'), ('carry_over'), ('guiding_finance'),
    ('local_notable'), ('enterprise'), ('twinned_help'))
INSERT INTO allowed_pair
SELECT 'grant', 'bank', 'income.' || code FROM source WHERE code NOT IN ('personal', 'interest', 'carry_over')
UNION ALL
SELECT 'refund', 'income.' || code, 'bank' FROM source
UNION ALL
VALUES ('payment.personal', 'cash', 'income.personal'), ('payment.personal', 'bank', 'income.personal'),
       ('void', 'income.personal', 'cash'), ('void', 'income.personal', 'bank'), ('hand_in', 'bank', 'cash'),
       ('interest', 'bank', 'income.interest'), ('carry_over', 'bank', 'income.carry_over'),
       ('carry_over', 'fund.carried_over', 'bank'), ('payout', 'expense.subsidy', 'bank'),
       ('service_fee', 'expense.service_fee', 'bank'), ('bank_fee', 'expense.bank_fee', 'bank'),
       ('audit_cost', 'expense.audit_cost', 'bank');

CREATE TABLE account (
    tenant_id      uuid   NOT NULL,
    programme_id   uuid   NOT NULL,
    code           text   NOT NULL,
    debit          bigint NOT NULL CHECK (debit >= 0),          -- posted
    credit         bigint NOT NULL CHECK (credit >= 0),
    debit_pending  bigint NOT NULL CHECK (debit_pending >= 0),  -- set aside
    credit_pending bigint NOT NULL CHECK (credit_pending >= 0),
    PRIMARY KEY (tenant_id, programme_id, code),
    -- Money that is not there cannot be spent or promised, and nothing goes back that did not come in.
    CONSTRAINT account_not_negative CHECK (
        CASE WHEN code IN ('bank', 'cash') THEN debit - credit - credit_pending >= 0
             WHEN code LIKE 'income.%' THEN credit - debit - debit_pending >= 0
             ELSE true END),
    FOREIGN KEY (tenant_id, programme_id) REFERENCES programme
);
SELECT guard_tenant('account');
-- Only the ledger's own triggers write it.
REVOKE INSERT, UPDATE, DELETE ON account FROM huzhu_contributions;

CREATE TABLE transfer (
    tenant_id    uuid        NOT NULL,
    transfer_id  uuid        NOT NULL,
    programme_id uuid        NOT NULL,
    number       bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    state        text        NOT NULL CHECK (state IN ('PENDING', 'POSTED', 'VOIDED')),
    why          text        NOT NULL,
    debit        text        NOT NULL,
    credit       text        NOT NULL,
    amount_fen   bigint      NOT NULL CONSTRAINT transfer_positive CHECK (amount_fen > 0),
    on_day       date        NOT NULL,
    settled_on   date,       -- of a pending one that was posted or voided
    village_id   uuid,
    subject_id   uuid        NOT NULL, -- payment, grant, claim, refund, ...
    line_id      uuid,       -- of a payout
    people       integer     NOT NULL,
    source       smallint    NOT NULL,
    person_id    uuid,
    recorded_by  uuid,
    recorded_at  timestamptz NOT NULL,
    CONSTRAINT transfer_once PRIMARY KEY (tenant_id, transfer_id),
    CONSTRAINT transfer_allowed FOREIGN KEY (why, debit, credit) REFERENCES allowed_pair,
    CONSTRAINT transfer_programme FOREIGN KEY (tenant_id, programme_id) REFERENCES programme
);
SELECT guard_tenant('transfer');
CREATE INDEX transfer_in_order ON transfer (tenant_id, programme_id, number);
CREATE UNIQUE INDEX transfer_subject_once ON transfer (tenant_id, programme_id, why, subject_id) WHERE state <> 'VOIDED';
CREATE INDEX transfer_of_line ON transfer (tenant_id, line_id) WHERE line_id IS NOT NULL;
REVOKE DELETE ON transfer FROM huzhu_contributions;

CREATE TABLE carry_over (
    tenant_id         uuid   NOT NULL,
    programme_id      uuid   NOT NULL,
    next_programme_id uuid   NOT NULL,
    amount_fen        bigint NOT NULL CHECK (amount_fen >= 0),
    on_day            date   NOT NULL,
    CONSTRAINT carry_over_once PRIMARY KEY (tenant_id, programme_id),
    CONSTRAINT carry_over_into_one UNIQUE (tenant_id, next_programme_id),
    FOREIGN KEY (tenant_id, programme_id) REFERENCES programme,
    FOREIGN KEY (tenant_id, next_programme_id) REFERENCES programme
);
SELECT guard_tenant('carry_over');
REVOKE UPDATE, DELETE ON carry_over FROM huzhu_contributions;

-- A transfer says itself what it is; the one thing that may change is that a pending one is settled, once.
CREATE FUNCTION transfer_is_settled_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'PENDING' OR NEW.state = 'PENDING' OR NEW.settled_on IS NULL
       OR to_jsonb(NEW) - 'state' - 'settled_on' <> to_jsonb(OLD) - 'state' - 'settled_on' THEN
        RAISE EXCEPTION 'a transfer is settled once and otherwise stays as it is'
            USING ERRCODE = '23514', CONSTRAINT = 'transfer_stays', TABLE = 'transfer', SCHEMA = 'contributions';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER transfer_settled BEFORE UPDATE ON transfer FOR EACH ROW EXECUTE FUNCTION transfer_is_settled_once();

-- The accounts follow the transfers, in the same statement.  First the missing rows, as zeros: a CHECK looks at what an
-- INSERT ... ON CONFLICT proposes, too.  Accounts are taken in the order of their codes, so that two writers do not cross.
CREATE FUNCTION accounts_follow_new() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = contributions, pg_temp AS $$
BEGIN
    INSERT INTO account
    SELECT DISTINCT n.tenant_id, n.programme_id, s.code, 0, 0, 0, 0
      FROM made n CROSS JOIN LATERAL (VALUES (n.debit), (n.credit)) AS s (code)
     ORDER BY 1, 2, 3
        ON CONFLICT DO NOTHING;
    PERFORM FROM account a
      JOIN (SELECT DISTINCT n.tenant_id, n.programme_id, s.code
              FROM made n CROSS JOIN LATERAL (VALUES (n.debit), (n.credit)) AS s (code)) t USING (tenant_id, programme_id, code)
     ORDER BY a.tenant_id, a.programme_id, a.code
       FOR UPDATE OF a;
    UPDATE account a
       SET debit = a.debit + d.debit, credit = a.credit + d.credit,
           debit_pending = a.debit_pending + d.debit_pending, credit_pending = a.credit_pending + d.credit_pending
      FROM (SELECT n.tenant_id, n.programme_id, s.code,
                   coalesce(sum(n.amount_fen) FILTER (WHERE s.side = 'd' AND n.state = 'POSTED'), 0) AS debit,
                   coalesce(sum(n.amount_fen) FILTER (WHERE s.side = 'c' AND n.state = 'POSTED'), 0) AS credit,
                   coalesce(sum(n.amount_fen) FILTER (WHERE s.side = 'd' AND n.state = 'PENDING'), 0) AS debit_pending,
                   coalesce(sum(n.amount_fen) FILTER (WHERE s.side = 'c' AND n.state = 'PENDING'), 0) AS credit_pending
              FROM made n CROSS JOIN LATERAL (VALUES ('d', n.debit), ('c', n.credit)) AS s (side, code)
             GROUP BY 1, 2, 3) d
     WHERE a.tenant_id = d.tenant_id AND a.programme_id = d.programme_id AND a.code = d.code;
    RETURN NULL;
END $$;
CREATE TRIGGER accounts_follow_new AFTER INSERT ON transfer
    REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION accounts_follow_new();

CREATE FUNCTION accounts_follow_settled() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = contributions, pg_temp AS $$
BEGIN
    PERFORM FROM account a
      JOIN (SELECT DISTINCT n.tenant_id, n.programme_id, s.code
              FROM settled n CROSS JOIN LATERAL (VALUES (n.debit), (n.credit)) AS s (code)) t USING (tenant_id, programme_id, code)
     ORDER BY a.tenant_id, a.programme_id, a.code
       FOR UPDATE OF a;
    UPDATE account a
       SET debit = a.debit + d.debit, credit = a.credit + d.credit,
           debit_pending = a.debit_pending - d.debit_was, credit_pending = a.credit_pending - d.credit_was
      FROM (SELECT n.tenant_id, n.programme_id, s.code,
                   coalesce(sum(n.amount_fen) FILTER (WHERE s.side = 'd' AND n.state = 'POSTED'), 0) AS debit,
                   coalesce(sum(n.amount_fen) FILTER (WHERE s.side = 'c' AND n.state = 'POSTED'), 0) AS credit,
                   coalesce(sum(n.amount_fen) FILTER (WHERE s.side = 'd'), 0) AS debit_was,
                   coalesce(sum(n.amount_fen) FILTER (WHERE s.side = 'c'), 0) AS credit_was
              FROM settled n CROSS JOIN LATERAL (VALUES ('d', n.debit), ('c', n.credit)) AS s (side, code)
             GROUP BY 1, 2, 3) d
     WHERE a.tenant_id = d.tenant_id AND a.programme_id = d.programme_id AND a.code = d.code;
    RETURN NULL;
END $$;
CREATE TRIGGER accounts_follow_settled AFTER UPDATE ON transfer
    REFERENCING NEW TABLE AS settled FOR EACH STATEMENT EXECUTE FUNCTION accounts_follow_settled();

-- At COMMIT the books of every programme that was touched balance: its accounts' two sides are equal, posted and pending.
CREATE FUNCTION books_balance() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = contributions, pg_temp AS $$
BEGIN
    IF (SELECT sum(debit) <> sum(credit) OR sum(debit_pending) <> sum(credit_pending) FROM account
         WHERE tenant_id = NEW.tenant_id AND programme_id = NEW.programme_id) THEN
        RAISE EXCEPTION 'the books do not balance'
            USING ERRCODE = '23514', CONSTRAINT = 'books_balance', TABLE = 'account', SCHEMA = 'contributions';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER books_balance AFTER INSERT OR UPDATE ON account
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION books_balance();

-- Between two programmes money moves as carry-over alone: out of one and into the next, the same amount, on one record.
CREATE FUNCTION carry_over_has_two_sides() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = contributions, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM carry_over k
          JOIN transfer o ON o.tenant_id = k.tenant_id AND o.programme_id = k.programme_id AND o.why = 'carry_over'
                         AND o.debit = 'fund.carried_over' AND o.subject_id = k.programme_id AND o.amount_fen = k.amount_fen
          JOIN transfer i ON i.tenant_id = k.tenant_id AND i.programme_id = k.next_programme_id AND i.why = 'carry_over'
                         AND i.credit = 'income.carry_over' AND i.subject_id = k.programme_id AND i.amount_fen = k.amount_fen
         WHERE k.tenant_id = NEW.tenant_id AND k.programme_id = NEW.subject_id
           AND NEW.transfer_id IN (o.transfer_id, i.transfer_id)) THEN
        RAISE EXCEPTION 'money leaves a programme as carry-over into its next alone'
            USING ERRCODE = '23514', CONSTRAINT = 'carry_over_two_sides', TABLE = 'transfer', SCHEMA = 'contributions';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER carry_over_two_sides AFTER INSERT ON transfer
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.why = 'carry_over') EXECUTE FUNCTION carry_over_has_two_sides();

-- A list is answered once, whatever is told again.
CREATE TABLE list_answer (
    tenant_id    uuid   NOT NULL,
    list_id      uuid   NOT NULL,
    programme_id uuid   NOT NULL,
    reserved     boolean NOT NULL,
    total_fen    bigint NOT NULL,
    PRIMARY KEY (tenant_id, list_id)
);
SELECT guard_tenant('list_answer');

CREATE TABLE refund (
    tenant_id    uuid     NOT NULL,
    refund_id    uuid     NOT NULL,
    programme_id uuid     NOT NULL,
    payment_id   uuid,
    funds_id     uuid,
    source       smallint NOT NULL,
    route        text     NOT NULL CHECK (route IN ('BANK', 'CASH', 'SOURCE')),
    amount_fen   bigint   NOT NULL CHECK (amount_fen > 0),
    confirmed_on date,
    PRIMARY KEY (tenant_id, refund_id),
    CONSTRAINT refund_payment_once UNIQUE (tenant_id, payment_id),
    CONSTRAINT refund_funds_once UNIQUE (tenant_id, funds_id),
    FOREIGN KEY (tenant_id, programme_id) REFERENCES programme
);
SELECT guard_tenant('refund');
CREATE INDEX refund_of_programme ON refund (tenant_id, programme_id);
