-- Lists, lines, batches, results and refunds; the read models of programmes and decided claims.
-- Whoever is paid is in sealed columns alone: payee, card and bank are one message under the tenant's data key.

CREATE TABLE programme (
    tenant_id         uuid NOT NULL,
    programme_id      uuid NOT NULL,
    name              text NOT NULL,
    year              int  NOT NULL,
    custodian_account text NOT NULL,
    state             int  NOT NULL,
    list_day          int  NOT NULL CHECK (list_day BETWEEN 1 AND 28),
    pay_before_day    int  NOT NULL CHECK (pay_before_day BETWEEN 1 AND 28),
    CONSTRAINT programme_once PRIMARY KEY (tenant_id, programme_id)
);
SELECT guard_tenant('programme');

-- A claim is known from two services in either order: who is paid from claims, how much from coding.
CREATE TABLE claim (
    tenant_id    uuid   NOT NULL,
    claim_id     uuid   NOT NULL,
    number       text,
    programme_id uuid   NOT NULL,
    person_id    uuid,
    village_id   uuid,
    payee_sealed bytea,
    payee_index  bytea  CHECK (length(payee_index) = 32), -- of the card: finds a duplicate without opening one
    payee_rev    int    NOT NULL DEFAULT 0,
    gone         boolean NOT NULL DEFAULT false,           -- withdrawn or refused
    coding_id    uuid,
    drg          text,
    drg_name     text,
    due_fen      bigint,
    payable_fen  bigint CHECK (payable_fen >= 0),          -- NULL: no price, or the one it had went back
    decided_on   date,
    basis_sha256 bytea,
    coder_id     uuid,
    reviewer_id  uuid,
    CONSTRAINT claim_once PRIMARY KEY (tenant_id, claim_id)
);
SELECT guard_tenant('claim');
CREATE INDEX claim_decided ON claim (tenant_id, programme_id, decided_on) WHERE payable_fen > 0;

CREATE TABLE payout_list (
    tenant_id     uuid    NOT NULL,
    list_id       uuid    NOT NULL,
    programme_id  uuid    NOT NULL,
    month         date    NOT NULL CHECK (extract(day FROM month) = 1),
    version       int     NOT NULL CHECK (version >= 1),
    state         text    NOT NULL CONSTRAINT list_state_known CHECK (state IN
                  ('PREPARED', 'SUBMITTED', 'APPROVED', 'RESERVED', 'REFUSED', 'PAYING', 'SETTLED')),
    lines         int     NOT NULL CHECK (lines >= 0),
    total_fen     bigint  NOT NULL CHECK (total_fen >= 0),
    pay_before    date    NOT NULL,
    provisional   boolean NOT NULL,
    postponed     boolean NOT NULL,
    sha256        bytea   NOT NULL CHECK (length(sha256) = 32),
    prepared_at   timestamptz NOT NULL,
    prepared_by   uuid,
    submitted_at  timestamptz,
    submitted_by  uuid,
    approved_at   timestamptz,
    approved_by   uuid,
    refusal       text,
    shortfall_fen bigint,
    returned_why  text,
    signature     bytea   CHECK (length(signature) = 64),
    key_id        text,
    settled_at    timestamptz,
    CONSTRAINT list_pkey PRIMARY KEY (tenant_id, list_id),
    CONSTRAINT list_once UNIQUE (tenant_id, programme_id, month)
);
SELECT guard_tenant('payout_list');

-- Earlier versions of a list, as they stood.
CREATE TABLE list_version (
    tenant_id uuid   NOT NULL,
    list_id   uuid   NOT NULL,
    version   int    NOT NULL,
    lines     int    NOT NULL,
    total_fen bigint NOT NULL,
    sha256    bytea  NOT NULL,
    made_at   timestamptz NOT NULL,
    why       text   NOT NULL,
    PRIMARY KEY (tenant_id, list_id, version)
);
SELECT guard_tenant('list_version');
REVOKE UPDATE, DELETE, TRUNCATE ON list_version FROM huzhu_disbursement;

-- One claim's money or one refund.  A claim is on one line that did not go back, ever: a line that was given up is its last.
CREATE TABLE line (
    tenant_id     uuid   NOT NULL,
    line_id       uuid   NOT NULL,
    kind          text   NOT NULL CHECK (kind IN ('PAYOUT', 'REFUND')),
    list_id       uuid,
    programme_id  uuid   NOT NULL,
    claim_id      uuid,
    person_id     uuid,
    village_id    uuid,
    state         text   NOT NULL CONSTRAINT line_state_known CHECK (state IN
                  ('LISTED', 'CHECKED', 'RETURNED', 'RESERVED', 'BATCHED', 'SENT', 'PAID', 'FAILED', 'VOIDED')),
    amount_fen    bigint NOT NULL CONSTRAINT line_amount_positive CHECK (amount_fen > 0),
    route         int    NOT NULL DEFAULT 0,
    account_sealed bytea,  -- of a refund; a payout goes to what the claim says
    account_index  bytea CHECK (length(account_index) = 32),
    checked_by    uuid,
    return_reason text,
    attempt       int    NOT NULL DEFAULT 1 CHECK (attempt >= 1),
    batch_id      uuid,
    batched_rev   int,
    paid_on       date,
    receipt       text,
    failure       text,
    void_reason   text,
    changed_at    timestamptz NOT NULL,
    CONSTRAINT line_once PRIMARY KEY (tenant_id, line_id),
    CONSTRAINT line_kind_fits CHECK ((kind = 'PAYOUT') = (list_id IS NOT NULL AND claim_id IS NOT NULL)),
    CONSTRAINT line_paid_has_receipt CHECK ((state = 'PAID') = (paid_on IS NOT NULL AND receipt IS NOT NULL)),
    FOREIGN KEY (tenant_id, list_id) REFERENCES payout_list
);
SELECT guard_tenant('line');
CREATE UNIQUE INDEX line_claim_once ON line (tenant_id, claim_id) WHERE state <> 'RETURNED';
CREATE INDEX line_of_list ON line (tenant_id, list_id, line_id);
CREATE INDEX line_waiting ON line (tenant_id, programme_id, line_id) WHERE state = 'RESERVED';
CREATE INDEX line_refunds ON line (tenant_id, line_id) WHERE kind = 'REFUND';

CREATE TABLE bank_layout (
    tenant_id uuid NOT NULL,
    name      text NOT NULL,
    version   int  NOT NULL CHECK (version >= 1),
    text      text NOT NULL,
    set_at    timestamptz NOT NULL,
    set_by    uuid NOT NULL,
    CONSTRAINT layout_once PRIMARY KEY (tenant_id, name, version)
);
SELECT guard_tenant('bank_layout');
REVOKE UPDATE, DELETE, TRUNCATE ON bank_layout FROM huzhu_disbursement;

CREATE TABLE bank_batch (
    tenant_id    uuid   NOT NULL,
    batch_id     uuid   NOT NULL,
    number       text   NOT NULL,
    programme_id uuid   NOT NULL,
    kind         text   NOT NULL CHECK (kind IN ('PAYOUTS', 'REFUNDS')),
    state        text   NOT NULL CONSTRAINT batch_state_known CHECK (state IN ('MADE', 'SENT', 'ANSWERED', 'CANCELLED')),
    layout       text   NOT NULL,
    layout_version int  NOT NULL,
    layout_text  text   NOT NULL,
    lines        int    NOT NULL CHECK (lines > 0),
    total_fen    bigint NOT NULL CHECK (total_fen > 0),
    file_name    text   NOT NULL,
    content_type text   NOT NULL,
    file_sealed  bytea  NOT NULL,
    sha256       bytea  NOT NULL CHECK (length(sha256) = 32),
    made_at      timestamptz NOT NULL,
    made_by      uuid   NOT NULL,
    sent_at      timestamptz,
    sent_by      uuid,
    manifest     bytea,
    key_id       text,
    contradicted boolean NOT NULL DEFAULT false,
    CONSTRAINT batch_once PRIMARY KEY (tenant_id, batch_id),
    CONSTRAINT batch_number_once UNIQUE (tenant_id, number)
);
ALTER TABLE bank_batch ALTER COLUMN file_sealed SET STORAGE EXTERNAL; -- sealed bytes do not compress
SELECT guard_tenant('bank_batch');

CREATE TABLE batch_item (
    tenant_id uuid   NOT NULL,
    batch_id  uuid   NOT NULL,
    sequence  int    NOT NULL CHECK (sequence >= 1),
    reference text   NOT NULL,
    line_id   uuid   NOT NULL,
    attempt   int    NOT NULL,
    amount_fen bigint NOT NULL CHECK (amount_fen > 0),
    payee_sealed bytea NOT NULL, -- as it went out
    outcome   text   NOT NULL DEFAULT 'WAITING' CHECK (outcome IN ('WAITING', 'UNKNOWN', 'PAID', 'FAILED')),
    receipt   text,
    failure   text,
    paid_on   date,
    live      boolean NOT NULL DEFAULT true, -- false: its batch was cancelled before it was sent
    PRIMARY KEY (tenant_id, batch_id, sequence),
    CONSTRAINT item_reference_once UNIQUE (tenant_id, batch_id, reference),
    FOREIGN KEY (tenant_id, batch_id) REFERENCES bank_batch,
    FOREIGN KEY (tenant_id, line_id) REFERENCES line
);
SELECT guard_tenant('batch_item');
-- An attempt is in one batch; a receipt pays once.
CREATE UNIQUE INDEX item_attempt_once ON batch_item (tenant_id, line_id, attempt) WHERE live;
CREATE UNIQUE INDEX item_receipt_once ON batch_item (tenant_id, receipt) WHERE outcome = 'PAID';

CREATE TABLE bank_result (
    tenant_id uuid   NOT NULL,
    batch_id  uuid   NOT NULL,
    sha256    bytea  NOT NULL CHECK (length(sha256) = 32),
    verdict   text   NOT NULL CHECK (verdict IN ('APPLIED', 'SEEN_BEFORE', 'CONTRADICTED')),
    paid      int    NOT NULL,
    failed    int    NOT NULL,
    unknown   int    NOT NULL,
    paid_fen  bigint NOT NULL,
    at        timestamptz NOT NULL,
    by        uuid   NOT NULL,
    CONSTRAINT result_once PRIMARY KEY (tenant_id, batch_id, sha256),
    FOREIGN KEY (tenant_id, batch_id) REFERENCES bank_batch
);
SELECT guard_tenant('bank_result');

-- The list duty looks over all tenants: programmes whose list day has come, with decided claims on no line.
CREATE POLICY duty ON programme FOR SELECT TO huzhu_disbursement_owner USING (true);
CREATE POLICY duty ON payout_list FOR SELECT TO huzhu_disbursement_owner USING (true);
CREATE POLICY duty ON claim FOR SELECT TO huzhu_disbursement_owner USING (true);
CREATE POLICY duty ON line FOR SELECT TO huzhu_disbursement_owner USING (true);
CREATE FUNCTION lists_due(first_of_month date, today int) RETURNS TABLE (tenant_id uuid, programme_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = disbursement, pg_temp AS $$
    SELECT p.tenant_id, p.programme_id
      FROM programme p
     WHERE p.state IN (4, 5) -- IN_FORCE, SETTLING
       AND p.list_day <= today
       AND NOT EXISTS (SELECT 1 FROM payout_list l
                        WHERE l.tenant_id = p.tenant_id AND l.programme_id = p.programme_id AND l.month = first_of_month)
       AND EXISTS (SELECT 1 FROM claim c
                    WHERE c.tenant_id = p.tenant_id AND c.programme_id = p.programme_id AND c.payable_fen > 0
                      AND c.payee_sealed IS NOT NULL AND NOT c.gone
                      AND c.decided_on < first_of_month + interval '1 month'
                      AND NOT EXISTS (SELECT 1 FROM line n WHERE n.tenant_id = c.tenant_id AND n.claim_id = c.claim_id
                                                             AND n.state <> 'RETURNED'))
     ORDER BY p.tenant_id, p.programme_id
     LIMIT 20
$$;
REVOKE ALL ON FUNCTION lists_due(date, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lists_due(date, int) TO huzhu_disbursement;

-- What readers want of a line, a list and a batch in one row; with the reader's own rights (row-level security holds).
CREATE VIEW line_full WITH (security_invoker = true) AS
    SELECT n.line_id, n.list_id, n.programme_id, n.claim_id, n.person_id, n.village_id, n.batch_id, n.checked_by, n.kind,
           n.state, n.amount_fen, n.route, n.attempt, n.paid_on, n.receipt, n.failure, n.return_reason, n.void_reason,
           c.coding_id, c.coder_id, c.reviewer_id, c.number, c.drg, c.drg_name, c.due_fen, c.decided_on, c.basis_sha256,
           coalesce(c.payee_rev, 0) AS payee_rev, coalesce(n.batched_rev, 0) AS batched_rev,
           coalesce(n.account_sealed, c.payee_sealed) AS payee_sealed,
           coalesce(n.account_index, c.payee_index) AS payee_index,
           (SELECT i.reference FROM batch_item i WHERE i.batch_id = n.batch_id AND i.line_id = n.line_id) AS reference,
           l.approved_by
      FROM line n
      LEFT JOIN claim c ON c.tenant_id = n.tenant_id AND c.claim_id = n.claim_id
      LEFT JOIN payout_list l ON l.tenant_id = n.tenant_id AND l.list_id = n.list_id;

CREATE VIEW list_full WITH (security_invoker = true) AS
    SELECT l.*,
           (SELECT count(*) FROM line n WHERE n.tenant_id = l.tenant_id AND n.list_id = l.list_id
                                          AND n.state NOT IN ('LISTED', 'RETURNED')) AS reviewed,
           (SELECT count(*) FROM line n WHERE n.tenant_id = l.tenant_id AND n.list_id = l.list_id
                                          AND n.state IN ('PAID', 'VOIDED')) AS ended
      FROM payout_list l;

CREATE VIEW batch_full WITH (security_invoker = true) AS
    SELECT b.*, coalesce(i.paid, 0) AS paid, coalesce(i.failed, 0) AS failed, coalesce(i.unknown, 0) AS unknown
      FROM bank_batch b
      LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE outcome = 'PAID') AS paid,
                                count(*) FILTER (WHERE outcome = 'FAILED') AS failed,
                                count(*) FILTER (WHERE outcome = 'UNKNOWN') AS unknown
                           FROM batch_item i WHERE i.tenant_id = b.tenant_id AND i.batch_id = b.batch_id) i ON true;
