-- The statements of the contributions service, prepared at start; unqualified names are its own schema's.  Row-level
-- security keeps each of them within the tenant.

-- name: town_put
INSERT INTO town (tenant_id, organisation_id, code, name) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id) DO UPDATE SET organisation_id = excluded.organisation_id, code = excluded.code, name = excluded.name;

-- name: villages_put
INSERT INTO village (tenant_id, village_id, division_code, name)
SELECT $1, v, d, n FROM jsonb_to_recordset($2::jsonb) AS r (v uuid, d text, n text)
ON CONFLICT (tenant_id, village_id) DO UPDATE SET division_code = excluded.division_code, name = excluded.name;

-- name: village_get
SELECT name FROM village WHERE village_id = $1;

-- name: households_put
-- An older version that comes late changes nothing; its persons are left out by the same look at the version.
INSERT INTO household (tenant_id, household_id, village_id, version)
SELECT $1, h, v, n FROM jsonb_to_recordset($2::jsonb) AS r (h uuid, v uuid, n bigint)
ON CONFLICT (tenant_id, household_id) DO UPDATE SET village_id = excluded.village_id, version = excluded.version
 WHERE household.version <= excluded.version;

-- name: persons_put
INSERT INTO person (tenant_id, household_id, person_id, head, grounds, entry, entered_on, left_on, categories, name_sealed)
SELECT $1, r.h, r.p, r.b, r.g, r.e, r.f, r.l, r.k, r.s
  FROM jsonb_to_recordset($2::jsonb) AS r (h uuid, p uuid, n bigint, b boolean, g integer, e smallint, f date, l date, k jsonb, s bytea)
 CROSS JOIN LATERAL (SELECT FROM household WHERE household_id = r.h AND version = r.n OFFSET 0) x
ON CONFLICT (tenant_id, household_id, person_id)
DO UPDATE SET head = excluded.head, grounds = excluded.grounds, entry = excluded.entry, entered_on = excluded.entered_on,
              left_on = excluded.left_on, categories = excluded.categories,
              name_sealed = coalesce(excluded.name_sealed, person.name_sealed);

-- name: programme_guard
SELECT true FROM (SELECT pg_advisory_xact_lock(hashtextextended('contributions.programme.' || $1::uuid::text, 0))) AS taken;

-- name: programme_guard_shared
SELECT true FROM (SELECT pg_advisory_xact_lock_shared(hashtextextended('contributions.programme.' || $1::uuid::text, 0))) AS taken;

-- name: village_guard
SELECT true FROM (SELECT pg_advisory_xact_lock(hashtextextended('contributions.village.' || $1::uuid::text || $2::uuid::text, 0))) AS taken;

-- name: programme_insert
INSERT INTO programme (tenant_id, programme_id, year, state, village_id, window_until, prior_programme_id, body, version, prepared_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: programme_get
SELECT programme_id, village_id, prepared_by, body FROM programme WHERE programme_id = $1;

-- name: programme_update
UPDATE programme
   SET year = $2, state = $3, village_id = $4, window_until = $5, prior_programme_id = $6, body = $7, version = $8,
       prepared_by = $9, approved_by = coalesce($10, approved_by)
 WHERE programme_id = $1;

-- name: programme_list
SELECT programme_id, village_id, prepared_by, body
  FROM programme
 WHERE programme_id > $1 AND ($3::int = 0 OR year = $3) AND ($4::text IS NULL OR state = $4)
 ORDER BY programme_id
 LIMIT $2;

-- name: windows_passed
SELECT tenant_id, programme_id FROM windows_passed($1);

-- name: resolution_insert
INSERT INTO resolution (tenant_id, resolution_id, programme_id, village_id, meeting, met_on, entitled, attended, votes_for,
                        against, abstained, upload_ids, passed, why_not, recorded_by, recorded_at)
VALUES ($1, $2, $3, $4, $5::int, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16);

-- name: resolution_list
SELECT resolution_id, programme_id, village_id, meeting, met_on, entitled, attended, votes_for, against, abstained, upload_ids,
       passed, why_not, recorded_by, recorded_at
  FROM resolution
 WHERE programme_id = $1 AND resolution_id > $2
 ORDER BY resolution_id
 LIMIT $3;

-- name: resolution_passed
SELECT true FROM resolution WHERE programme_id = $1 AND village_id = $2 AND passed LIMIT 1;

-- name: subsidised_insert
INSERT INTO subsidised_list (tenant_id, list_id, programme_id, category, place, source, people, per_head, printed, as_of,
                             upload_id, recorded_by, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6::int, $7, $8, $9, $10, $11, $12, $13);

-- name: subsidised_list
SELECT list_id, category, place, source, people, per_head, printed, as_of, upload_id
  FROM subsidised_list
 WHERE programme_id = $1 AND list_id > $2
 ORDER BY list_id
 LIMIT $3;

-- name: houses_get
-- Households of the register with what is enrolled of them; one row for each person.  Each is looked up by its id: the
-- OFFSETs keep the planner from reading a whole town, which it prefers while it knows nothing of a new table.
SELECT h.household_id, h.village_id, e.household_id IS NOT NULL, coalesce(e.in_force, false), coalesce(e.reference, ''),
       coalesce(e.confirmation, 0)::int, e.upload_id,
       p.person_id, coalesce(p.head, false), coalesce(p.grounds, 0), coalesce(p.entry, 0)::int, p.entered_on, p.left_on,
       CASE WHEN p.categories IS NULL THEN '' ELSE coalesce((
           SELECT string_agg(k.c || ',' || coalesce(k.f - DATE '1970-01-01', -1000000) || ','
                             || coalesce((k.u - DATE '1970-01-01')::text, '') || ';', '')
             FROM jsonb_to_recordset(p.categories) AS k (c text, f date, u date)), '') END,
       m.person_id IS NOT NULL, coalesce(m.publicity_consent, false), coalesce(m.payer, 0)::int, coalesce(m.due_fen, 0),
       coalesce(m.paid, false), coalesce(m.in_force, false), m.from_on, coalesce(m.late, false),
       m.person_id IS NULL AND x.household_id IS NOT NULL
  FROM (SELECT DISTINCT unnest($2::uuid[]) AS household_id) w
 CROSS JOIN LATERAL (SELECT * FROM household WHERE household_id = w.household_id OFFSET 0) h
  LEFT JOIN LATERAL (SELECT * FROM enrolment WHERE programme_id = $1 AND household_id = w.household_id OFFSET 0) e ON true
  LEFT JOIN LATERAL (SELECT * FROM person WHERE household_id = w.household_id OFFSET 0) p ON true
  LEFT JOIN LATERAL (SELECT * FROM enrolment_member WHERE programme_id = $1 AND household_id = w.household_id
                        AND person_id = p.person_id OFFSET 0) m ON true
  LEFT JOIN LATERAL (SELECT household_id FROM enrolment_member WHERE programme_id = $1 AND person_id = p.person_id LIMIT 1) x ON true
 ORDER BY h.household_id, p.head DESC NULLS LAST, p.person_id;

-- name: houses_of_village
SELECT household_id FROM household WHERE village_id = $1 AND household_id > $2 ORDER BY household_id LIMIT $3;

-- name: houses_enrolled
SELECT e.household_id
  FROM enrolment e
 WHERE e.programme_id = $1 AND ($2::uuid IS NULL OR e.village_id = $2) AND e.household_id > $3
   AND (NOT $5::boolean OR EXISTS (SELECT FROM enrolment_member m WHERE m.tenant_id = e.tenant_id AND m.programme_id = e.programme_id
                                      AND m.household_id = e.household_id AND NOT m.paid AND m.due_fen > 0))
 ORDER BY e.household_id
 LIMIT $4;

-- name: household_of_person
SELECT household_id FROM person WHERE person_id = $1 AND left_on IS NULL ORDER BY household_id LIMIT 1;

-- name: household_villages
SELECT DISTINCT h.village_id
  FROM unnest($1::uuid[]) AS w (id)
 CROSS JOIN LATERAL (SELECT village_id FROM household WHERE household_id = w.id OFFSET 0) h
 ORDER BY 1;

-- name: enrolments_put
INSERT INTO enrolment (tenant_id, programme_id, household_id, village_id, content_read, family_confirmed, confirmation, upload_id,
                       in_force, enrolled_at, enrolled_by, version)
SELECT $1, $2, r.h, r.v, true, true, r.k, r.u, r.f, $3, $4, 1
  FROM jsonb_to_recordset($5::jsonb) AS r (h uuid, v uuid, k smallint, u uuid, f boolean)
 ORDER BY r.h
ON CONFLICT (tenant_id, programme_id, household_id)
DO UPDATE SET in_force = excluded.in_force, confirmation = excluded.confirmation, upload_id = excluded.upload_id,
              version = enrolment.version + 1
RETURNING household_id, reference;

-- name: members_put
INSERT INTO enrolment_member (tenant_id, programme_id, household_id, person_id, publicity_consent, payer, due_fen, paid, in_force,
                              from_on, late)
SELECT $1, $2, r.h, r.p, r.c, r.y, r.d, r.x, r.f, r.o, r.l
  FROM jsonb_to_recordset($3::jsonb) AS r (h uuid, p uuid, c boolean, y smallint, d bigint, x boolean, f boolean, o date, l boolean)
 ORDER BY r.h, r.p
ON CONFLICT (tenant_id, programme_id, household_id, person_id)
DO UPDATE SET publicity_consent = excluded.publicity_consent, paid = excluded.paid, in_force = excluded.in_force,
              from_on = excluded.from_on;

-- name: houses_by_reference
SELECT e.reference, e.household_id
  FROM (SELECT DISTINCT jsonb_array_elements_text($2::jsonb) AS reference) w
 CROSS JOIN LATERAL (SELECT * FROM enrolment WHERE reference = w.reference AND programme_id = $1 OFFSET 0) e;

-- name: participation_live
-- The register as it stands on the day; $2 NULL: all villages.
WITH eligible AS (
    SELECT h.village_id, p.household_id, p.person_id
      FROM person p JOIN household h ON h.tenant_id = p.tenant_id AND h.household_id = p.household_id
     WHERE ($2::uuid IS NULL OR h.village_id = $2) AND is_eligible(p.grounds, p.entered_on, p.left_on, p.categories, $3, $4::text[], $5)
), joined AS (
    SELECT e.village_id, m.household_id, m.person_id
      FROM enrolment_member m JOIN enrolment e ON e.tenant_id = m.tenant_id AND e.programme_id = m.programme_id AND e.household_id = m.household_id
     WHERE m.programme_id = $1 AND m.in_force
)
SELECT (SELECT count(*) FROM joined), (SELECT count(*) FROM eligible),
       (SELECT count(DISTINCT household_id) FROM joined), (SELECT count(DISTINCT household_id) FROM eligible),
       (SELECT count(DISTINCT village_id) FROM joined), (SELECT count(*) FROM village WHERE $2::uuid IS NULL OR village_id = $2);

-- name: participation_frozen
WITH joined AS (
    SELECT e.village_id, m.household_id, m.person_id
      FROM enrolment_member m JOIN enrolment e ON e.tenant_id = m.tenant_id AND e.programme_id = m.programme_id AND e.household_id = m.household_id
     WHERE m.programme_id = $1 AND m.in_force AND NOT m.late
)
SELECT (SELECT count(*) FROM joined), count(*),
       (SELECT count(DISTINCT household_id) FROM joined), count(DISTINCT household_id),
       (SELECT count(DISTINCT village_id) FROM joined), (SELECT count(*) FROM village WHERE $2::uuid IS NULL OR village_id = $2)
  FROM register_snapshot
 WHERE programme_id = $1;

-- name: participation_villages
-- Households first, then villages: count(DISTINCT) would sort the whole register.
WITH base AS (
    SELECT h.village_id, p.household_id, p.person_id
      FROM person p JOIN household h ON h.tenant_id = p.tenant_id AND h.household_id = p.household_id
     WHERE NOT $6::boolean AND is_eligible(p.grounds, p.entered_on, p.left_on, p.categories, $3, $4::text[], $5)
    UNION ALL
    SELECT village_id, household_id, person_id FROM register_snapshot WHERE $6::boolean AND programme_id = $1
), whole AS (
    SELECT village_id, sum(n)::bigint AS people, count(*) AS households
      FROM (SELECT village_id, count(*) AS n FROM base GROUP BY village_id, household_id) AS houses
     GROUP BY 1
), joined AS (
    SELECT e.village_id, sum(m.n)::bigint AS people, count(*) AS households
      FROM (SELECT household_id, count(*) AS n FROM enrolment_member WHERE programme_id = $1 AND in_force GROUP BY 1) AS m
      JOIN enrolment e ON e.programme_id = $1 AND e.household_id = m.household_id
     GROUP BY 1
)
SELECT v.village_id, v.name, coalesce(j.people, 0), coalesce(w.people, 0), coalesce(j.households, 0), coalesce(w.households, 0),
       EXISTS (SELECT FROM resolution r WHERE r.programme_id = $1 AND r.village_id = v.village_id AND r.passed)
  FROM village v
  LEFT JOIN whole w USING (village_id)
  LEFT JOIN joined j USING (village_id)
 WHERE $2::uuid IS NULL OR v.village_id = $2
 ORDER BY v.village_id;

-- name: snapshot_take
INSERT INTO register_snapshot (tenant_id, programme_id, village_id, household_id, person_id, in_force)
SELECT p.tenant_id, $1, h.village_id, p.household_id, p.person_id, coalesce(m.in_force, false)
  FROM person p
  JOIN household h ON h.tenant_id = p.tenant_id AND h.household_id = p.household_id
  LEFT JOIN enrolment_member m ON m.tenant_id = p.tenant_id AND m.programme_id = $1 AND m.household_id = p.household_id
                              AND m.person_id = p.person_id
 WHERE ($2::uuid IS NULL OR h.village_id = $2)
   AND (coalesce(m.in_force, false) OR is_eligible(p.grounds, p.entered_on, p.left_on, p.categories, $3, $4::text[], $5));

-- name: measurement_put
INSERT INTO measurement (tenant_id, programme_id, people, payout_gate, warned, body) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant_id, programme_id)
DO UPDATE SET people = excluded.people, payout_gate = excluded.payout_gate, warned = excluded.warned, body = excluded.body;

-- name: measurement_get
SELECT people, payout_gate, warned, body FROM measurement WHERE programme_id = $1;

-- name: book_insert
INSERT INTO cash_book (tenant_id, cash_book_id, programme_id, village_id, account_id, series, receipts, taken_fen, handed_fen, opened_at)
VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, $7);

-- name: book_get
SELECT b.cash_book_id, b.programme_id, b.village_id, b.account_id, b.receipts, b.taken_fen, b.handed_fen, b.series, b.opened_at,
       (SELECT count(*) FROM hand_in i WHERE i.tenant_id = b.tenant_id AND i.cash_book_id = b.cash_book_id
           AND i.counted_fen <> i.expected_fen AND i.explained_by IS NULL)
  FROM cash_book b
 WHERE b.cash_book_id = $1;

-- name: book_list
SELECT b.cash_book_id, b.programme_id, b.village_id, b.account_id, b.receipts, b.taken_fen, b.handed_fen, b.series, b.opened_at,
       (SELECT count(*) FROM hand_in i WHERE i.tenant_id = b.tenant_id AND i.cash_book_id = b.cash_book_id
           AND i.counted_fen <> i.expected_fen AND i.explained_by IS NULL)
  FROM cash_book b
 WHERE b.programme_id = $1 AND b.cash_book_id > $2
 ORDER BY b.cash_book_id
 LIMIT $3;

-- name: book_take
UPDATE cash_book SET receipts = receipts + $2::int, taken_fen = taken_fen + $3 WHERE cash_book_id = $1;

-- name: book_hand_in
UPDATE cash_book SET handed_fen = handed_fen + $2 WHERE cash_book_id = $1;

-- name: books_unbalanced
SELECT count(*), coalesce(sum(b.taken_fen - b.handed_fen), 0)::bigint
  FROM cash_book b
 WHERE b.programme_id = $1
   AND (b.taken_fen <> b.handed_fen
        OR EXISTS (SELECT FROM hand_in i WHERE i.tenant_id = b.tenant_id AND i.cash_book_id = b.cash_book_id
                      AND i.counted_fen <> i.expected_fen AND i.explained_by IS NULL));

-- name: hand_in_insert
INSERT INTO hand_in (tenant_id, hand_in_id, cash_book_id, counted_fen, expected_fen, explanation, upload_id, handed_by, at)
VALUES ($1, $2, $3, $4, $5, '', $6, $7, $8);

-- name: hand_in_get
SELECT cash_book_id, counted_fen, expected_fen, explanation, explained_by, upload_id, at, handed_by
  FROM hand_in
 WHERE hand_in_id = $1;

-- name: hand_in_explain
UPDATE hand_in SET explanation = $2, explained_by = $3 WHERE hand_in_id = $1;

-- name: payments_insert
INSERT INTO payment (tenant_id, payment_id, programme_id, household_id, village_id, route, state, amount_fen, people, person_ids,
                     paid_at, recorded_at, cash_book_id, receipt, statement_id, bank_serial, account_sealed, taken_by)
SELECT $1, r.i, r.g, r.h, r.v, r.r, 'TAKEN', r.a, r.n, r.p::uuid[], r.t, $2, r.b, r.c, r.s, r.l, r.k, $3
  FROM jsonb_to_recordset($4::jsonb) AS r (i uuid, g uuid, h uuid, v uuid, r text, a bigint, n integer, p text, t timestamptz, b uuid,
                                           c integer, s uuid, l text, k bytea);

-- name: payment_get
SELECT p.payment_id, p.programme_id, p.household_id, p.village_id, p.cash_book_id, p.statement_id, p.taken_by, p.route = 'CASH',
       p.state, p.amount_fen, p.people, p.person_ids::text, p.paid_at, coalesce(p.receipt, 0), coalesce(p.bank_serial, ''),
       coalesce(b.series, '')
  FROM payment p
  LEFT JOIN cash_book b ON b.tenant_id = p.tenant_id AND b.cash_book_id = p.cash_book_id
 WHERE p.payment_id = $1;

-- name: payment_void
UPDATE payment SET state = 'VOIDED', voided_by = $2, void_why = $3 WHERE payment_id = $1;

-- name: payment_list
SELECT p.payment_id, p.programme_id, p.household_id, p.village_id, p.cash_book_id, p.statement_id, p.taken_by, p.route = 'CASH',
       p.state, p.amount_fen, p.people, p.person_ids::text, p.paid_at, coalesce(p.receipt, 0), coalesce(p.bank_serial, ''),
       coalesce(b.series, '')
  FROM payment p
  LEFT JOIN cash_book b ON b.tenant_id = p.tenant_id AND b.cash_book_id = p.cash_book_id
 WHERE p.programme_id = $1 AND ($2::uuid IS NULL OR p.village_id = $2) AND ($3::uuid IS NULL OR p.household_id = $3)
   AND ($4::text IS NULL OR p.state = $4) AND p.payment_id > $5
 ORDER BY p.payment_id
 LIMIT $6;

-- name: payment_sum
SELECT count(*), coalesce(sum(amount_fen), 0)::bigint
  FROM payment
 WHERE programme_id = $1 AND ($2::uuid IS NULL OR village_id = $2) AND ($3::uuid IS NULL OR household_id = $3)
   AND ($4::text IS NULL OR state = $4);

-- name: payment_serials_known
SELECT p.bank_serial
  FROM (SELECT DISTINCT jsonb_array_elements_text($2::jsonb) AS serial) w
 CROSS JOIN LATERAL (SELECT bank_serial FROM payment WHERE programme_id = $1 AND bank_serial = w.serial OFFSET 0) p;

-- name: statement_find
SELECT programme_id, sha256, rows, taken FROM statement WHERE statement_id = $1;

-- name: statement_insert
INSERT INTO statement (tenant_id, statement_id, programme_id, sha256, rows, taken, imported_by, imported_at)
VALUES ($1, $2, $3, $4, $5::int, $6::int, $7, $8);

-- name: name_of_payer
SELECT person_id, name_sealed FROM person WHERE household_id = $1 AND left_on IS NULL ORDER BY head DESC, person_id LIMIT 1;

-- name: transfers_insert
INSERT INTO transfer (tenant_id, transfer_id, programme_id, state, why, debit, credit, amount_fen, on_day, village_id, subject_id,
                      line_id, people, source, person_id, recorded_by, recorded_at)
SELECT $1, r.i, $2, r.t, r.w, r.d, r.c, r.a, r.o, r.v, r.s, r.l, r.n, r.k, r.p, $3, $4
  FROM jsonb_to_recordset($5::jsonb) AS r (i uuid, t text, w text, d text, c text, a bigint, o date, v uuid, s uuid, l uuid, n integer,
                                           k smallint, p uuid);

-- name: transfer_settle_line
UPDATE transfer SET state = $2, settled_on = $3
 WHERE line_id = $1 AND state = 'PENDING'
RETURNING transfer_id, programme_id, why, debit, credit, amount_fen, village_id, subject_id, line_id, people, source, person_id;

-- name: transfer_settle_refund
UPDATE transfer SET state = 'POSTED', settled_on = $3
 WHERE programme_id = $1 AND why = 'refund' AND subject_id = $2 AND state = 'PENDING'
RETURNING transfer_id, programme_id, why, debit, credit, amount_fen, village_id, subject_id, line_id, people, source, person_id;

-- name: transfers_pending
SELECT count(*) FROM transfer WHERE programme_id = $1 AND state = 'PENDING';

-- name: transfer_list
SELECT transfer_id, programme_id, why, debit, credit, amount_fen, village_id, subject_id, line_id, people, source, person_id,
       number, state, coalesce(settled_on, on_day)
  FROM transfer
 WHERE programme_id = $1 AND number > $2 AND ($4::text = '' OR debit = $4 OR credit = $4) AND ($5::uuid IS NULL OR subject_id = $5)
 ORDER BY number
 LIMIT $3;

-- name: balance_list
SELECT code, debit, credit, debit_pending, credit_pending FROM account WHERE programme_id = $1 ORDER BY code;

-- name: fund_balance
SELECT coalesce(sum(debit - credit), 0)::bigint,
       coalesce(sum(debit - credit - credit_pending) FILTER (WHERE code = 'bank'), 0)::bigint
  FROM account
 WHERE programme_id = $1 AND code IN ('bank', 'cash');

-- name: paid_of_why
SELECT coalesce(sum(amount_fen), 0)::bigint FROM transfer WHERE programme_id = $1 AND why = $2 AND state <> 'VOIDED';

-- name: funds_insert
INSERT INTO funds (tenant_id, funds_id, programme_id, kind, giver, amount_fen, on_day, upload_id, invoice, per_head_fen, people,
                   recorded_by, recorded_at)
VALUES ($1, $2, $3, $4::int, $5, $6, $7, $8, $9, $10, $11::int, $12, $13);

-- name: funds_list
SELECT funds_id, programme_id, kind, giver, amount_fen, on_day, upload_id, coalesce(invoice, ''), per_head_fen, people, recorded_by,
       recorded_at
  FROM funds
 WHERE programme_id = $1 AND funds_id > $2
 ORDER BY funds_id
 LIMIT $3;

-- name: funds_sum
SELECT coalesce(sum(amount_fen), 0)::bigint FROM funds WHERE programme_id = $1;

-- name: invoice_next
-- Invoices of one day follow one another without gaps: a lock of the prefix, then the count.
SELECT (SELECT count(*) FROM funds WHERE invoice LIKE $1::text || '%') + 1
  FROM (SELECT pg_advisory_xact_lock(hashtextextended('contributions.invoice.' || $2::uuid::text || $1::text, 0))) AS taken;

-- name: agreement_insert
INSERT INTO agreement (tenant_id, agreement_id, programme_id, provider, from_on, until_on, fee_fen, upload_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: agreement_get
SELECT agreement_id, provider, from_on, until_on, fee_fen, upload_id FROM agreement WHERE programme_id = $1 AND agreement_id = $2;

-- name: carry_over_insert
INSERT INTO carry_over (tenant_id, programme_id, next_programme_id, amount_fen, on_day) VALUES ($1, $2, $3, $4, $5);

-- name: list_answered
SELECT true FROM list_answer WHERE list_id = $1;

-- name: list_answer_insert
INSERT INTO list_answer (tenant_id, list_id, programme_id, reserved, total_fen) VALUES ($1, $2, $3, $4, $5);

-- name: refunds_due
-- To who paid, by the way the money came; to who gave.
SELECT p.payment_id, NULL::uuid, p.village_id, (SELECT x.person_id FROM person x WHERE x.tenant_id = p.tenant_id AND x.household_id = p.household_id
        AND x.left_on IS NULL ORDER BY x.head DESC, x.person_id LIMIT 1), 1, p.route = 'CASH', p.amount_fen, p.account_sealed
  FROM payment p
 WHERE p.programme_id = $1 AND p.state = 'TAKEN'
UNION ALL
SELECT NULL, f.funds_id, NULL, NULL, f.kind, false, f.amount_fen, NULL
  FROM funds f
 WHERE f.programme_id = $1
 ORDER BY 1, 2;

-- name: refunds_insert
INSERT INTO refund (tenant_id, refund_id, programme_id, payment_id, funds_id, source, route, amount_fen)
SELECT $1, r.i, $2, r.p, r.f, r.k, r.r, r.a
  FROM jsonb_to_recordset($3::jsonb) AS r (i uuid, p uuid, f uuid, k smallint, r text, a bigint);

-- name: refund_confirm
WITH done AS (
    UPDATE refund SET confirmed_on = $2 WHERE refund_id = $1 AND confirmed_on IS NULL RETURNING tenant_id, programme_id, payment_id
), back AS (
    UPDATE payment p SET state = 'REFUNDED' FROM done WHERE p.tenant_id = done.tenant_id AND p.payment_id = done.payment_id
)
SELECT programme_id FROM done;
