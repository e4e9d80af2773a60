-- The statements of the disbursement service, prepared at start; unqualified names are its own schema's.  Row-level
-- security keeps each of them within the tenant.

-- name: programme_upsert
INSERT INTO programme (tenant_id, programme_id, name, year, custodian_account, state, list_day, pay_before_day)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT ON CONSTRAINT programme_once DO UPDATE
   SET name = excluded.name, year = excluded.year, custodian_account = excluded.custodian_account,
       state = excluded.state, list_day = excluded.list_day, pay_before_day = excluded.pay_before_day;

-- name: programme_get
SELECT name, year, custodian_account, state, list_day, pay_before_day FROM programme WHERE programme_id = $1;

-- name: programme_lock
-- FOR NO KEY UPDATE: one list or batch of a programme is made at a time.
SELECT name, year, custodian_account, state, list_day, pay_before_day FROM programme WHERE programme_id = $1
   FOR NO KEY UPDATE;

-- name: lists_due
SELECT tenant_id, programme_id FROM lists_due($1, $2);

-- name: claim_accept
INSERT INTO claim (tenant_id, claim_id, number, programme_id, person_id, village_id, payee_sealed, payee_index, payee_rev)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1)
ON CONFLICT ON CONSTRAINT claim_once DO UPDATE
   SET number = excluded.number, person_id = excluded.person_id, village_id = excluded.village_id,
       payee_sealed = excluded.payee_sealed, payee_index = excluded.payee_index, payee_rev = claim.payee_rev + 1;

-- name: claim_payee
UPDATE claim SET payee_sealed = $2, payee_index = $3, payee_rev = payee_rev + 1 WHERE claim_id = $1 RETURNING 1;

-- name: claim_gone
UPDATE claim SET gone = true WHERE claim_id = $1;

-- name: claim_price
INSERT INTO claim (tenant_id, claim_id, programme_id, person_id, village_id, coding_id, drg, drg_name, due_fen,
                   payable_fen, decided_on, basis_sha256, coder_id, reviewer_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT ON CONSTRAINT claim_once DO UPDATE
   SET programme_id = excluded.programme_id, person_id = excluded.person_id, village_id = excluded.village_id,
       coding_id = excluded.coding_id, drg = excluded.drg, drg_name = excluded.drg_name, due_fen = excluded.due_fen,
       payable_fen = excluded.payable_fen, decided_on = excluded.decided_on, basis_sha256 = excluded.basis_sha256,
       coder_id = excluded.coder_id, reviewer_id = excluded.reviewer_id;

-- name: claim_unprice
-- It went back to coding: no list takes it before it has its next price.
UPDATE claim SET payable_fen = NULL WHERE claim_id = $1;

-- name: claim_line
-- The line that the claim is on, if any, and its list.
SELECT n.line_id, n.list_id FROM line n WHERE n.claim_id = $1 AND n.state <> 'RETURNED';

-- name: claims_ready
-- Decided before the day $2 and on no line.
SELECT c.claim_id, c.person_id, c.village_id, c.payable_fen
  FROM claim c
 WHERE c.programme_id = $1 AND c.payable_fen > 0 AND c.payee_sealed IS NOT NULL AND NOT c.gone AND c.decided_on < $2
   AND NOT EXISTS (SELECT 1 FROM line n WHERE n.claim_id = c.claim_id AND n.state <> 'RETURNED')
 ORDER BY c.decided_on, c.number, c.claim_id
 LIMIT $3;

-- name: list_insert
INSERT INTO payout_list (tenant_id, list_id, programme_id, month, version, state, lines, total_fen, pay_before,
                         provisional, postponed, sha256, prepared_at, prepared_by)
VALUES ($1, $2, $3, $4, 1, 'PREPARED', 0, 0, $5, $6, $7, $8, $9, $10);

-- name: list_by_month
SELECT list_id FROM payout_list WHERE programme_id = $1 AND month = $2;

-- name: list_lock
SELECT 1 FROM payout_list WHERE list_id = $1 FOR NO KEY UPDATE;

-- name: list_get
SELECT list_id, programme_id, month, version, state, lines, total_fen, pay_before, provisional, postponed, sha256,
       prepared_at, prepared_by, submitted_at, submitted_by, approved_at, approved_by, refusal, shortfall_fen,
       returned_why, signature, key_id, reviewed, ended
  FROM list_full WHERE list_id = $1;

-- name: list_page
SELECT list_id, programme_id, month, version, state, lines, total_fen, pay_before, provisional, postponed, sha256,
       prepared_at, prepared_by, submitted_at, submitted_by, approved_at, approved_by, refusal, shortfall_fen,
       returned_why, signature, key_id, reviewed, ended
  FROM list_full
 WHERE list_id > $1 AND ($2::uuid IS NULL OR programme_id = $2) AND ($3::date IS NULL OR month = $3)
   AND ($4::text IS NULL OR state = $4)
 ORDER BY list_id
 LIMIT $5;

-- name: list_update
UPDATE payout_list
   SET version = $2, state = $3, lines = $4, total_fen = $5, sha256 = $6, submitted_at = $7, submitted_by = $8,
       approved_at = $9, approved_by = $10, refusal = $11, shortfall_fen = $12, returned_why = $13, signature = $14,
       key_id = $15
 WHERE list_id = $1;

-- name: list_version_insert
INSERT INTO list_version (tenant_id, list_id, version, lines, total_fen, sha256, made_at, why)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: list_sum
SELECT line_id, claim_id, amount_fen FROM line WHERE list_id = $1 AND state <> 'RETURNED' ORDER BY line_id;

-- name: list_settle
-- Lists of which every line has ended.
UPDATE payout_list l SET state = 'SETTLED', settled_at = $2
 WHERE l.list_id = ANY ($1::text::uuid[]) AND l.state IN ('RESERVED', 'PAYING')
   AND NOT EXISTS (SELECT 1 FROM line n WHERE n.list_id = l.list_id AND n.state NOT IN ('PAID', 'VOIDED', 'RETURNED'));

-- name: lists_of_batch
SELECT DISTINCT n.list_id FROM line n JOIN batch_item i ON i.line_id = n.line_id
 WHERE i.batch_id = $1 AND n.list_id IS NOT NULL ORDER BY n.list_id;

-- name: line_insert
INSERT INTO line (tenant_id, line_id, kind, list_id, programme_id, claim_id, person_id, village_id, state, amount_fen,
                  changed_at)
VALUES ($1, $2, 'PAYOUT', $3, $4, $5, $6, $7, 'LISTED', $8, $9);

-- name: refund_insert
-- An event that comes again changes nothing.
INSERT INTO line (tenant_id, line_id, kind, programme_id, person_id, village_id, state, amount_fen, route,
                  account_sealed, account_index, changed_at)
VALUES ($1, $2, 'REFUND', $3, $4, $5, 'RESERVED', $6, $7, $8, $9, $10);

-- name: line_lock
SELECT 1 FROM line WHERE line_id = $1 FOR NO KEY UPDATE;

-- name: line_get
SELECT * FROM line_full WHERE line_id = $1;

-- name: line_page
SELECT * FROM line_full
 WHERE list_id = $1 AND line_id > $2 AND ($3::text IS NULL OR state = $3)
 ORDER BY line_id
 LIMIT $4;

-- name: refund_page
SELECT * FROM line_full
 WHERE kind = 'REFUND' AND line_id > $1 AND ($2::uuid IS NULL OR programme_id = $2)
   AND ($3::uuid IS NULL OR village_id = $3) AND ($4::int = 0 OR route = $4) AND ($5::text IS NULL OR state = $5)
   AND ($6::text IS NULL OR village_id = ANY ($6::text::uuid[]))
 ORDER BY line_id
 LIMIT $7;

-- name: lines_lock
-- Of a programme, waiting for a batch: those of the lists $3, the lines $4, or (both empty) all.
SELECT line_id FROM line
 WHERE programme_id = $1 AND kind = $2 AND state = 'RESERVED' AND route IN (0, 1)
   AND (list_id = ANY ($3::text::uuid[]) OR line_id = ANY ($4::text::uuid[]) OR ($3::text = '{}' AND $4::text = '{}'))
 ORDER BY list_id, line_id
 LIMIT $5
   FOR NO KEY UPDATE;

-- name: lines_named
SELECT * FROM line_full WHERE line_id = ANY ($1::text::uuid[]) ORDER BY list_id, line_id;

-- name: lists_named
SELECT list_id FROM payout_list WHERE list_id = ANY ($1::text::uuid[]) AND programme_id = $2;

-- name: line_update
UPDATE line
   SET state = $2, amount_fen = $3, checked_by = $4, return_reason = $5, attempt = $6, batch_id = $7, batched_rev = $8,
       paid_on = $9, receipt = $10, failure = $11, void_reason = $12, changed_at = $13
 WHERE line_id = $1;

-- name: lines_check
-- Locked in the order of the key; how many of them waited to be looked at.
WITH wanted AS (SELECT line_id FROM line WHERE list_id = $1 AND line_id = ANY ($2::text::uuid[]) ORDER BY line_id
                   FOR NO KEY UPDATE)
UPDATE line n SET state = 'CHECKED', checked_by = $3, changed_at = $4
  FROM wanted w WHERE n.line_id = w.line_id AND n.state IN ('LISTED', 'CHECKED') RETURNING 1;

-- name: lines_reserve
UPDATE line SET state = 'RESERVED', changed_at = $2 WHERE list_id = $1 AND state = 'CHECKED';

-- name: lines_send
UPDATE line SET state = 'SENT', changed_at = $2 WHERE batch_id = $1 AND state = 'BATCHED';

-- name: lines_unbatch
UPDATE line SET state = 'RESERVED', batch_id = NULL, changed_at = $2 WHERE batch_id = $1 AND state = 'BATCHED';

-- name: lists_send
UPDATE payout_list SET state = 'PAYING'
 WHERE state = 'RESERVED' AND list_id IN (SELECT list_id FROM line WHERE batch_id = $1);

-- name: layout_newest
SELECT name, version, text, set_at, set_by FROM bank_layout WHERE name = $1 ORDER BY version DESC LIMIT 1;

-- name: layouts_newest
SELECT DISTINCT ON (name) name, version, text, set_at, set_by FROM bank_layout ORDER BY name, version DESC LIMIT 200;

-- name: layout_insert
INSERT INTO bank_layout (tenant_id, name, version, text, set_at, set_by) VALUES ($1, $2, $3, $4, $5, $6);

-- name: batch_last_number
SELECT max(number) FROM bank_batch WHERE number LIKE $1::text || '____' AND number ~ '^[0-9]{12}$';

-- name: batch_insert
INSERT INTO bank_batch (tenant_id, batch_id, number, programme_id, kind, state, layout, layout_version, layout_text,
                        lines, total_fen, file_name, content_type, file_sealed, sha256, made_at, made_by)
VALUES ($1, $2, $3, $4, $5, 'MADE', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16);

-- name: batch_lock
SELECT 1 FROM bank_batch WHERE batch_id = $1 FOR NO KEY UPDATE;

-- name: batch_get
SELECT batch_id, number, programme_id, kind, state, layout, layout_version, layout_text, lines, total_fen, file_name,
       content_type, sha256, made_at, made_by, sent_at, sent_by, key_id, contradicted, paid, failed, unknown
  FROM batch_full WHERE batch_id = $1;

-- name: batch_page
SELECT batch_id, number, programme_id, kind, state, layout, layout_version, layout_text, lines, total_fen, file_name,
       content_type, sha256, made_at, made_by, sent_at, sent_by, key_id, contradicted, paid, failed, unknown
  FROM batch_full
 WHERE batch_id > $1 AND ($2::uuid IS NULL OR programme_id = $2) AND ($3::text IS NULL OR state = $3)
 ORDER BY batch_id
 LIMIT $4;

-- name: batch_update
UPDATE bank_batch
   SET state = $2, sent_at = $3, sent_by = $4, manifest = coalesce($5, manifest), key_id = $6, contradicted = $7
 WHERE batch_id = $1;

-- name: batch_file
SELECT file_sealed, manifest FROM bank_batch WHERE batch_id = $1;

-- name: item_insert
INSERT INTO batch_item (tenant_id, batch_id, sequence, reference, line_id, attempt, amount_fen, payee_sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: items_page
SELECT batch_id, line_id, sequence, attempt, reference, receipt, failure, amount_fen, outcome, paid_on, payee_sealed
  FROM batch_item WHERE batch_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3;

-- name: items_of_line
SELECT i.batch_id, i.line_id, i.sequence, i.attempt, i.reference, i.receipt, i.failure, i.amount_fen, i.outcome,
       i.paid_on, i.payee_sealed
  FROM batch_item i WHERE i.line_id = $1 AND i.live ORDER BY i.attempt DESC LIMIT 50;

-- name: items_forget
UPDATE batch_item SET live = false WHERE batch_id = $1;

-- name: item_answer
UPDATE batch_item SET outcome = $3, receipt = $4, failure = $5, paid_on = $6 WHERE batch_id = $1 AND sequence = $2;

-- name: result_seen
SELECT verdict FROM bank_result WHERE batch_id = $1 AND sha256 = $2;

-- name: result_insert
INSERT INTO bank_result (tenant_id, batch_id, sha256, verdict, paid, failed, unknown, paid_fen, at, by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: month_figures
SELECT l.list_id, f.paid, f.paid_in_time, f.failed, f.paid_fen
  FROM payout_list l
 CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE n.state = 'PAID') AS paid,
                            count(*) FILTER (WHERE n.state = 'PAID' AND n.paid_on <= l.pay_before) AS paid_in_time,
                            count(*) FILTER (WHERE n.state = 'FAILED') AS failed,
                            coalesce(sum(n.amount_fen) FILTER (WHERE n.state = 'PAID'), 0)::bigint AS paid_fen
                       FROM line n WHERE n.list_id = l.list_id) f
 WHERE ($1::uuid IS NULL OR l.programme_id = $1) AND ($2::date IS NULL OR l.month = $2)
 ORDER BY l.month DESC, l.list_id
 LIMIT 120;

-- name: batches_contradicted
SELECT count(*) FROM bank_batch WHERE contradicted AND ($1::uuid IS NULL OR programme_id = $1);
