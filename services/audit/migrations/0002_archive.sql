-- The archive of appendix B: one catalogue per tenant, filed from events and by hand, never changed; and where in the log
-- the record of each published page lies, so that anyone can be handed its proof.

CREATE TABLE publication (
    tenant_id      uuid   NOT NULL,
    publication_id uuid   NOT NULL,
    version        bigint NOT NULL,
    seq            bigint NOT NULL,
    PRIMARY KEY (tenant_id, publication_id, version, seq)
);
SELECT guard_tenant('publication');

-- What other services told, for numbers and titles.
CREATE TABLE fonds (
    tenant_id uuid PRIMARY KEY,
    code      text NOT NULL,
    name      text NOT NULL
);
SELECT guard_tenant('fonds');
CREATE TABLE village (
    tenant_id     uuid NOT NULL,
    village_id    uuid NOT NULL,
    division_code text NOT NULL,
    name          text NOT NULL,
    PRIMARY KEY (tenant_id, village_id)
);
SELECT guard_tenant('village');
CREATE TABLE programme (
    tenant_id    uuid NOT NULL,
    programme_id uuid NOT NULL,
    year         int  NOT NULL,
    name         text NOT NULL,
    village_id   uuid,
    PRIMARY KEY (tenant_id, programme_id)
);
SELECT guard_tenant('programme');
-- Villages whose representatives have passed the programme: these must come to nine of nine.
CREATE TABLE voter (
    tenant_id    uuid NOT NULL,
    programme_id uuid NOT NULL,
    village_id   uuid NOT NULL,
    PRIMARY KEY (tenant_id, programme_id, village_id)
);
SELECT guard_tenant('voter');

-- The next number of a kind in a year, and under (0, 0) the next line of the catalogue.
CREATE TABLE counter (
    tenant_id uuid     NOT NULL,
    kind      smallint NOT NULL CHECK (kind BETWEEN 0 AND 9),
    year      int      NOT NULL,
    next      bigint   NOT NULL CHECK (next > 0),
    PRIMARY KEY (tenant_id, kind, year)
);
SELECT guard_tenant('counter');

CREATE TABLE archive_item (
    tenant_id      uuid        NOT NULL,
    line           bigint      NOT NULL CHECK (line > 0),
    item_id        uuid        NOT NULL,
    kind           smallint    NOT NULL CHECK (kind BETWEEN 1 AND 9),
    year           int         NOT NULL CHECK (year BETWEEN 1900 AND 9999),
    number         bigint      NOT NULL CHECK (number > 0),
    archive_number text        NOT NULL,
    fonds          text        NOT NULL,
    place          text        NOT NULL,
    programme_id   uuid,
    village_id     uuid,
    title          text        NOT NULL CHECK (title <> ''),
    dated          date        NOT NULL,
    ends_on        date,
    keep_years     int         NOT NULL CHECK (keep_years = 0 OR keep_years >= 10),
    keep_until     date        CONSTRAINT item_is_kept CHECK ((keep_until IS NULL) = (keep_years = 0)),
    secrecy        smallint    NOT NULL CHECK (secrecy BETWEEN 0 AND 3),
    sha256         bytea       NOT NULL CHECK (length(sha256) = 32),
    source         text        NOT NULL,
    version        bigint      NOT NULL,
    event_id       uuid,
    seq            bigint,
    subject_id     uuid,
    upload_id      uuid,
    paper_location text        NOT NULL,
    filed_at       timestamptz NOT NULL,
    filed_by       uuid,
    PRIMARY KEY (tenant_id, line),
    CONSTRAINT item_once UNIQUE (tenant_id, item_id),
    CONSTRAINT item_number_once UNIQUE (tenant_id, kind, year, number),
    CONSTRAINT item_source CHECK ((source = '') = (event_id IS NULL) AND (source = '') = (seq IS NULL))
);
CREATE UNIQUE INDEX item_of_event ON archive_item (tenant_id, subject_id, source, version) WHERE source <> '';
CREATE INDEX item_by_programme ON archive_item (tenant_id, programme_id, line);
SELECT guard_tenant('archive_item');

CREATE TABLE catalogue_check (
    tenant_id        uuid        NOT NULL,
    month            text        NOT NULL CHECK (month ~ '^[0-9]{4}-[0-9]{2}$'),
    checked_at       timestamptz NOT NULL,
    items            bigint      NOT NULL,
    faults           bigint      NOT NULL,
    findings         text        NOT NULL,
    catalogue_sha256 bytea       NOT NULL CHECK (length(catalogue_sha256) = 32),
    PRIMARY KEY (tenant_id, month)
);
SELECT guard_tenant('catalogue_check');

-- 9.3.4: nobody takes an item out before its day, administrators neither.  After that day the item's content may be
-- disposed of by two people and a list; its line here stays, as the register of what was disposed of.
CREATE FUNCTION refuse_disposal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'archive item % is kept until %, and its line for ever', OLD.archive_number,
        coalesce(OLD.keep_until::text, 'for ever') USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER kept BEFORE DELETE ON archive_item FOR EACH ROW EXECUTE FUNCTION refuse_disposal();
CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON archive_item FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON catalogue_check FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON publication FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

DO $do$
DECLARE
    service text := current_schema();
    owner   text := 'huzhu_' || current_schema() || '_owner';
    login   text := 'huzhu_' || current_schema();
BEGIN
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON archive_item, catalogue_check, publication FROM %I', login);
    EXECUTE format('REVOKE DELETE, TRUNCATE ON counter FROM %I', login);
    EXECUTE format('CREATE POLICY all_counters ON counter FOR SELECT TO %I USING (true)', owner);
    EXECUTE format('CREATE POLICY all_checks ON catalogue_check FOR SELECT TO %I USING (true)', owner);
    -- Tenants with a catalogue that nobody has looked through in that month.
    EXECUTE format('CREATE FUNCTION catalogues_unchecked(of_month text) RETURNS TABLE (tenant_id uuid) '
                   'LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %I, pg_temp AS $f$ '
                   'SELECT n.tenant_id FROM counter n WHERE n.kind = 0 AND NOT EXISTS '
                   '(SELECT FROM catalogue_check k WHERE k.tenant_id = n.tenant_id AND k.month = $1) ORDER BY 1 $f$', service);
    EXECUTE 'REVOKE ALL ON FUNCTION catalogues_unchecked(text) FROM PUBLIC';
    EXECUTE format('GRANT EXECUTE ON FUNCTION catalogues_unchecked(text) TO %I', login);
END $do$;
