-- The statements of the identity service, prepared at start; unqualified names are its own schema's.

-- name: tenant_insert
INSERT INTO tenant (tenant_id, code, name, organisation_id, state, created_at)
VALUES ($1, $2, $3, $4, 'ACTIVE', $5);

-- name: tenant_get
SELECT tenant_id, code, name, organisation_id, state, created_at
  FROM tenant
 WHERE tenant_id = $1;

-- name: tenant_by_code
SELECT tenant_id, code, name, organisation_id, state, created_at
  FROM tenant
 WHERE code = $1;

-- name: tenant_list
SELECT tenant_id, code, name, organisation_id, state, created_at
  FROM tenant
 WHERE tenant_id > $1
 ORDER BY tenant_id
 LIMIT $2;

-- name: organisation_insert
-- The way up comes from the parent's own row, so that it cannot disagree with it.
INSERT INTO organisation (organisation_id, tenant_id, parent_id, level, division_code, name, ancestor_ids, created_at)
VALUES ($1, $2, $3, $4::int, $5, $6,
        coalesce((SELECT p.ancestor_ids || p.organisation_id FROM organisation p WHERE p.organisation_id = $3), '{}'), $7);

-- name: organisation_get
SELECT organisation_id, tenant_id, parent_id, level, division_code, name, array_to_string(ancestor_ids, ',')
  FROM organisation
 WHERE organisation_id = $1;

-- name: organisation_list
SELECT organisation_id, tenant_id, parent_id, level, division_code, name, array_to_string(ancestor_ids, ',')
  FROM organisation
 WHERE organisation_id > $1 AND ($3::uuid IS NULL OR parent_id = $3)
 ORDER BY organisation_id
 LIMIT $2;

-- name: organisation_is_under
-- Whether the organisation is the root named second, or below it.
SELECT organisation_id = $2 OR $2 = ANY (ancestor_ids)
  FROM organisation
 WHERE organisation_id = $1;

-- name: account_insert
INSERT INTO account (tenant_id, account_id, login_name, display_name, person_id, state, roles, must_change, created_at, version)
VALUES ($1, $2, $3, $4, $5, 'NEW', 0, false, $6, 1);

-- name: account_get
SELECT a.account_id, a.login_name, a.display_name, a.person_id, a.state, a.roles, a.password_hash, a.must_change,
       a.one_time_until, a.password_changed_at, a.last_signed_in_at, a.created_at, a.version, g.locked_until
  FROM account a
  LEFT JOIN name_guard g ON g.tenant_id = a.tenant_id AND g.name_sha256 = sha256(convert_to(a.login_name, 'UTF8'))
 WHERE a.account_id = $1;

-- name: account_lock
SELECT a.account_id, a.login_name, a.display_name, a.person_id, a.state, a.roles, a.password_hash, a.must_change,
       a.one_time_until, a.password_changed_at, a.last_signed_in_at, a.created_at, a.version, NULL::timestamptz
  FROM account a
 WHERE a.account_id = $1
   FOR UPDATE;

-- name: account_by_name
SELECT a.account_id, a.login_name, a.display_name, a.person_id, a.state, a.roles, a.password_hash, a.must_change,
       a.one_time_until, a.password_changed_at, a.last_signed_in_at, a.created_at, a.version, NULL::timestamptz
  FROM account a
 WHERE a.login_name = $1;

-- name: account_list
SELECT a.account_id, a.login_name, a.display_name, a.person_id, a.state, a.roles, NULL::text, a.must_change,
       a.one_time_until, a.password_changed_at, a.last_signed_in_at, a.created_at, a.version, g.locked_until
  FROM account a
  LEFT JOIN name_guard g ON g.tenant_id = a.tenant_id AND g.name_sha256 = sha256(convert_to(a.login_name, 'UTF8'))
 WHERE a.account_id > $1 AND ($3::text IS NULL OR a.state = $3) AND ($4::int = 0 OR (a.roles & $4) <> 0)
 ORDER BY a.account_id
 LIMIT $2;

-- name: account_count
SELECT count(*) FROM account;

-- name: account_update
UPDATE account
   SET state = $2, roles = $3::int, password_hash = $4, must_change = $5, one_time_until = $6, password_changed_at = $7,
       version = version + 1
 WHERE account_id = $1;

-- name: account_rehash
-- The same password under today's cost: nothing that a reader of the account sees has changed.
UPDATE account SET password_hash = $2 WHERE account_id = $1 AND password_hash = $3;

-- name: account_seen
UPDATE account SET last_signed_in_at = $2 WHERE account_id = $1;

-- name: person_roles
-- What the person behind an account holds through all its other accounts.
SELECT coalesce(bit_or(roles), 0)
  FROM account
 WHERE person_id = $1 AND account_id <> $2;

-- name: role_holders
-- How many can act in a role: administrators must not run out.
SELECT count(*) FROM account WHERE state <> 'DISABLED' AND (roles & $1::int) <> 0;

-- name: roles_serialize
-- Changes of roles of one tenant follow one another: "the last administrator" and "one person, one office" are facts
-- over several rows.
SELECT true FROM (SELECT pg_advisory_xact_lock(hashtextextended('identity.roles.' || $1::text, 0))) AS taken;

-- name: password_past_insert
INSERT INTO password_past (tenant_id, account_id, used_at, hash) VALUES ($1, $2, $3, $4);

-- name: password_past_list
SELECT hash FROM password_past WHERE account_id = $1 ORDER BY used_at DESC LIMIT $2;

-- name: password_past_trim
DELETE FROM password_past
 WHERE account_id = $1
   AND used_at <= (SELECT used_at FROM password_past WHERE account_id = $1 ORDER BY used_at DESC OFFSET $2 LIMIT 1);

-- name: grant_insert
INSERT INTO role_grant (tenant_id, account_id, role, granted_at, granted_by, until) VALUES ($1, $2, $3::int, $4, $5, $6);

-- name: grant_delete
DELETE FROM role_grant WHERE account_id = $1 AND role = $2::int;

-- name: grant_list
SELECT role, granted_at, granted_by, until FROM role_grant WHERE account_id = $1 ORDER BY role;

-- name: scope_insert
INSERT INTO account_scope (tenant_id, account_id, organisation_id) VALUES ($1, $2, $3);

-- name: scope_clear
DELETE FROM account_scope WHERE account_id = $1;

-- name: scope_list
-- The last column: whether it is the tenant's own organisation, which is the whole tenant.
SELECT s.organisation_id, t.tenant_id IS NOT NULL
  FROM account_scope s LEFT JOIN tenant t ON t.tenant_id = s.tenant_id AND t.organisation_id = s.organisation_id
 WHERE s.account_id = $1
 ORDER BY s.organisation_id;

-- name: name_guard_get
SELECT failures, last_failed_at, locked_until FROM name_guard WHERE name_sha256 = $1;

-- name: name_guard_open
INSERT INTO name_guard (tenant_id, name_sha256, failures, last_failed_at) VALUES ($1, $2, 0, $3) ON CONFLICT DO NOTHING;

-- name: name_guard_lock
SELECT failures, last_failed_at, locked_until FROM name_guard WHERE name_sha256 = $1 FOR UPDATE;

-- name: name_guard_update
UPDATE name_guard SET failures = $2::int, last_failed_at = $3, locked_until = $4 WHERE name_sha256 = $1;

-- name: name_guard_delete
DELETE FROM name_guard WHERE name_sha256 = $1;

-- name: address_guard_get
SELECT failures, last_failed_at, locked_until FROM address_guard WHERE address_sha256 = $1;

-- name: address_guard_open
INSERT INTO address_guard (address_sha256, failures, last_failed_at) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING;

-- name: address_guard_lock
SELECT failures, last_failed_at, locked_until FROM address_guard WHERE address_sha256 = $1 FOR UPDATE;

-- name: address_guard_update
UPDATE address_guard SET failures = $2::int, last_failed_at = $3, locked_until = $4 WHERE address_sha256 = $1;

-- name: session_insert
INSERT INTO session (tenant_id, session_id, account_id, token_sha256, address, started_at, last_seen_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $6, $7);

-- name: session_get
SELECT session_id, account_id, token_sha256, address, started_at, last_seen_at, expires_at, ended_at
  FROM session
 WHERE session_id = $1;

-- name: session_list
-- The live ones; $3 NULL: of all accounts.
SELECT session_id, account_id, token_sha256, address, started_at, last_seen_at, expires_at, ended_at
  FROM session
 WHERE session_id > $1 AND ($3::uuid IS NULL OR account_id = $3)
   AND ended_at IS NULL AND expires_at > $4 AND last_seen_at > $5
 ORDER BY session_id
 LIMIT $2;

-- name: session_touch
UPDATE session SET last_seen_at = $2 WHERE session_id = $1 AND ended_at IS NULL AND last_seen_at < $2;

-- name: session_end
UPDATE session SET ended_at = $2 WHERE session_id = $1 AND ended_at IS NULL RETURNING account_id;

-- name: sessions_end_of_account
-- All but the one named.
UPDATE session SET ended_at = $3
 WHERE account_id = $1 AND session_id <> $2 AND ended_at IS NULL
RETURNING session_id;

-- name: sessions_end_oldest
-- All but the newest $2.
UPDATE session SET ended_at = $3
 WHERE session_id IN (SELECT session_id FROM session
                       WHERE account_id = $1 AND ended_at IS NULL AND expires_at > $3
                       ORDER BY session_id DESC OFFSET $2)
RETURNING session_id;

-- name: api_token_insert
INSERT INTO api_token (tenant_id, api_token_id, account_id, label, token_sha256, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: api_token_get
SELECT api_token_id, account_id, label, token_sha256, created_at, expires_at, last_used_at, revoked_at
  FROM api_token
 WHERE api_token_id = $1;

-- name: api_token_list
SELECT api_token_id, account_id, label, token_sha256, created_at, expires_at, last_used_at, revoked_at
  FROM api_token
 WHERE api_token_id > $1 AND account_id = $3
 ORDER BY api_token_id
 LIMIT $2;

-- name: api_token_count
SELECT count(*) FROM api_token WHERE account_id = $1 AND revoked_at IS NULL AND expires_at > $2;

-- name: api_token_used
UPDATE api_token SET last_used_at = $2 WHERE api_token_id = $1;

-- name: api_token_revoke
UPDATE api_token SET revoked_at = $2 WHERE api_token_id = $1 AND revoked_at IS NULL RETURNING account_id;

-- name: api_tokens_revoke_of_account
UPDATE api_token SET revoked_at = $2 WHERE account_id = $1 AND revoked_at IS NULL RETURNING api_token_id;

-- name: revocation_list
SELECT account_id, (extract(epoch FROM clock_timestamp() - max(revoked_at)) * 1000000)::bigint
  FROM revocation
 WHERE revoked_at > clock_timestamp() - $1::bigint * interval '1 ms'
 GROUP BY account_id
 ORDER BY 2
 LIMIT $2;

-- name: revocation_tidy
DELETE FROM revocation WHERE revoked_at < $1;

-- name: tidy_up
SELECT tidy_up($1, $2);

-- name: accounts_unused
SELECT tenant_id, account_id FROM accounts_unused($1);

-- --- the register ---

-- name: register_share
-- Changes of single households go side by side; a list is applied alone.
SELECT true FROM (SELECT pg_advisory_xact_lock_shared(hashtextextended('identity.register.' || $1::text, 0))) AS taken;

-- name: register_lock
SELECT true FROM (SELECT pg_advisory_xact_lock(hashtextextended('identity.register.' || $1::text, 0))) AS taken;

-- name: village_list
-- The villages of the tenant, in the order of their codes; $2: the organisations of a scope.
SELECT o.organisation_id, o.division_code, o.organisation_id = ANY ($2::text::uuid[]) OR o.ancestor_ids && $2::text::uuid[]
  FROM organisation o
  JOIN tenant t ON t.tenant_id = $1
 WHERE o.level = 5 AND (o.organisation_id = t.organisation_id OR t.organisation_id = ANY (o.ancestor_ids))
 ORDER BY o.division_code COLLATE "C", o.organisation_id
 LIMIT 2000;

-- name: household_get
SELECT household_id, village_id, number, version FROM household WHERE household_id = $1;

-- name: household_lock
SELECT household_id, village_id, number, version FROM household WHERE household_id = $1 FOR UPDATE;

-- name: household_list
-- $4: the villages of the caller's scope, NULL for the whole tenant.
SELECT household_id, village_id, number, version
  FROM household
 WHERE household_id > $1 AND ($3::uuid IS NULL OR village_id = $3) AND ($4::text IS NULL OR village_id = ANY ($4::text::uuid[]))
 ORDER BY household_id
 LIMIT $2;

-- name: household_changed
-- Those that an import has just changed, a page after the other.
SELECT household_id, village_id, number, version
  FROM household
 WHERE changed_by = $1 AND household_id > $2
 ORDER BY household_id
 LIMIT $3;

-- name: household_insert
INSERT INTO household (tenant_id, household_id, village_id, number, recorded_at, version, changed_by)
VALUES ($1, $2, $3, $4, $5, 1, $6);

-- name: household_touch
UPDATE household SET version = version + 1, changed_by = $2 WHERE household_id = $1;

-- name: member_list
-- Of the households named, those who left too; categories as "number:from:until,..." in days since 1970.
SELECT m.household_id, m.membership_id, m.person_id, m.head, m.relation, m.grounds, m.entry, m.from_on, m.leaving, m.until_on,
       p.sex, p.birth, p.id_kind, p.replace_id_by, p.died_on, p.id_index, p.name_sealed, p.id_sealed, p.phone_sealed,
       (SELECT string_agg(c.category || ':' || (c.from_on - DATE '1970-01-01') || ':' || coalesce((c.until_on - DATE '1970-01-01')::text, ''), ','
                          ORDER BY c.from_on, c.category)
          FROM person_category c WHERE c.tenant_id = m.tenant_id AND c.person_id = m.person_id)
  FROM membership m
  JOIN person p ON p.tenant_id = m.tenant_id AND p.person_id = m.person_id
 WHERE m.household_id = ANY ($1::text::uuid[])
 ORDER BY m.household_id, m.membership_id;

-- name: person_household
-- Where a person is now, or was last.
SELECT household_id FROM membership WHERE person_id = $1 AND until_on IS NULL
UNION ALL
(SELECT household_id FROM membership WHERE person_id = $1 AND until_on IS NOT NULL ORDER BY until_on DESC, membership_id DESC LIMIT 1)
LIMIT 1;

-- name: person_by_number
SELECT person_id FROM person WHERE id_index = $1 AND died_on IS NULL AND NOT void
UNION ALL
(SELECT person_id FROM person WHERE id_index = $1 AND (died_on IS NOT NULL OR void) AND NOT void ORDER BY recorded_at DESC LIMIT 1)
LIMIT 1;

-- name: person_insert
INSERT INTO person (tenant_id, person_id, id_kind, id_index, facts_index, id_sealed, name_sealed, phone_sealed, sex, birth, replace_id_by, recorded_at)
VALUES ($1, $2, $3::int, $4, $5, $6, $7, $8, $9::int, $10, $11, $12);

-- name: person_renumber
UPDATE person
   SET id_kind = $2::int, id_index = $3, facts_index = $4, id_sealed = $5, name_sealed = $6, phone_sealed = $7, replace_id_by = $8
 WHERE person_id = $1;

-- name: person_end
-- $2 died on, or $3 never was.
UPDATE person SET died_on = $2, void = $3 WHERE person_id = $1;

-- name: membership_open
SELECT household_id FROM membership WHERE person_id = $1 AND until_on IS NULL;

-- name: membership_insert
INSERT INTO membership (tenant_id, household_id, person_id, head, relation, grounds, entry, from_on, evidence_id)
VALUES ($1, $2, $3, $4, $5::int, $6::int, $7::int, $8, $9);

-- name: membership_end
UPDATE membership SET leaving = $2::int, until_on = $3, evidence_id = coalesce($4, evidence_id) WHERE membership_id = $1;

-- name: membership_head
UPDATE membership SET head = $2, relation = $3::int WHERE membership_id = $1;

-- --- lists on their way ---

-- name: import_insert
INSERT INTO register_import (tenant_id, import_id, account_id, person_id, state, size, started_at)
VALUES ($1, $2, $3, $4, 'RECEIVING', 0, $5);

-- name: import_get
SELECT import_id, account_id, person_id, kind, state, size, sha256, category, as_of, rows_checked, faults, new_people, changed_people,
       new_households, joined, left_, categories, started_at, checked_at, decided_by, decided_at, why, applied_at, staged, version
  FROM register_import
 WHERE import_id = $1;

-- name: import_lock
SELECT import_id, account_id, person_id, kind, state, size, sha256, category, as_of, rows_checked, faults, new_people, changed_people,
       new_households, joined, left_, categories, started_at, checked_at, decided_by, decided_at, why, applied_at, staged, version
  FROM register_import
 WHERE import_id = $1
   FOR UPDATE;

-- name: import_list
-- $4: the sender, NULL for all.
SELECT import_id, account_id, person_id, kind, state, size, sha256, category, as_of, rows_checked, faults, new_people, changed_people,
       new_households, joined, left_, categories, started_at, checked_at, decided_by, decided_at, why, applied_at, staged, version
  FROM register_import
 WHERE import_id > $1 AND ($3::text IS NULL OR state = $3) AND ($4::uuid IS NULL OR account_id = $4)
 ORDER BY import_id
 LIMIT $2;

-- name: import_grow
UPDATE register_import SET size = $2, sha256 = $3 WHERE import_id = $1;

-- name: import_update
UPDATE register_import
   SET state = $2, kind = $3::int, category = $4::int, as_of = $5, rows_checked = $6::int, faults = $7::int, checked_at = $8,
       decided_by = $9, decided_at = $10, why = $11, applied_at = $12, staged = $13, version = version + 1
 WHERE import_id = $1;

-- name: import_scope_set
UPDATE register_import SET scope = $2::text::uuid[] WHERE import_id = $1;

-- name: import_scope_get
SELECT array_to_string(scope, ',') FROM register_import WHERE import_id = $1;

-- name: import_piece_insert
INSERT INTO import_piece (tenant_id, import_id, start, size, sealed) VALUES ($1, $2, $3, $4, $5);

-- name: import_piece_at
-- The piece that holds the byte $2.
SELECT start, size, sealed
  FROM import_piece
 WHERE import_id = $1 AND start <= $2
 ORDER BY start DESC
 LIMIT 1;

-- name: import_work
SELECT tenant_id, import_id, state FROM import_work($1::text::uuid[]);

-- name: import_analyze
SELECT true FROM (SELECT import_analyze($1)) AS done;

-- name: import_fault_insert
INSERT INTO import_fault (tenant_id, import_id, row_no, column_no, value_class, code)
VALUES ($1, $2, $3::int, $4::int, $5, $6) ON CONFLICT DO NOTHING;

-- name: import_fault_count
SELECT count(*) FROM import_fault WHERE import_id = $1;

-- name: import_heads_forget
-- Rows that are faulty by themselves are not among the staged ones: their households only seem to lack them.
DELETE FROM import_fault WHERE import_id = $1 AND code LIKE 'household.%';

-- name: import_fault_list
SELECT row_no, column_no, value_class, code
  FROM import_fault
 WHERE import_id = $1 AND (row_no, column_no, code) > ($2::int, $3::int, $4::text)
 ORDER BY row_no, column_no, code
 LIMIT $5;

-- name: import_rows_insert
-- Many rows in one statement, each column an array in its text form: a third of the cost of a statement a row.
INSERT INTO import_row (tenant_id, import_id, row_no, village_id, number, new_household, new_person, head, relation, id_kind, id_index,
       facts_index, id_sealed, name_sealed, phone_sealed, sex, birth, categories, grounds, entry, leaving, happened_on)
SELECT $1, $2, n.a[1], v.village, v.number, v.household, v.person, n.a[2] = 1, n.a[2], n.a[3], v.id_index, v.facts_index, v.id_sealed,
       v.name_sealed, v.phone_sealed, n.a[4], DATE '1970-01-01' + n.a[5], n.a[6], n.a[7], n.a[8], n.a[9], DATE '1970-01-01' + n.a[10]
  FROM unnest($3::text::uuid[], $4::text::text[], $5::text::uuid[], $6::text::uuid[], $7::text::bytea[], $8::text::bytea[], $9::text::bytea[],
              $10::text::bytea[], $11::text::bytea[], $12::text::text[])
       AS v (village, number, household, person, id_index, facts_index, id_sealed, name_sealed, phone_sealed, numbers)
 CROSS JOIN LATERAL (SELECT string_to_array(v.numbers, ' ', '-')::int[] AS a) AS n;

-- name: import_steps_clear
DELETE FROM import_step WHERE import_id = $1;

-- name: import_rows_clear
DELETE FROM import_row WHERE import_id = $1;

-- name: import_steps_make
-- What each row does.  Moves: 0 nothing, 1 begin, 2 amend, 3 end, 4 come from another household, 5 an end that is recorded
-- already, 6 an end of nothing.
INSERT INTO import_step (tenant_id, import_id, row_no, person_id, household_id, new_person, new_household, facts_changed, move, membership_id, old_household)
SELECT r.tenant_id, r.import_id, r.row_no, coalesce(p.person_id, r.new_person), coalesce(h.household_id, f.new_household),
       r.entry <> 0 AND p.person_id IS NULL, r.entry <> 0 AND h.household_id IS NULL, r.entry <> 0 AND coalesce(p.facts_index <> r.facts_index, false),
       CASE WHEN r.entry <> 0 THEN
                CASE WHEN m.membership_id IS NULL THEN 1
                     WHEN m.household_id IS DISTINCT FROM h.household_id THEN 4
                     WHEN m.head <> r.head OR m.relation <> r.relation OR m.grounds <> r.grounds THEN 2
                     ELSE 0 END
            WHEN m.household_id = h.household_id THEN 3
            WHEN EXISTS (SELECT FROM membership e JOIN person d ON d.tenant_id = e.tenant_id AND d.person_id = e.person_id
                          WHERE e.tenant_id = r.tenant_id AND e.household_id = h.household_id AND e.leaving = r.leaving
                            AND e.until_on = r.happened_on AND d.id_index = r.id_index) THEN 5
            ELSE 6 END,
       m.membership_id, m.household_id
  FROM import_row r
  JOIN (SELECT DISTINCT ON (village_id, number) village_id, number, new_household
          FROM import_row WHERE import_id = $1 ORDER BY village_id, number, row_no) f
       ON f.village_id = r.village_id AND f.number = r.number
  LEFT JOIN household h ON h.tenant_id = r.tenant_id AND h.village_id = r.village_id AND h.number = r.number
  LEFT JOIN person p ON p.tenant_id = r.tenant_id AND p.id_index = r.id_index AND p.died_on IS NULL AND NOT p.void
  LEFT JOIN membership m ON m.tenant_id = r.tenant_id AND m.person_id = p.person_id AND m.until_on IS NULL
 WHERE r.import_id = $1;

-- name: import_faults_find
-- What no row shows by itself: against the other rows, and against the register.
INSERT INTO import_fault (tenant_id, import_id, row_no, column_no, value_class, code)
WITH step AS (
    SELECT r.row_no, r.village_id, r.id_index, r.head, r.entry, r.leaving, r.happened_on,
           s.person_id, s.household_id, s.new_person, s.move, s.membership_id, s.old_household
      FROM import_row r JOIN import_step s ON s.tenant_id = r.tenant_id AND s.import_id = r.import_id AND s.row_no = r.row_no
     WHERE r.import_id = $2
), house AS (
    SELECT household_id, min(row_no) AS row_no
      FROM (SELECT household_id, row_no FROM step UNION ALL SELECT old_household, row_no FROM step WHERE move = 4) x
     GROUP BY household_id
), heads AS (
    SELECT household_id, count(*) FILTER (WHERE head) AS heads
      FROM (SELECT household_id, head FROM step WHERE entry <> 0
            UNION ALL
            SELECT m.household_id, m.head
              FROM membership m JOIN house USING (household_id)
             WHERE m.until_on IS NULL AND NOT EXISTS (SELECT FROM step s WHERE s.membership_id = m.membership_id)) x
     GROUP BY household_id
)
SELECT $1, $2, row_no, column_no, '', code FROM (
    SELECT row_no, 6 AS column_no, 'id_number.twice' AS code
      FROM (SELECT row_no, count(*) OVER (PARTITION BY id_index) AS n FROM step) x WHERE n > 1
    UNION ALL
    SELECT s.row_no, 6, CASE WHEN h.village_id <> s.village_id THEN 'person.other_village' ELSE 'person.other_household' END
      FROM step s JOIN household h ON h.household_id = s.old_household
     WHERE s.move = 4 AND (s.entry NOT IN (3, 4, 5)
                           OR NOT h.village_id = ANY (SELECT unnest(scope) FROM register_import WHERE import_id = $2))
    UNION ALL
    SELECT s.row_no, 6, 'person.dead'
      FROM step s
     WHERE s.new_person AND s.entry <> 0
       AND EXISTS (SELECT FROM person d WHERE d.tenant_id = $1 AND d.id_index = s.id_index AND (d.died_on IS NOT NULL OR d.void) AND NOT d.void)
    UNION ALL
    SELECT s.row_no, 6, 'person.left' FROM step s WHERE s.move = 1 AND s.entry = 1 AND NOT s.new_person
    UNION ALL
    SELECT s.row_no, 6, CASE WHEN EXISTS (SELECT FROM person d WHERE d.tenant_id = $1 AND d.id_index = s.id_index AND (d.died_on IS NOT NULL OR d.void))
                                  OR EXISTS (SELECT FROM person d WHERE d.tenant_id = $1 AND d.id_index = s.id_index AND d.died_on IS NULL AND NOT d.void)
                             THEN 'person.not_in_household' ELSE 'person.unknown' END
      FROM step s WHERE s.move = 6
    UNION ALL
    SELECT s.row_no, 15, 'change_date.before_entry'
      FROM step s JOIN membership m ON m.tenant_id = $1 AND m.membership_id = s.membership_id
     WHERE (s.move = 3 OR (s.move = 4 AND s.entry IN (3, 4, 5))) AND s.happened_on < m.from_on
    UNION ALL
    SELECT house.row_no, 2, CASE WHEN heads.heads = 0 THEN 'household.no_head' ELSE 'household.two_heads' END
      FROM heads JOIN house USING (household_id) WHERE heads.heads <> 1
) x
ORDER BY row_no, column_no
LIMIT $3
ON CONFLICT DO NOTHING;

-- name: import_counts
UPDATE register_import i
   SET new_people = x.new_people, changed_people = x.changed_people, new_households = x.new_households, joined = x.joined, left_ = x.gone,
       categories = x.categories
  FROM (SELECT count(*) FILTER (WHERE s.new_person AND s.move = 1) AS new_people,
               count(*) FILTER (WHERE s.facts_changed) AS changed_people,
               count(DISTINCT s.household_id) FILTER (WHERE s.new_household) AS new_households,
               count(*) FILTER (WHERE s.move IN (1, 4)) AS joined,
               count(*) FILTER (WHERE s.move IN (3, 4)) AS gone,
               (SELECT count(*)
                  FROM import_row r JOIN import_step t ON t.tenant_id = r.tenant_id AND t.import_id = r.import_id AND t.row_no = r.row_no
                 CROSS JOIN generate_series(1, 30) AS k
                 WHERE r.import_id = $1 AND r.categories <> 0 AND r.entry <> 0 AND (r.categories & (1 << k)) <> 0
                   AND NOT EXISTS (SELECT FROM person_category c
                                    WHERE c.tenant_id = r.tenant_id AND c.person_id = t.person_id AND c.category = k AND c.until_on IS NULL)
               ) AS categories
          FROM import_step s WHERE s.import_id = $1) x
 WHERE i.import_id = $1;

-- name: apply_households
INSERT INTO household (tenant_id, household_id, village_id, number, recorded_at, version, changed_by)
SELECT DISTINCT ON (s.household_id) s.tenant_id, s.household_id, r.village_id, r.number, $2::timestamptz, 1, s.import_id
  FROM import_step s JOIN import_row r ON r.tenant_id = s.tenant_id AND r.import_id = s.import_id AND r.row_no = s.row_no
 WHERE s.import_id = $1 AND s.new_household;

-- name: apply_touched
-- Every household in which something changes; it is what others are told of.
UPDATE household h SET version = version + 1, changed_by = $1
  FROM (SELECT s.household_id
          FROM import_step s JOIN import_row r ON r.tenant_id = s.tenant_id AND r.import_id = s.import_id AND r.row_no = s.row_no
         WHERE s.import_id = $1 AND NOT s.new_household
           AND (s.new_person OR s.facts_changed OR s.move IN (1, 2, 3, 4)
                OR (r.categories <> 0 AND r.entry <> 0
                    AND EXISTS (SELECT FROM generate_series(1, 30) AS k
                                 WHERE (r.categories & (1 << k)) <> 0
                                   AND NOT EXISTS (SELECT FROM person_category c
                                                    WHERE c.tenant_id = s.tenant_id AND c.person_id = s.person_id
                                                      AND c.category = k AND c.until_on IS NULL))))
        UNION
        SELECT old_household FROM import_step WHERE import_id = $1 AND move = 4) x
 WHERE h.household_id = x.household_id;

-- name: apply_people
INSERT INTO person (tenant_id, person_id, id_kind, id_index, facts_index, id_sealed, name_sealed, phone_sealed, sex, birth, replace_id_by, recorded_at)
SELECT r.tenant_id, s.person_id, r.id_kind, r.id_index, r.facts_index, r.id_sealed, r.name_sealed, r.phone_sealed, r.sex, r.birth,
       CASE WHEN r.id_kind = 6 THEN r.birth + 60 END, $2::timestamptz
  FROM import_step s JOIN import_row r ON r.tenant_id = s.tenant_id AND r.import_id = s.import_id AND r.row_no = s.row_no
 WHERE s.import_id = $1 AND s.new_person;

-- name: apply_facts
UPDATE person p
   SET facts_index = r.facts_index, name_sealed = r.name_sealed, phone_sealed = r.phone_sealed, sex = r.sex, birth = r.birth
  FROM import_step s JOIN import_row r ON r.tenant_id = s.tenant_id AND r.import_id = s.import_id AND r.row_no = s.row_no
 WHERE s.import_id = $1 AND s.facts_changed AND p.tenant_id = s.tenant_id AND p.person_id = s.person_id;

-- name: apply_ends
UPDATE membership m
   SET leaving = CASE WHEN s.move = 4 THEN 2 ELSE r.leaving END, until_on = coalesce(r.happened_on, $2::date)
  FROM import_step s JOIN import_row r ON r.tenant_id = s.tenant_id AND r.import_id = s.import_id AND r.row_no = s.row_no
 WHERE s.import_id = $1 AND s.move IN (3, 4) AND m.tenant_id = s.tenant_id AND m.membership_id = s.membership_id;

-- name: apply_deaths
UPDATE person p
   SET died_on = CASE WHEN r.leaving = 1 THEN r.happened_on END, void = (r.leaving = 4)
  FROM import_step s JOIN import_row r ON r.tenant_id = s.tenant_id AND r.import_id = s.import_id AND r.row_no = s.row_no
 WHERE s.import_id = $1 AND s.move = 3 AND r.leaving IN (1, 4) AND p.tenant_id = s.tenant_id AND p.person_id = s.person_id;

-- name: apply_demotions
-- Before anybody becomes the head: a household has one at any moment.
UPDATE membership m
   SET head = false
  FROM import_step s JOIN import_row r ON r.tenant_id = s.tenant_id AND r.import_id = s.import_id AND r.row_no = s.row_no
 WHERE s.import_id = $1 AND s.move = 2 AND m.head AND NOT r.head AND m.tenant_id = s.tenant_id AND m.membership_id = s.membership_id;

-- name: apply_amendments
UPDATE membership m
   SET head = r.head, relation = r.relation, grounds = r.grounds
  FROM import_step s JOIN import_row r ON r.tenant_id = s.tenant_id AND r.import_id = s.import_id AND r.row_no = s.row_no
 WHERE s.import_id = $1 AND s.move = 2 AND m.tenant_id = s.tenant_id AND m.membership_id = s.membership_id;

-- name: apply_beginnings
INSERT INTO membership (tenant_id, household_id, person_id, head, relation, grounds, entry, from_on)
SELECT s.tenant_id, s.household_id, s.person_id, r.head, r.relation, r.grounds, r.entry, coalesce(r.happened_on, $2::date)
  FROM import_step s JOIN import_row r ON r.tenant_id = s.tenant_id AND r.import_id = s.import_id AND r.row_no = s.row_no
 WHERE s.import_id = $1 AND s.move IN (1, 4)
 ORDER BY s.row_no;

-- name: apply_categories
INSERT INTO person_category (tenant_id, person_id, category, from_on)
SELECT s.tenant_id, s.person_id, k, coalesce(r.happened_on, $2::date)
  FROM import_step s JOIN import_row r ON r.tenant_id = s.tenant_id AND r.import_id = s.import_id AND r.row_no = s.row_no
 CROSS JOIN generate_series(1, 30) AS k
 WHERE s.import_id = $1 AND r.categories <> 0 AND r.entry <> 0 AND (r.categories & (1 << k)) <> 0
ON CONFLICT DO NOTHING;

-- --- a category's list ---

-- name: listed_insert
INSERT INTO import_listed (tenant_id, import_id, row_no, id_index)
SELECT $1, $2, v.row_no, v.id_index FROM unnest($3::text::int[], $4::text::bytea[]) AS v (row_no, id_index);

-- name: listed_clear
DELETE FROM import_listed WHERE import_id = $1;

-- name: listed_faults_find
INSERT INTO import_fault (tenant_id, import_id, row_no, column_no, value_class, code)
SELECT $1, $2, row_no, 6, '', code FROM (
    SELECT row_no, 'id_number.twice' AS code
      FROM (SELECT row_no, count(*) OVER (PARTITION BY id_index) AS n FROM import_listed WHERE import_id = $2) x WHERE n > 1
    UNION ALL
    SELECT l.row_no, CASE WHEN EXISTS (SELECT FROM person d WHERE d.tenant_id = $1 AND d.id_index = l.id_index AND (d.died_on IS NOT NULL OR d.void) AND NOT d.void)
                          THEN 'person.dead' ELSE 'person.unknown' END
      FROM import_listed l
     WHERE l.import_id = $2
       AND NOT EXISTS (SELECT FROM person p JOIN membership m ON m.tenant_id = p.tenant_id AND m.person_id = p.person_id AND m.until_on IS NULL
                        WHERE p.tenant_id = $1 AND p.id_index = l.id_index AND p.died_on IS NULL AND NOT p.void)
    UNION ALL
    SELECT l.row_no, 'village.outside'
      FROM import_listed l
      JOIN person p ON p.tenant_id = $1 AND p.id_index = l.id_index AND p.died_on IS NULL AND NOT p.void
      JOIN membership m ON m.tenant_id = p.tenant_id AND m.person_id = p.person_id AND m.until_on IS NULL
      JOIN household h ON h.tenant_id = m.tenant_id AND h.household_id = m.household_id
     WHERE l.import_id = $2 AND NOT h.village_id = ANY (SELECT unnest(scope) FROM register_import WHERE import_id = $2)
) x
ORDER BY row_no
LIMIT $3
ON CONFLICT DO NOTHING;

-- name: listed_steps_make
-- The people whose category begins (move 1) or ends (move 3): the list is whole for the villages of its scope.
INSERT INTO import_step (tenant_id, import_id, row_no, person_id, household_id, new_person, new_household, facts_changed, move)
SELECT $1, $2, row_number() OVER (ORDER BY person_id), person_id, household_id, false, false, false, move
  FROM (SELECT p.person_id, m.household_id,
               CASE WHEN l.row_no IS NOT NULL AND c.person_id IS NULL THEN 1 WHEN l.row_no IS NULL AND c.person_id IS NOT NULL THEN 3 ELSE 0 END AS move
          FROM person p
          JOIN membership m ON m.tenant_id = p.tenant_id AND m.person_id = p.person_id AND m.until_on IS NULL
          JOIN household h ON h.tenant_id = m.tenant_id AND h.household_id = m.household_id
          JOIN register_import i ON i.tenant_id = p.tenant_id AND i.import_id = $2 AND h.village_id = ANY (i.scope)
          LEFT JOIN import_listed l ON l.tenant_id = p.tenant_id AND l.import_id = i.import_id AND l.id_index = p.id_index
          LEFT JOIN person_category c ON c.tenant_id = p.tenant_id AND c.person_id = p.person_id AND c.category = i.category AND c.until_on IS NULL
                 AND c.from_on <= i.as_of
         WHERE p.died_on IS NULL AND NOT p.void) x
 WHERE move <> 0;

-- name: listed_counts
UPDATE register_import i
   SET categories = (SELECT count(*) FROM import_step s WHERE s.import_id = $1)
 WHERE i.import_id = $1;

-- name: listed_ends
UPDATE person_category c
   SET until_on = i.as_of
  FROM import_step s JOIN register_import i ON i.tenant_id = s.tenant_id AND i.import_id = s.import_id
 WHERE s.import_id = $1 AND s.move = 3 AND c.tenant_id = s.tenant_id AND c.person_id = s.person_id AND c.category = i.category AND c.until_on IS NULL;

-- name: listed_beginnings
INSERT INTO person_category (tenant_id, person_id, category, from_on)
SELECT s.tenant_id, s.person_id, i.category, i.as_of
  FROM import_step s JOIN register_import i ON i.tenant_id = s.tenant_id AND i.import_id = s.import_id
 WHERE s.import_id = $1 AND s.move = 1
ON CONFLICT DO NOTHING;

-- name: listed_touched
UPDATE household h SET version = version + 1, changed_by = $1
  FROM (SELECT DISTINCT household_id FROM import_step WHERE import_id = $1) s
 WHERE h.household_id = s.household_id;

-- --- undertakings, grants that end, what others are told of a tenant ---

-- name: nda_insert
INSERT INTO nda (tenant_id, nda_id, account_id, signed_on, expires_on, upload_id, recorded_by, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: nda_list
SELECT nda_id, account_id, signed_on, expires_on, upload_id, recorded_by, recorded_at
  FROM nda
 WHERE account_id = $3 AND nda_id > $1
 ORDER BY nda_id
 LIMIT $2;

-- name: account_standing
-- What an account may be at this moment: its roles without those whose grant is over, and whether an undertaking holds.
SELECT coalesce((SELECT bit_or(1 << g.role) FROM role_grant g WHERE g.account_id = $1 AND (g.until IS NULL OR g.until > $2)), 0),
       EXISTS (SELECT FROM nda n WHERE n.account_id = $1 AND $3 BETWEEN n.signed_on AND n.expires_on);

-- name: grants_over
SELECT tenant_id, account_id, role FROM grants_over($1);

-- name: tenants_to_describe
SELECT tenant_id, digest FROM tenants_to_describe();

-- name: described_set
INSERT INTO described (tenant_id, digest) VALUES ($1, $2) ON CONFLICT (tenant_id) DO UPDATE SET digest = excluded.digest;

-- name: village_describe
SELECT o.organisation_id, o.division_code, o.name
  FROM organisation o
 WHERE o.level = 5 AND (o.organisation_id = $1 OR $1 = ANY (o.ancestor_ids))
 ORDER BY o.organisation_id;
