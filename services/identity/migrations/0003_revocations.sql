-- Accounts whose session, token, state or roles ended or changed a moment ago.  Gateways keep principals for seconds and
-- ask for these every second, so that what was taken away does not live on there.  Triggers, so that no way of taking
-- away can be forgotten.
CREATE TABLE revocation (
    revoked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    account_id uuid        NOT NULL,
    PRIMARY KEY (revoked_at, account_id)
);
COMMENT ON TABLE revocation IS 'no tenant: a gateway asks for those of all tenants; an id and an instant, for minutes';

DO $do$
DECLARE
    service text := current_schema();
BEGIN
    EXECUTE format('CREATE FUNCTION note_revocation() RETURNS trigger LANGUAGE plpgsql SET search_path = %I, pg_temp AS $f$ '
                   'BEGIN INSERT INTO revocation (account_id) VALUES (NEW.account_id) ON CONFLICT DO NOTHING; RETURN NULL; END $f$',
                   service);
END $do$;
CREATE TRIGGER noted AFTER UPDATE OF ended_at ON session FOR EACH ROW
    WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION note_revocation();
CREATE TRIGGER noted AFTER UPDATE OF revoked_at ON api_token FOR EACH ROW
    WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION note_revocation();
CREATE TRIGGER noted AFTER UPDATE OF state, roles ON account FOR EACH ROW
    WHEN (OLD.state <> NEW.state OR OLD.roles <> NEW.roles) EXECUTE FUNCTION note_revocation();
