-- name: year_scheme_get
SELECT year, id, name, version, checksum, named_at, named_by, revision
  FROM coding.year_scheme
 WHERE year = $1;

-- name: year_scheme_lock
SELECT year, id, name, version, checksum, named_at, named_by, revision
  FROM coding.year_scheme
 WHERE year = $1
   FOR UPDATE;

-- name: year_scheme_insert
INSERT INTO coding.year_scheme (tenant_id, year, id, name, version, checksum, named_at, named_by, revision)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1);

-- name: year_scheme_update
UPDATE coding.year_scheme
   SET id = $2, name = $3, version = $4, checksum = $5, named_at = $6, named_by = $7, revision = revision + 1
 WHERE year = $1;

-- --- programmes ---

-- name: programme_get
SELECT year, name, scheme, claim_least_fen, claim_most_fen, person_most_fen, own_payment_limits, workdays, exclusions,
       version
  FROM programme
 WHERE programme_id = $1;

-- name: programme_lock
SELECT version FROM programme WHERE programme_id = $1 FOR UPDATE;

-- name: programme_put
INSERT INTO programme AS p (tenant_id, programme_id, year, name, scheme, claim_least_fen, claim_most_fen, person_most_fen,
                            own_payment_limits, workdays, exclusions, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (tenant_id, programme_id) DO UPDATE
   SET year = EXCLUDED.year, name = EXCLUDED.name, scheme = EXCLUDED.scheme, claim_least_fen = EXCLUDED.claim_least_fen,
       claim_most_fen = EXCLUDED.claim_most_fen, person_most_fen = EXCLUDED.person_most_fen,
       own_payment_limits = EXCLUDED.own_payment_limits, workdays = EXCLUDED.workdays, exclusions = EXCLUDED.exclusions,
       version = EXCLUDED.version
 WHERE p.version <= EXCLUDED.version;

-- name: household_put
-- The members as they now are; who left is nobody's any more.
WITH gone AS (
    DELETE FROM household_member
     WHERE household_id = $2 AND person_id <> ALL (string_to_array($3, ' ')::uuid[])
)
INSERT INTO household_member (tenant_id, person_id, household_id)
SELECT $1, m::uuid, $2 FROM unnest(string_to_array($3, ' ')) AS m
    ON CONFLICT (tenant_id, person_id) DO UPDATE SET household_id = EXCLUDED.household_id;

-- --- subsidy tables ---

-- name: table_get
SELECT programme_id, scheme_id, scheme_name, scheme_version, scheme, state, row_count, sha256, created_by, designed_by,
       confirmed_by, frozen_by, created_at, confirmed_at, frozen_at, version, table_id
  FROM subsidy_table
 WHERE table_id = $1;

-- name: table_lock
SELECT programme_id, scheme_id, scheme_name, scheme_version, scheme, state, row_count, sha256, created_by, designed_by,
       confirmed_by, frozen_by, created_at, confirmed_at, frozen_at, version, table_id
  FROM subsidy_table
 WHERE table_id = $1
   FOR UPDATE;

-- name: table_frozen
SELECT programme_id, scheme_id, scheme_name, scheme_version, scheme, state, row_count, sha256, created_by, designed_by,
       confirmed_by, frozen_by, created_at, confirmed_at, frozen_at, version, table_id
  FROM subsidy_table
 WHERE programme_id = $1 AND state = 'FROZEN';

-- name: tables_of
SELECT programme_id, scheme_id, scheme_name, scheme_version, scheme, state, row_count, sha256, created_by, designed_by,
       confirmed_by, frozen_by, created_at, confirmed_at, frozen_at, version, table_id
  FROM subsidy_table
 WHERE programme_id = $1
 ORDER BY created_at DESC, table_id
 LIMIT 100;

-- name: table_insert
INSERT INTO subsidy_table (tenant_id, table_id, programme_id, scheme_id, scheme_name, scheme_version, scheme, state,
                           row_count, sha256, created_by, designed_by, created_at, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'DRAFT', $8, $9, $10, $10, $11, 1);

-- name: table_change
UPDATE subsidy_table SET row_count = $2, sha256 = $3, designed_by = $4, version = version + 1 WHERE table_id = $1;

-- name: table_confirm
UPDATE subsidy_table SET state = 'CONFIRMED', confirmed_by = $2, confirmed_at = $3, version = version + 1
 WHERE table_id = $1;

-- name: table_freeze
UPDATE subsidy_table SET state = 'FROZEN', frozen_by = $2, frozen_at = $3, version = version + 1 WHERE table_id = $1;

-- name: table_rows
SELECT drg, name, amount_fen, parent, age_from, age_to, sex FROM subsidy_row WHERE table_id = $1 ORDER BY place;

-- name: table_rows_of
SELECT drg, name, amount_fen, parent, age_from, age_to, sex
  FROM subsidy_row
 WHERE table_id = $1 AND (drg = $2 OR parent = $2)
 ORDER BY place;

-- name: table_rows_delete
DELETE FROM subsidy_row WHERE table_id = $1;

-- name: table_row_insert
INSERT INTO subsidy_row (tenant_id, table_id, place, drg, name, amount_fen, parent, age_from, age_to, sex)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- --- who may code ---

-- name: certificate_put
INSERT INTO certificate (tenant_id, account_id, number, valid_from, valid_until, recorded_by, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant_id, account_id, number) DO UPDATE
   SET valid_from = EXCLUDED.valid_from, valid_until = EXCLUDED.valid_until, recorded_by = EXCLUDED.recorded_by,
       recorded_at = EXCLUDED.recorded_at;

-- name: certificate_on
SELECT number FROM certificate
 WHERE account_id = $1 AND valid_from <= $2 AND valid_until >= $2
 ORDER BY valid_until DESC, number
 LIMIT 1;

-- name: certificates
SELECT account_id, number, valid_from, valid_until, recorded_by, recorded_at
  FROM certificate
 WHERE $1::uuid IS NULL OR account_id = $1
 ORDER BY account_id, valid_until DESC, number
 LIMIT 500;

-- --- the queue ---

-- name: job_get
SELECT claim_id, number, programme_id, person_id, household_id, village_id, filed_by, state, attempt, complete_on, due_on,
       facts, coding_id, holder_id, lease_until, returned_for
  FROM job
 WHERE claim_id = $1;

-- name: job_lock
SELECT claim_id, number, programme_id, person_id, household_id, village_id, filed_by, state, attempt, complete_on, due_on,
       facts, coding_id, holder_id, lease_until, returned_for
  FROM job
 WHERE claim_id = $1
   FOR UPDATE;

-- name: job_next
-- The most urgent stay that this coder may take: of a programme whose table is frozen, not an own one, and not one whose
-- line came back after this coder had coded it.
SELECT claim_id, number, programme_id, person_id, household_id, village_id, filed_by, state, attempt, complete_on, due_on,
       facts, coding_id, holder_id, lease_until, returned_for
  FROM job j
 WHERE state = 'WAITING'
   AND ($1::uuid IS NULL OR programme_id = $1)
   AND filed_by IS DISTINCT FROM $2
   AND ($3::uuid IS NULL OR (person_id <> $3 AND NOT EXISTS
           (SELECT FROM household_member m WHERE m.person_id = $3 AND m.household_id = j.household_id)))
   AND EXISTS (SELECT FROM subsidy_table t WHERE t.programme_id = j.programme_id AND t.state = 'FROZEN')
   AND NOT EXISTS (SELECT FROM coded_stay s WHERE s.claim_id = j.claim_id AND s.coder_id = $2 AND s.line_returned)
 ORDER BY due_on, complete_on, claim_id
 LIMIT 1
   FOR UPDATE SKIP LOCKED;

-- name: job_next_review
SELECT claim_id, number, programme_id, person_id, household_id, village_id, filed_by, state, attempt, complete_on, due_on,
       facts, coding_id, holder_id, lease_until, returned_for
  FROM job j
 WHERE state = 'CODED'
   AND ($1::uuid IS NULL OR programme_id = $1)
   AND filed_by IS DISTINCT FROM $2
   AND ($3::uuid IS NULL OR (person_id <> $3 AND NOT EXISTS
           (SELECT FROM household_member m WHERE m.person_id = $3 AND m.household_id = j.household_id)))
   AND NOT EXISTS (SELECT FROM coded_stay s WHERE s.coding_id = j.coding_id AND s.coder_id = $2)
 ORDER BY due_on, complete_on, claim_id
 LIMIT 1
   FOR UPDATE SKIP LOCKED;

-- name: jobs_lease_over
SELECT claim_id, number, programme_id, person_id, household_id, village_id, filed_by, state, attempt, complete_on, due_on,
       facts, coding_id, holder_id, lease_until, returned_for
  FROM job
 WHERE lease_until < $1
 ORDER BY lease_until
 LIMIT $2
   FOR UPDATE SKIP LOCKED;

-- name: jobs_list
SELECT claim_id, number, programme_id, person_id, household_id, village_id, filed_by, state, attempt, complete_on, due_on,
       facts, coding_id, holder_id, lease_until, returned_for
  FROM job
 WHERE ($1::uuid IS NULL OR programme_id = $1)
   AND ($2::text IS NULL OR state = $2)
   AND ($3::date IS NULL OR (due_on < $3 AND state NOT IN ('PRICED', 'UNFIT', 'GONE', 'PARKED')))
   AND (due_on, claim_id) > ($4::date, $5::uuid)
 ORDER BY due_on, claim_id
 LIMIT $6;

-- name: jobs_held
SELECT count(*) FROM job WHERE holder_id = $1;

-- name: job_insert
INSERT INTO job (tenant_id, claim_id, number, programme_id, person_id, household_id, village_id, filed_by, state, attempt,
                 complete_on, due_on, facts, returned_for, came_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'WAITING', 1, $9, $10, $11, '', $12);

-- name: job_renew_claim
-- The claim as it is told anew: its days, its papers, perhaps its state.
UPDATE job SET complete_on = $2, due_on = $3, facts = $4, state = $5, attempt = $6, came_at = $7 WHERE claim_id = $1;

-- name: job_move
UPDATE job
   SET state = $2, attempt = $3, coding_id = $4, holder_id = $5, lease_until = $6, returned_for = $7, due_on = $8
 WHERE claim_id = $1;

-- name: job_documents
SELECT upload_id, kind FROM job_document WHERE claim_id = $1 ORDER BY place;

-- name: job_documents_delete
DELETE FROM job_document WHERE claim_id = $1;

-- name: job_document_insert
INSERT INTO job_document (tenant_id, claim_id, upload_id, kind, place) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING;

-- name: queue_figures
SELECT count(*) FILTER (WHERE state = 'WAITING'), count(*) FILTER (WHERE state = 'TAKEN'),
       count(*) FILTER (WHERE state = 'PARKED'), count(*) FILTER (WHERE state = 'CODED'),
       count(*) FILTER (WHERE state = 'REVIEWING'),
       count(*) FILTER (WHERE state IN ('WAITING', 'TAKEN', 'CODED', 'REVIEWING') AND due_on < $1),
       min(due_on) FILTER (WHERE state IN ('WAITING', 'TAKEN', 'CODED', 'REVIEWING')),
       (SELECT count(*) FROM job WHERE came_at > $2),
       (SELECT count(*) FROM coded_stay WHERE coded_at > $2),
       (SELECT count(*) FROM coded_stay WHERE reviewed_at > $2 AND payable_fen IS NOT NULL)
  FROM job
 WHERE state IN ('WAITING', 'TAKEN', 'PARKED', 'CODED', 'REVIEWING');

-- name: tenants_with_leases_over
SELECT tenants_with_leases_over($1, $2);

-- name: unfit_insert
INSERT INTO unfit (tenant_id, claim_id, attempt, exclusion, upload_ids, note, by, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- --- what was coded ---

-- name: coding_get
SELECT coding_id, claim_id, attempt, programme_id, person_id, state, table_id, scheme_id, scheme_name, scheme_version,
       scheme, mdc, adrg, drg, drg_name, row_drg, coded, trace, basis_sha256, sensitive, sensitive_by, coder_id,
       certificate, coded_at, reviewer_id, reviewed_at, returned_for, due_fen, payable_fen, decided_on
  FROM coded_stay
 WHERE coding_id = $1;

-- name: codings_of
SELECT coding_id FROM coded_stay WHERE claim_id = $1 ORDER BY attempt DESC;

-- name: coding_insert
INSERT INTO coded_stay (tenant_id, coding_id, claim_id, attempt, programme_id, person_id, state, table_id, scheme_id,
                        scheme_name, scheme_version, scheme, mdc, adrg, drg, drg_name, row_drg, coded, trace, basis_sha256,
                        sensitive, sensitive_by, coder_id, certificate, coded_at, returned_for)
VALUES ($1, $2, $3, $4, $5, $6, 'CODED', $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
        $24, '');

-- name: coding_return
UPDATE coded_stay SET state = 'RETURNED', reviewer_id = $2, reviewed_at = $3, returned_for = $4 WHERE coding_id = $1;

-- name: coding_price
UPDATE coded_stay
   SET state = 'PRICED', reviewer_id = $2, reviewed_at = $3, due_fen = $4, payable_fen = $5, decided_on = $6
 WHERE coding_id = $1;

-- name: coding_priced_of
SELECT coding_id, payable_fen FROM coded_stay WHERE claim_id = $1 AND state = 'PRICED';

-- name: coding_end
UPDATE coded_stay SET state = $2 WHERE coding_id = $1;

-- name: coding_line_returned
UPDATE coded_stay SET line_returned = true WHERE coding_id = $1;

-- name: step_insert
INSERT INTO price_step (tenant_id, coding_id, place, name, before_fen, after_fen, why) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: steps_of
SELECT name, before_fen, after_fen, why FROM price_step WHERE coding_id = $1 ORDER BY place;

-- name: person_total_make
INSERT INTO person_total (tenant_id, programme_id, person_id, priced_fen) VALUES ($1, $2, $3, 0) ON CONFLICT DO NOTHING;

-- name: person_total_get
SELECT priced_fen FROM person_total WHERE programme_id = $1 AND person_id = $2;

-- name: person_total_lock
SELECT priced_fen FROM person_total WHERE programme_id = $1 AND person_id = $2 FOR UPDATE;

-- name: person_total_set
UPDATE person_total SET priced_fen = $3 WHERE programme_id = $1 AND person_id = $2;
