-- The statements of the claims service, prepared at start; unqualified names are its own schema's.  Row-level security
-- keeps each of them within the tenant.

-- name: upload_get
SELECT account_id, size, content_type, sha256, started_at, coalesce(sent, size), orientation
  FROM upload WHERE upload_id = $1;

-- name: upload_lock
SELECT account_id, size, content_type, sha256, started_at, coalesce(sent, size), orientation
  FROM upload WHERE upload_id = $1 FOR UPDATE;

-- name: upload_insert
INSERT INTO upload (tenant_id, upload_id, account_id, size, content_type, started_at) VALUES ($1, $2, $3, 0, $4, $5);

-- name: upload_grow
UPDATE upload SET size = $2 WHERE upload_id = $1;

-- name: upload_finish
UPDATE upload SET sha256 = $2, finished_at = $3, size = $4, sent = $5, orientation = $6 WHERE upload_id = $1;

-- name: piece_insert
INSERT INTO upload_piece (tenant_id, upload_id, start, size, sealed) VALUES ($1, $2, $3, $4, $5);

-- name: piece_at
-- The piece that holds the byte $2.
SELECT start, size, sealed
  FROM upload_piece
 WHERE upload_id = $1 AND start <= $2
 ORDER BY start DESC
 LIMIT 1;

-- name: piece_delete
DELETE FROM upload_piece WHERE upload_id = $1 AND start = $2;

-- name: sent_insert
INSERT INTO upload_sent (tenant_id, upload_id, start, size, sha256) VALUES ($1, $2, $3, $4, $5);

-- name: sent_get
SELECT size, sha256 FROM upload_sent WHERE upload_id = $1 AND start = $2;

-- name: upload_purge
SELECT purge_uploads($1);

-- name: upload_claim
-- The claim that the upload is a paper of, if any.
SELECT claim_id FROM claim_paper WHERE upload_id = $1;

-- What others told.

-- name: household_put
-- An older version changes nothing.
INSERT INTO household (tenant_id, household_id, village_id, version) VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant_id, household_id) DO UPDATE SET village_id = excluded.village_id, version = excluded.version
 WHERE household.version < excluded.version
RETURNING true;

-- name: person_put
-- Who left a household is changed only while it still is the person's own: another one may have told of the person since.
INSERT INTO person (tenant_id, person_id, household_id, left_on, sealed) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (tenant_id, person_id) DO UPDATE
   SET household_id = excluded.household_id, left_on = excluded.left_on, sealed = excluded.sealed
 WHERE excluded.left_on IS NULL OR person.household_id = excluded.household_id;

-- name: person_move
-- The same of a person whose name the event does not hold again.
UPDATE person SET household_id = $2, left_on = $3
 WHERE person_id = $1 AND ($3::date IS NULL OR household_id = $2);

-- name: person_get
SELECT p.household_id, h.village_id, p.sealed FROM person p JOIN household h USING (tenant_id, household_id)
 WHERE p.person_id = $1;

-- name: person_lock
SELECT true FROM person WHERE person_id = $1 FOR UPDATE;

-- name: person_household
SELECT household_id FROM person WHERE person_id = $1;

-- name: programme_put
INSERT INTO programme (tenant_id, programme_id, state, village_id, starts_on, ends_on, version, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (tenant_id, programme_id) DO UPDATE
   SET state = excluded.state, village_id = excluded.village_id, starts_on = excluded.starts_on,
       ends_on = excluded.ends_on, version = excluded.version, body = excluded.body
 WHERE programme.version <= excluded.version;

-- name: programme_get
SELECT body FROM programme WHERE programme_id = $1;

-- name: candidates
-- The programmes of the last ten years with the person's part in each.
SELECT p.body, coalesce(m.in_force, false), coalesce(m.protected_from, p.starts_on)
  FROM programme p
  LEFT JOIN member m ON m.tenant_id = p.tenant_id AND m.programme_id = p.programme_id AND m.person_id = $1
 WHERE p.state >= 3 AND (p.village_id IS NULL OR p.village_id = $2)
 ORDER BY p.starts_on DESC, p.programme_id
 LIMIT 64;

-- name: member_clear
-- Who of the household is not told again takes no part any more.
UPDATE member SET in_force = false WHERE programme_id = $1 AND household_id = $2;

-- name: member_put
INSERT INTO member (tenant_id, programme_id, person_id, household_id, in_force, protected_from)
VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (tenant_id, programme_id, person_id) DO UPDATE
   SET household_id = excluded.household_id, in_force = excluded.in_force, protected_from = excluded.protected_from;

-- name: job_put
INSERT INTO job (tenant_id, claim_id, account_id, until) VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant_id, claim_id, account_id) DO UPDATE SET until = excluded.until;

-- name: job_delete
DELETE FROM job WHERE claim_id = $1 AND account_id = $2;

-- name: job_is_held
SELECT true FROM job WHERE claim_id = $1 AND account_id = $2 AND until > $3;

-- Claims.

-- name: claim_get
SELECT * FROM claim_now WHERE claim_id = $1;

-- name: claim_lock
SELECT true FROM claim WHERE claim_id = $1 FOR UPDATE;

-- name: claim_insert
INSERT INTO claim (tenant_id, claim_id, state, person_id, household_id, village_id, filed_by, by_agent, filed_at,
                   admitted, discharged, hospital, hospital_code, hospital_level, insurance, outpatient,
                   total_cost, basic_paid, own_payment, purpose, cause, relation, sealed, card_index, card_unsure, version)
VALUES ($1, $2, 'DRAFT', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
        $24, 1);

-- name: claim_rewrite
-- A draft written again.
UPDATE claim SET person_id = $2, household_id = $3, village_id = $4, by_agent = $5, filed_at = $6, admitted = $7,
       discharged = $8, hospital = $9, hospital_code = $10, hospital_level = $11, insurance = $12, outpatient = $13,
       total_cost = $14, basic_paid = $15, own_payment = $16, purpose = $17, cause = $18, relation = $19, sealed = $20,
       card_index = $21, card_unsure = $22, version = version + 1
 WHERE claim_id = $1;

-- name: claim_put
-- What steps change.
UPDATE claim SET state = $2, number = $3, programme_id = $4, round = $5, asked = $6, asked_note = $7, reason = $8,
       requirement = $9, words = $10, payable = $11, decided_on = $12, paid_on = $13, filed_at = $14,
       household_id = $15, village_id = $16, version = version + 1
 WHERE claim_id = $1;

-- name: claim_payee
UPDATE claim SET relation = $2, sealed = $3, card_index = $4, card_unsure = $5, version = version + 1
 WHERE claim_id = $1;

-- name: claim_number_next
INSERT INTO claim_number (tenant_id, year, last) VALUES ($1, $2, 1)
    ON CONFLICT (tenant_id, year) DO UPDATE SET last = claim_number.last + 1
RETURNING last;

-- name: claim_stays
-- The patient's live stays around these days.
SELECT number, admitted, discharged, hospital, hospital_code
  FROM claim
 WHERE person_id = $1 AND claim_id <> $2 AND state NOT IN ('DRAFT', 'REFUSED', 'WITHDRAWN')
   AND admitted <= $4 AND discharged >= $3
 ORDER BY admitted, claim_id;

-- name: claim_card_shared
-- Whether somebody else's claim is paid to the same card.
SELECT EXISTS (SELECT FROM claim WHERE card_index = $1 AND person_id <> $2 AND state NOT IN ('DRAFT', 'WITHDRAWN'));

-- The lists take the same parameters and differ in the index that they go by: one statement with "or NULL" for all would
-- read the whole tenant for a rare state.

-- name: claim_list
SELECT * FROM claim_now
 WHERE claim_id > $1 AND $3::text IS NULL AND $4::text IS NULL AND $5::uuid IS NULL
   AND ($6::uuid IS NULL OR programme_id = $6)
 ORDER BY claim_id
 LIMIT $2;

-- name: claim_list_of_person
SELECT * FROM claim_now
 WHERE claim_id > $1 AND person_id = $5
   AND ($3::text IS NULL OR state = $3)
   AND ($4::text IS NULL OR village_id = ANY (string_to_array($4, ',')::uuid[]))
   AND ($6::uuid IS NULL OR programme_id = $6)
 ORDER BY claim_id
 LIMIT $2;

-- name: claim_list_in_state
SELECT * FROM claim_now
 WHERE claim_id > $1 AND state = $3 AND $4::text IS NULL AND $5::uuid IS NULL
   AND ($6::uuid IS NULL OR programme_id = $6)
 ORDER BY claim_id
 LIMIT $2;

-- name: claim_list_of_village
-- Of some villages: ids with commas between.
SELECT * FROM claim_now
 WHERE claim_id > $1 AND village_id = ANY (string_to_array($4, ',')::uuid[])
   AND ($3::text IS NULL OR state = $3)
   AND ($5::uuid IS NULL OR person_id = $5)
   AND ($6::uuid IS NULL OR programme_id = $6)
 ORDER BY claim_id
 LIMIT $2;

-- name: claim_list_own
-- A member's: its household's and those that it filed.
SELECT * FROM claim_now
 WHERE claim_id > $1 AND (household_id = $7 OR filed_by = $8)
   AND ($3::text IS NULL OR state = $3)
   AND ($4::text IS NULL OR village_id = ANY (string_to_array($4, ',')::uuid[]))
   AND ($5::uuid IS NULL OR person_id = $5)
   AND ($6::uuid IS NULL OR programme_id = $6)
 ORDER BY claim_id
 LIMIT $2;

-- name: claim_overdue
SELECT * FROM claim_now
 WHERE is_open AND due_on < $3 AND (due_on, claim_id) > ($4, $1)
   AND ($5::text IS NULL OR village_id = ANY (string_to_array($5, ',')::uuid[]))
 ORDER BY due_on, claim_id
 LIMIT $2;

-- name: paper_insert
INSERT INTO claim_paper (tenant_id, claim_id, upload_id, kind, round, attached_at) VALUES ($1, $2, $3, $4, $5, $6);

-- name: paper_delete
DELETE FROM claim_paper WHERE claim_id = $1 AND upload_id = $2 RETURNING true;

-- name: paper_list
SELECT p.upload_id, p.kind, u.content_type, u.size, u.sha256, p.attached_at, p.round
  FROM claim_paper p JOIN upload u USING (tenant_id, upload_id)
 WHERE p.claim_id = $1
 ORDER BY p.kind, p.attached_at, p.upload_id;

-- name: step_insert
INSERT INTO claim_step (tenant_id, claim_id, step, what, from_state, to_state, account_id, caused_by, at, words)
SELECT $1, $2, coalesce(max(step), 0) + 1, $3, $4, $5, $6, $7, $8, $9 FROM claim_step WHERE claim_id = $2;

-- name: step_list
SELECT step, what, from_state, to_state, account_id, caused_by, at, words FROM claim_step
 WHERE claim_id = $1 ORDER BY step;

-- name: round_insert
INSERT INTO claim_round (tenant_id, claim_id, round, complete_on, due_on, provisional, workdays)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: round_list
SELECT round, complete_on, due_on, provisional, workdays, paused_on, decided_on FROM claim_round
 WHERE claim_id = $1 ORDER BY round;

-- name: round_pause
UPDATE claim_round SET paused_on = $3 WHERE claim_id = $1 AND round = $2 AND paused_on IS NULL;

-- name: round_decide
-- NULL: it runs again towards the same due day, because the decision came back.
UPDATE claim_round SET decided_on = $3, paused_on = CASE WHEN $3::date IS NULL THEN NULL ELSE paused_on END
 WHERE claim_id = $1 AND round = $2;

-- name: round_close
UPDATE claim_round SET closed_on = $3 WHERE claim_id = $1 AND round = $2;

-- name: round_recount
UPDATE claim_round SET due_on = $3, provisional = $4 WHERE claim_id = $1 AND round = $2;

-- name: provisional_tenants
SELECT tenants_with_provisional_days();

-- name: provisional_rounds
SELECT r.claim_id, r.round, r.complete_on, r.due_on, r.workdays, c.programme_id, c.state
  FROM claim c JOIN claim_round r USING (tenant_id, claim_id, round)
 WHERE r.provisional AND r.paused_on IS NULL AND r.decided_on IS NULL AND r.closed_on IS NULL
 ORDER BY r.claim_id
 LIMIT 500
   FOR UPDATE OF c;
