-- roles.sql - the database roles and schemas of the seven services.  Idempotent; run by a superuser in the platform's
-- own database:
--
--   psql -X -v ON_ERROR_STOP=1 -d huzhu -v passwords_file=/path/roles.json -f roles.sql
--
-- passwords_file (optional) holds a JSON object {"huzhu_claims": "...", "huzhu_claims_migrate": "...", ...}; a role that
-- is not in it keeps the password it has, or has none and must come in by peer or certificate.
--
--   huzhu_X_owner    owns schema X and its tables; cannot log in
--   huzhu_X_migrate  may become the owner; used by `huzhu-X migrate` alone
--   huzhu_X          the service: reads and writes X under row-level security, owns nothing
--   huzhu_X_feed     reads X's event log over all tenants, for other services; nothing else
\set QUIET on
\if :{?passwords_file}
\set passwords `cat :'passwords_file'`
\endif
\if :{?passwords}
\else
\set passwords '{}'
\endif

SET client_min_messages = warning;
SET log_statement = 'none';
SET log_min_error_statement = 'panic'; -- passwords do not go to the server's log

CREATE TEMP TABLE service (name text);
INSERT INTO service VALUES ('identity'), ('contributions'), ('claims'), ('coding'), ('disbursement'), ('disclosure'),
                           ('audit');
CREATE TEMP TABLE wanted AS
    SELECT name AS service, 'huzhu_' || name || kind AS role, kind
      FROM service, unnest(ARRAY['', '_owner', '_migrate', '_feed']) AS kind;

SELECT format('CREATE ROLE %I', role) FROM wanted WHERE role NOT IN (SELECT rolname FROM pg_roles)
\gexec
SELECT format('ALTER ROLE %I NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS %s', role,
              CASE kind WHEN '_owner' THEN 'NOLOGIN' WHEN '_migrate' THEN 'LOGIN NOINHERIT' ELSE 'LOGIN' END)
  FROM wanted
\gexec
SELECT format('ALTER ROLE %I PASSWORD %L', role, :'passwords'::jsonb ->> role)
  FROM wanted WHERE :'passwords'::jsonb ? role
\gexec
SELECT format('GRANT huzhu_%s_owner TO huzhu_%s_migrate', name, name) FROM service
\gexec

-- Nobody is in this database, or makes a thing in it, who was not told to.
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database())
\gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role) FROM wanted WHERE kind <> '_owner'
\gexec
REVOKE ALL ON SCHEMA public FROM PUBLIC;

SELECT format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION huzhu_%s_owner', name, name) FROM service
\gexec
SELECT format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', name) FROM service
\gexec
SELECT format('GRANT USAGE ON SCHEMA %I TO huzhu_%s, huzhu_%s_feed', name, name, name) FROM service
\gexec
-- What a migration makes, the service may use; a migration takes away what it shall not.
SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE huzhu_%1$s_owner IN SCHEMA %1$I '
              'GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO huzhu_%1$s', name) FROM service
\gexec
SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE huzhu_%1$s_owner IN SCHEMA %1$I '
              'GRANT USAGE ON SEQUENCES TO huzhu_%1$s', name) FROM service
\gexec
SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE huzhu_%1$s_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC', name)
  FROM service
\gexec
SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE huzhu_%1$s_owner IN SCHEMA %1$I '
              'GRANT EXECUTE ON FUNCTIONS TO huzhu_%1$s', name) FROM service
\gexec
DROP TABLE wanted, service;
