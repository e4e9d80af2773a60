-- The statements of the disclosure service, prepared at start; unqualified names are its own schema's.  Row-level security
-- keeps each of them within the tenant.

-- What others told.

-- name: profile_put
INSERT INTO profile (tenant_id, code, name, organisation_id) VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant_id) DO UPDATE SET code = excluded.code, name = excluded.name,
       organisation_id = excluded.organisation_id;

-- name: profile_get
SELECT code, name FROM profile;

-- name: village_put
INSERT INTO village (tenant_id, village_id, name) VALUES ($1, $2, $3)
    ON CONFLICT (tenant_id, village_id) DO UPDATE SET name = excluded.name;

-- name: village_name
SELECT name FROM village WHERE village_id = $1;

-- name: household_put
-- An older version changes nothing.
INSERT INTO household (tenant_id, household_id, village_id, version) VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant_id, household_id) DO UPDATE SET village_id = excluded.village_id, version = excluded.version
 WHERE household.version < excluded.version
RETURNING true;

-- name: person_put
-- Who left a household is changed only while it still is the person's own.
INSERT INTO person (tenant_id, person_id, household_id, left_on, sealed, mask_index) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (tenant_id, person_id) DO UPDATE
   SET household_id = excluded.household_id, left_on = excluded.left_on, sealed = excluded.sealed,
       mask_index = excluded.mask_index
 WHERE excluded.left_on IS NULL OR person.household_id = excluded.household_id;

-- name: person_move
UPDATE person SET household_id = $2, left_on = $3
 WHERE person_id = $1 AND ($3::date IS NULL OR household_id = $2);

-- name: programme_put
INSERT INTO programme (tenant_id, programme_id, prior_id, year, state, starts_on, ends_on, version, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (tenant_id, programme_id) DO UPDATE
   SET prior_id = excluded.prior_id, year = excluded.year, state = excluded.state, starts_on = excluded.starts_on,
       ends_on = excluded.ends_on, version = excluded.version, body = excluded.body
 WHERE programme.version <= excluded.version;

-- name: programme_get
SELECT body FROM programme WHERE programme_id = $1;

-- name: programmes
SELECT body FROM programme WHERE state >= 3 ORDER BY starts_on DESC, programme_id LIMIT 200;

-- name: threshold_put
INSERT INTO threshold (tenant_id, programme_id, insurance, on_total_cost, at_least) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (tenant_id, programme_id, insurance) DO UPDATE
   SET on_total_cost = excluded.on_total_cost, at_least = excluded.at_least;

-- name: members_clear
DELETE FROM member WHERE programme_id = $1 AND household_id = $2;

-- name: member_put
INSERT INTO member (tenant_id, programme_id, person_id, household_id, village_id, in_force, consent)
VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (tenant_id, programme_id, person_id) DO UPDATE
   SET household_id = excluded.household_id, village_id = excluded.village_id, in_force = excluded.in_force,
       consent = excluded.consent;

-- name: transfer_put
-- A later word on the same transfer (posted, voided) replaces the earlier one.
INSERT INTO transfer (tenant_id, transfer_id, programme_id, state, debit, credit, amount, day, village_id, subject_id,
                      person_id, why, people, source)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    ON CONFLICT (tenant_id, transfer_id) DO UPDATE SET state = excluded.state, amount = excluded.amount, day = excluded.day;

-- name: participation_put
INSERT INTO participation (tenant_id, programme_id, people, people_whole, people_share, body) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (tenant_id, programme_id) DO UPDATE
   SET people = excluded.people, people_whole = excluded.people_whole, people_share = excluded.people_share,
       body = excluded.body;

-- name: year_close_put
INSERT INTO year_close (tenant_id, programme_id, next_id, carried_over, closed_on) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING;

-- name: agreement_put
INSERT INTO agreement (tenant_id, agreement_id, programme_id, from_day, until_day, has_scan) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (tenant_id, agreement_id) DO UPDATE
   SET from_day = excluded.from_day, until_day = excluded.until_day, has_scan = excluded.has_scan;

-- name: refund_put
INSERT INTO refund (tenant_id, refund_id, programme_id, person_id, amount, route) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (tenant_id, refund_id) DO UPDATE
   SET person_id = excluded.person_id, amount = excluded.amount, route = excluded.route;

-- name: refund_confirm
INSERT INTO refund (tenant_id, refund_id, programme_id, amount, confirmed_on) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (tenant_id, refund_id) DO UPDATE SET confirmed_on = excluded.confirmed_on
RETURNING person_id;

-- name: claim_accept
INSERT INTO claim (tenant_id, claim_id, programme_id, person_id, village_id, number, filed_by, level, insurance, sex,
                   total_cost, own_payment, telling, sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    ON CONFLICT (tenant_id, claim_id) DO UPDATE
   SET programme_id = excluded.programme_id, person_id = excluded.person_id, village_id = excluded.village_id,
       number = excluded.number, filed_by = excluded.filed_by, level = excluded.level, insurance = excluded.insurance,
       sex = excluded.sex, total_cost = excluded.total_cost, own_payment = excluded.own_payment,
       telling = excluded.telling, sealed = excluded.sealed;

-- name: claim_price
INSERT INTO claim (tenant_id, claim_id, programme_id, person_id, village_id, drg, drg_name, adrg, mdc, due, payable,
                   sensitive, sensitive_by, capped, coder_id, reviewer_id, decided_on)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
    ON CONFLICT (tenant_id, claim_id) DO UPDATE
   SET drg = excluded.drg, drg_name = excluded.drg_name, adrg = excluded.adrg, mdc = excluded.mdc, due = excluded.due,
       payable = excluded.payable, sensitive = excluded.sensitive, sensitive_by = excluded.sensitive_by,
       capped = excluded.capped, coder_id = excluded.coder_id, reviewer_id = excluded.reviewer_id,
       decided_on = excluded.decided_on;

-- name: claim_pay
INSERT INTO claim (tenant_id, claim_id, programme_id, person_id, village_id, paid, paid_on)
VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (tenant_id, claim_id) DO UPDATE SET paid = excluded.paid, paid_on = excluded.paid_on;

-- name: claim_refuse
INSERT INTO claim (tenant_id, claim_id, programme_id, person_id, village_id, refused) VALUES ($1, $2, $3, $4, $5, true)
    ON CONFLICT (tenant_id, claim_id) DO UPDATE SET refused = true;

-- name: claim_people
-- Whom a complaint about the claim must not be given to.
SELECT coder_id, reviewer_id, filed_by, village_id, person_id FROM claim WHERE claim_id = $1;

-- name: table_put
INSERT INTO subsidy_table (tenant_id, table_id, programme_id, frozen_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING;

-- name: table_row_put
INSERT INTO subsidy_row (tenant_id, table_id, n, drg, name, amount, parent, who) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT DO NOTHING;

-- name: table_rows
-- The newest frozen table of the programme; rows whose code begins with $2 or whose name holds it.
SELECT r.drg, r.name, r.amount, r.parent, r.who
  FROM subsidy_row r
 WHERE r.table_id = (SELECT table_id FROM subsidy_table WHERE programme_id = $1 ORDER BY frozen_at DESC, table_id LIMIT 1)
   AND ($2 = '' OR upper(r.drg) LIKE upper($2) || '%' OR strpos(r.name, $2) > 0)
 ORDER BY r.n
 LIMIT 5000;

-- name: table_newest
SELECT programme_id FROM subsidy_table ORDER BY frozen_at DESC, table_id LIMIT 1;

-- name: staff_put
INSERT INTO staff (tenant_id, account_id, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: staff_delete
DELETE FROM staff WHERE account_id = $1 AND role = $2;

-- name: staff_handlers
-- Who may own a complaint: officers first, then approvers, the longest known first.
SELECT account_id FROM staff WHERE role IN (3, 4) ORDER BY role, account_id LIMIT 200;

-- Pages.

-- name: payouts_of
-- Paid claims of a period and place that are on no page of another place or period.
SELECT c.claim_id, c.person_id, c.village_id, c.level, c.sex, c.telling, c.sealed, c.drg, c.drg_name, c.adrg, c.mdc, c.due,
       c.paid, c.sensitive, c.capped, coalesce(m.consent, false), p.sealed,
       (SELECT count(*) FROM person q JOIN member n USING (tenant_id, person_id)
         WHERE q.mask_index = p.mask_index AND n.programme_id = $1 AND ($4::uuid IS NULL OR n.village_id = $4)),
       c.sensitive_by
  FROM claim c
  LEFT JOIN member m ON m.tenant_id = c.tenant_id AND m.programme_id = c.programme_id AND m.person_id = c.person_id
  LEFT JOIN person p ON p.tenant_id = c.tenant_id AND p.person_id = c.person_id
  LEFT JOIN disclosed d ON d.tenant_id = c.tenant_id AND d.claim_id = c.claim_id
 WHERE c.programme_id = $1 AND c.paid_on >= $2 AND c.paid_on < $3
   AND ($4::uuid IS NULL OR c.village_id = $4)
   AND (d.claim_id IS NULL OR d.period = $5 AND d.village_id = coalesce($4, '00000000-0000-0000-0000-000000000000'::uuid))
 ORDER BY c.claim_id;

-- name: payouts_undisclosed
SELECT count(*) FROM claim c LEFT JOIN disclosed d USING (tenant_id, claim_id)
 WHERE c.programme_id = $1 AND c.paid_on >= $2 AND c.paid_on < $3 AND d.claim_id IS NULL;

-- name: payments_of
-- What households paid and was not given back by a void.
SELECT t.village_id, t.person_id, t.people, t.amount, p.sealed,
       EXISTS (SELECT FROM member m WHERE m.tenant_id = t.tenant_id AND m.programme_id = t.programme_id
                  AND m.person_id = t.person_id AND m.consent),
       (SELECT name FROM village v WHERE v.tenant_id = t.tenant_id AND v.village_id = t.village_id)
  FROM transfer t
  LEFT JOIN person p ON p.tenant_id = t.tenant_id AND p.person_id = t.person_id
 WHERE t.programme_id = $1 AND t.why = 'payment.personal' AND t.state = 2
   AND ($2::uuid IS NULL OR t.village_id = $2)
   AND NOT EXISTS (SELECT FROM transfer v WHERE v.tenant_id = t.tenant_id AND v.subject_id = t.subject_id
                      AND v.why = 'void' AND v.state = 2)
 ORDER BY 7, t.transfer_id;

-- name: statement_of
-- Money in by source, money out by what for, in a period: posted transfers between the bank or cash and the rest.
SELECT CASE WHEN credit LIKE 'income.%' THEN 1 ELSE 2 END,
       CASE WHEN credit LIKE 'income.%' THEN credit
            WHEN debit LIKE 'income.%' THEN debit
            ELSE debit END,
       count(*), sum(amount)::bigint
  FROM transfer
 WHERE programme_id = $1 AND state = 2 AND day >= $2 AND day < $3
   AND (credit LIKE 'income.%' OR debit LIKE 'income.%' OR debit LIKE 'expense.%' OR debit = 'fund.carried_over')
 GROUP BY 1, 2
 ORDER BY 1, 2;

-- name: balance_before
-- The fund before a day: what came in less what went out.
SELECT coalesce(sum(CASE WHEN credit LIKE 'income.%' THEN amount
                         WHEN debit LIKE 'income.%' OR debit LIKE 'expense.%' OR debit = 'fund.carried_over' THEN -amount
                         ELSE 0 END), 0)::bigint
  FROM transfer WHERE programme_id = $1 AND state = 2 AND day < $2;

-- name: payouts_counted
SELECT count(*), count(DISTINCT person_id) FROM claim WHERE programme_id = $1 AND paid_on >= $2 AND paid_on < $3;

-- name: refunds_of
SELECT coalesce(route, 0), count(*), sum(amount)::bigint, count(confirmed_on),
       coalesce(sum(amount) FILTER (WHERE confirmed_on IS NOT NULL), 0)::bigint
  FROM refund WHERE programme_id = $1 GROUP BY 1 ORDER BY 1;

-- name: complaint_figures
SELECT category, count(*), count(*) FILTER (WHERE state = 'ANSWERED'), count(*) FILTER (WHERE outcome IN (1, 2))
  FROM complaint WHERE received_on >= $1 AND received_on < $2 GROUP BY category ORDER BY category;

-- name: publication_next
-- The version that comes next, and a draft that is in its way.
SELECT coalesce(max(version) FILTER (WHERE state <> 'DRAFT'), 0) + 1
  FROM publication
 WHERE programme_id = $1 AND kind = $2 AND village_id = $3 AND period = $4;

-- name: publication_draft_delete
DELETE FROM publication
 WHERE programme_id = $1 AND kind = $2 AND village_id = $3 AND period = $4 AND state = 'DRAFT';

-- name: programme_lock
SELECT true FROM programme WHERE programme_id = $1 FOR UPDATE;

-- name: publication_insert
INSERT INTO publication (tenant_id, publication_id, programme_id, village_id, kind, period, version, state, title, columns,
                         lines, people, total, root, page, page_sha256, sensitive_by, prepared_by, prepared_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'DRAFT', $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18);

-- name: publication_line_insert
INSERT INTO publication_line (tenant_id, publication_id, n, text) VALUES ($1, $2, $3, $4);

-- name: publication_claim_insert
INSERT INTO publication_claim (tenant_id, publication_id, claim_id, person_id, cell) VALUES ($1, $2, $3, $4, $5);

-- name: publication_get
SELECT publication_id, programme_id, village_id, kind, period, version, state, title, columns, lines, total, root,
       page_sha256, sensitive_by, prepared_by, prepared_at, approved_by, published_at, take_down_on, taken_down_at, reason
  FROM publication WHERE publication_id = $1;

-- name: publication_lock
SELECT publication_id, programme_id, village_id, kind, period, version, state, title, columns, lines, total, root,
       page_sha256, sensitive_by, prepared_by, prepared_at, approved_by, published_at, take_down_on, taken_down_at, reason
  FROM publication WHERE publication_id = $1 FOR UPDATE;

-- name: publication_list
SELECT publication_id, programme_id, village_id, kind, period, version, state, title, columns, lines, total, root,
       page_sha256, sensitive_by, prepared_by, prepared_at, approved_by, published_at, take_down_on, taken_down_at, reason
  FROM publication
 WHERE ($1::uuid IS NULL OR publication_id < $1) AND ($2::uuid IS NULL OR programme_id = $2)
   AND ($3 = 0 OR kind = $3) AND ($4 = '' OR state = $4)
 ORDER BY publication_id DESC
 LIMIT $5;

-- name: publication_index
SELECT publication_id, programme_id, village_id, kind, period, version, state, title, columns, lines, total, root,
       page_sha256, sensitive_by, prepared_by, prepared_at, approved_by, published_at, take_down_on, taken_down_at, reason
  FROM publication
 WHERE state = 'PUBLISHED'
 ORDER BY kind, period DESC, published_at DESC, publication_id
 LIMIT 500;

-- name: publication_page
SELECT page, state FROM publication WHERE publication_id = $1;

-- name: publication_lines
SELECT n, text FROM publication_line WHERE publication_id = $1 ORDER BY n;

-- name: publication_places
SELECT claim_id, person_id, cell FROM publication_claim WHERE publication_id = $1 ORDER BY claim_id;

-- name: publication_current
-- The last version of a place and period that went up, whatever became of it: people remember.
SELECT publication_id FROM publication
 WHERE programme_id = $1 AND kind = $2 AND village_id = $3 AND period = $4 AND state <> 'DRAFT'
 ORDER BY version DESC LIMIT 1;

-- name: publication_replace
UPDATE publication SET state = 'REPLACED'
 WHERE programme_id = $1 AND kind = $2 AND village_id = $3 AND period = $4 AND state = 'PUBLISHED';

-- name: publication_publish
UPDATE publication SET state = 'PUBLISHED', approved_by = $2, published_at = $3, take_down_on = $4 WHERE publication_id = $1;

-- name: publication_take_down
UPDATE publication SET state = 'TAKEN_DOWN', taken_down_at = $2, reason = $3 WHERE publication_id = $1;

-- name: publication_disclose
INSERT INTO disclosed (tenant_id, claim_id, programme_id, village_id, period)
SELECT p.tenant_id, c.claim_id, p.programme_id, p.village_id, p.period
  FROM publication p JOIN publication_claim c USING (tenant_id, publication_id)
 WHERE p.publication_id = $1
   AND NOT EXISTS (SELECT FROM disclosed d WHERE d.tenant_id = c.tenant_id AND d.claim_id = c.claim_id
                      AND d.village_id = p.village_id AND d.period = p.period);

-- name: publication_expired
SELECT publication_id FROM publication WHERE state = 'PUBLISHED' AND take_down_on < $1 ORDER BY publication_id LIMIT 100;

-- name: publication_has_draft
SELECT true FROM publication
 WHERE programme_id = $1 AND kind = $2 AND village_id = $3 AND period = $4 AND state = 'DRAFT';

-- Duties.

-- name: duty_tenants
SELECT tenants_with_programmes();

-- name: alert_once
INSERT INTO alert (tenant_id, what, subject_id, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING true;

-- The annual report: one statement for each blank of appendix A; the report prints their names.

-- name: report_people
-- A.1: who took part at the end of the window; else who is in force now.
SELECT coalesce((SELECT people FROM participation WHERE programme_id = $1),
                (SELECT count(*) FROM member WHERE programme_id = $1 AND in_force))::bigint,
       coalesce((SELECT people_whole FROM participation WHERE programme_id = $1), 0)::bigint,
       coalesce((SELECT people_share FROM participation WHERE programme_id = $1), 0)::bigint;

-- name: report_raised_by_source
-- A.2a: what was raised, each source alone, voided payments out, the surplus of the year before apart.
SELECT source, count(*) FILTER (WHERE credit LIKE 'income.%'),
       sum(CASE WHEN credit LIKE 'income.%' THEN amount ELSE -amount END)::bigint
  FROM transfer
 WHERE programme_id = $1 AND state = 2 AND why <> 'refund'
   AND (credit LIKE 'income.%' OR debit LIKE 'income.%')
 GROUP BY source ORDER BY source;

-- name: report_raised
-- A.2a: this year (the programme's), and all years (the programme's and those before it), carry-over counted once: never.
WITH RECURSIVE chain AS (
    SELECT programme_id, prior_id, 1 AS depth FROM programme WHERE programme_id = $1
    UNION
    SELECT p.programme_id, p.prior_id, depth + 1 FROM programme p JOIN chain c ON p.programme_id = c.prior_id WHERE depth < 50)
SELECT coalesce(sum(CASE WHEN credit LIKE 'income.%' THEN amount ELSE -amount END) FILTER (WHERE programme_id = $1), 0)::bigint,
       coalesce(sum(CASE WHEN credit LIKE 'income.%' THEN amount ELSE -amount END), 0)::bigint
  FROM transfer
 WHERE programme_id IN (SELECT programme_id FROM chain) AND state = 2 AND why NOT IN ('carry_over', 'refund')
   AND (credit LIKE 'income.%' OR debit LIKE 'income.%');

-- name: report_paid
-- A.2b: 人次, people, the sum, the largest payment; and the sum of all years.
WITH RECURSIVE chain AS (
    SELECT programme_id, prior_id, 1 AS depth FROM programme WHERE programme_id = $1
    UNION
    SELECT p.programme_id, p.prior_id, depth + 1 FROM programme p JOIN chain c ON p.programme_id = c.prior_id WHERE depth < 50)
SELECT count(*) FILTER (WHERE programme_id = $1),
       count(DISTINCT person_id) FILTER (WHERE programme_id = $1),
       coalesce(sum(paid) FILTER (WHERE programme_id = $1), 0)::bigint,
       coalesce(max(paid) FILTER (WHERE programme_id = $1), 0)::bigint,
       coalesce(sum(paid), 0)::bigint
  FROM claim WHERE programme_id IN (SELECT programme_id FROM chain) AND paid_on IS NOT NULL;

-- name: report_most_of_a_person
-- A.2b: the largest sum that one person received.
SELECT coalesce(max(total), 0)::bigint
  FROM (SELECT sum(paid) AS total FROM claim WHERE programme_id = $1 AND paid_on IS NOT NULL GROUP BY person_id) AS people;

-- name: report_own_above
-- A.2b: the own payments of paid claims above the threshold of their insurance.  Where the threshold is one of the total
-- cost, that part of the own payment counts by which the total exceeds it.
SELECT coalesce(sum(greatest(0, CASE WHEN t.on_total_cost THEN least(c.own_payment, c.total_cost - t.at_least)
                                     ELSE c.own_payment - coalesce(t.at_least, 0) END)), 0)::bigint,
       coalesce(sum(c.own_payment), 0)::bigint
  FROM claim c LEFT JOIN threshold t USING (tenant_id, programme_id, insurance)
 WHERE c.programme_id = $1 AND c.paid_on IS NOT NULL;

-- name: report_disclosed
-- A.3: claims on pages of payouts that went up, in lines of their own or in a sum, each once; and rows of the frozen table.
SELECT (SELECT count(*) FROM disclosed WHERE programme_id = $1),
       (SELECT coalesce(sum(l), 0) FROM (SELECT DISTINCT ON (village_id, period) lines AS l FROM publication
          WHERE programme_id = $1 AND kind = 3 AND state <> 'DRAFT' ORDER BY village_id, period, version DESC) AS newest)::bigint,
       (SELECT count(*) FROM subsidy_row WHERE table_id =
          (SELECT table_id FROM subsidy_table WHERE programme_id = $1 ORDER BY frozen_at DESC, table_id LIMIT 1)),
       (SELECT count(*) FROM publication WHERE programme_id = $1 AND kind = 1 AND state <> 'DRAFT');

-- name: report_put
INSERT INTO report (tenant_id, report_id, programme_id, year, state, figures, page, book, sha256, prepared_by, prepared_at,
                    due_on)
VALUES ($1, $2, $3, $4, 'PREPARED', $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (tenant_id, programme_id) DO UPDATE
   SET figures = excluded.figures, page = excluded.page, book = excluded.book, sha256 = excluded.sha256,
       prepared_by = excluded.prepared_by, prepared_at = excluded.prepared_at
 WHERE report.state = 'PREPARED'
RETURNING report_id;

-- name: report_get
SELECT report_id, programme_id, year, state, figures, sha256, prepared_by, prepared_at, signed_by, signed_at, due_on
  FROM report WHERE report_id = $1;

-- name: report_lock
SELECT report_id, programme_id, year, state, figures, sha256, prepared_by, prepared_at, signed_by, signed_at, due_on
  FROM report WHERE report_id = $1 FOR UPDATE;

-- name: report_list
SELECT report_id, programme_id, year, state, figures, sha256, prepared_by, prepared_at, signed_by, signed_at, due_on
  FROM report WHERE ($1::uuid IS NULL OR programme_id = $1) ORDER BY year DESC, report_id DESC LIMIT 100;

-- name: report_file
SELECT page, book, year FROM report WHERE report_id = $1;

-- name: report_of_programme
SELECT report_id, state, page FROM report WHERE programme_id = $1;

-- name: report_sign
UPDATE report SET state = 'SIGNED', signed_by = $2, signed_at = $3 WHERE report_id = $1;

-- name: reports_unsigned
-- Programmes whose year ended 20 days ago or more and which have no signed report.
SELECT p.programme_id, p.ends_on FROM programme p
 WHERE p.state IN (4, 5, 6) AND p.ends_on + 20 <= $1
   AND NOT EXISTS (SELECT FROM report r WHERE r.tenant_id = p.tenant_id AND r.programme_id = p.programme_id
                      AND r.state = 'SIGNED')
 ORDER BY p.programme_id;

-- name: report_agreements
-- A.0: the service agreements of the programme, how many with their scan, and the days they cover.
SELECT count(*), count(*) FILTER (WHERE has_scan),
       coalesce(min(from_day) - date '1970-01-01', 0)::bigint, coalesce(max(until_day) - date '1970-01-01', 0)::bigint
  FROM agreement WHERE programme_id = $1;

-- The rows behind the figures, as texts, without names.

-- name: export_claims
SELECT claim_id::text, person_id::text, coalesce(insurance, 0)::text, coalesce(total_cost, 0)::text,
       coalesce(own_payment, 0)::text, coalesce(due, 0)::text, coalesce(payable, 0)::text, paid::text, paid_on::text
  FROM claim WHERE programme_id = $1 AND paid_on IS NOT NULL ORDER BY claim_id;

-- name: export_ledger
SELECT transfer_id::text, programme_id::text, state::text, debit, credit, amount::text, day::text, why, people::text,
       source::text
  FROM transfer WHERE programme_id = $1 ORDER BY transfer_id;

-- name: export_members
SELECT person_id::text, household_id::text, village_id::text, in_force::text, consent::text, '', '', '', ''
  FROM member WHERE programme_id = $1 ORDER BY person_id;

-- name: export_thresholds
SELECT insurance::text, on_total_cost::text, at_least::text FROM threshold WHERE programme_id = $1 ORDER BY insurance;

-- name: export_publications
SELECT publication_id::text, kind::text, village_id::text, period, version::text, state, lines::text,
       coalesce(total::text, ''), encode(root, 'hex'),
       (SELECT count(*)::text FROM publication_claim c WHERE c.tenant_id = p.tenant_id AND c.publication_id = p.publication_id)
  FROM publication p WHERE programme_id = $1 AND state <> 'DRAFT' ORDER BY publication_id;

-- name: export_tables
SELECT r.drg, r.name, r.amount::text, r.parent, r.who
  FROM subsidy_row r
 WHERE r.table_id = (SELECT table_id FROM subsidy_table WHERE programme_id = $1 ORDER BY frozen_at DESC, table_id LIMIT 1)
 ORDER BY r.n;

-- Notices.

-- name: notice_put
INSERT INTO notice (tenant_id, notice_id, person_id, kind, detail, claim_id, at) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: notice_list
SELECT notice_id, kind, detail, claim_id, at, read_at, person_id
  FROM notice
 WHERE person_id IN (SELECT p.person_id FROM person p
                      WHERE p.household_id = (SELECT household_id FROM person WHERE person_id = $1) OR p.person_id = $1)
   AND ($2::uuid IS NULL OR notice_id < $2) AND (NOT $3 OR read_at IS NULL)
 ORDER BY notice_id DESC
 LIMIT $4;

-- name: notice_read
UPDATE notice SET read_at = coalesce(read_at, $3)
 WHERE notice_id = $2
   AND person_id IN (SELECT p.person_id FROM person p
                      WHERE p.household_id = (SELECT household_id FROM person WHERE person_id = $1) OR p.person_id = $1)
RETURNING notice_id, kind, detail, claim_id, at, read_at, person_id;

-- Complaints.

-- name: complaint_number_next
INSERT INTO complaint_number (tenant_id, day, last) VALUES ($1, $2, 1)
    ON CONFLICT (tenant_id, day) DO UPDATE SET last = complaint_number.last + 1
RETURNING last;

-- name: complaint_insert
INSERT INTO complaint (tenant_id, complaint_id, number, state, category, severity, channel, village_id, claim_id,
                       publication_id, about_id, person_id, account_id, owner_id, received_on, accept_by, reply_by,
                       provisional, code_hash, sealed, filed_at)
VALUES ($1, $2, $3, 'FILED', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20);

-- name: complaint_get
SELECT complaint_id, number, state, category, severity, channel, village_id, claim_id, publication_id, about_id, person_id,
       account_id, owner_id, received_on, accept_by, reply_by, provisional, extended, outcome, sealed, answer, filed_at
  FROM complaint WHERE complaint_id = $1;

-- name: complaint_lock
SELECT complaint_id, number, state, category, severity, channel, village_id, claim_id, publication_id, about_id, person_id,
       account_id, owner_id, received_on, accept_by, reply_by, provisional, extended, outcome, sealed, answer, filed_at
  FROM complaint WHERE complaint_id = $1 FOR UPDATE;

-- name: complaint_list
SELECT complaint_id, number, state, category, severity, channel, village_id, claim_id, publication_id, about_id, person_id,
       account_id, owner_id, received_on, accept_by, reply_by, provisional, extended, outcome, sealed, answer, filed_at
  FROM complaint
 WHERE ($1::uuid IS NULL OR complaint_id < $1) AND ($2 = '' OR state = $2)
   AND ($3::date IS NULL OR state IN ('FILED', 'ACCEPTED') AND (reply_by < $3 OR state = 'FILED' AND accept_by < $3))
 ORDER BY complaint_id DESC
 LIMIT $4;

-- name: complaint_by_number
SELECT complaint_id, code_hash, wrong_codes FROM complaint WHERE number = $1 FOR UPDATE;

-- name: complaint_wrong_code
UPDATE complaint SET wrong_codes = wrong_codes + 1 WHERE complaint_id = $1;

-- name: complaint_right_code
UPDATE complaint SET wrong_codes = 0 WHERE complaint_id = $1;

-- name: complaint_put
UPDATE complaint SET state = $2, owner_id = $3, reply_by = $4, extended = $5, outcome = $6, answer = $7, provisional = $8
 WHERE complaint_id = $1;

-- name: complaint_step_insert
INSERT INTO complaint_step (tenant_id, complaint_id, step, what, account_id, at, note)
VALUES ($1, $2, (SELECT coalesce(max(step), 0) + 1 FROM complaint_step WHERE complaint_id = $2), $3, $4, $5, $6);

-- name: complaint_steps
SELECT step, what, account_id, at FROM complaint_step WHERE complaint_id = $1 ORDER BY step;

-- name: complaints_late
SELECT complaint_id, reply_by FROM complaint WHERE state IN ('FILED', 'ACCEPTED') AND reply_by < $1 ORDER BY complaint_id LIMIT 500;
