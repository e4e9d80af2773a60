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
INSERT INTO role_grant (tenant_id, account_id, role, granted_at, granted_by) VALUES ($1, $2, $3::int, $4, $5);

-- name: grant_delete
DELETE FROM role_grant WHERE account_id = $1 AND role = $2::int;

-- name: grant_list
SELECT role, granted_at, granted_by FROM role_grant WHERE account_id = $1 ORDER BY role;

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

-- name: tidy_up
SELECT tidy_up($1, $2);

-- name: accounts_unused
SELECT tenant_id, account_id FROM accounts_unused($1);
