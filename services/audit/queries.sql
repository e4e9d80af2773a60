-- The statements of the audit service, prepared at start; unqualified names are its own schema's.

-- name: record_append
-- Takes the next place and fills it in one statement: feeds of several producers meet at the log's row, and places have
-- no gaps because a transaction that fails gives its own back.
WITH place AS (
    INSERT INTO log (tenant_id, next_seq, integrated) VALUES ($1, 1, 0)
    ON CONFLICT (tenant_id) DO UPDATE SET next_seq = log.next_seq + 1
    RETURNING next_seq - 1 AS seq
)
INSERT INTO record (tenant_id, seq, source, event_id, topic, recorded_at, traceparent, body, leaf_hash)
SELECT $1, seq, $2::text, $3::uuid, $4::text, $5::timestamptz, $6::text, $7::bytea, $8::bytea FROM place;

-- name: logs_waiting
SELECT tenant_id FROM logs_waiting($1);

-- name: logs_all
SELECT tenant_id FROM logs_all();

-- name: log_lock
SELECT next_seq, integrated FROM log FOR UPDATE;

-- name: log_get
SELECT next_seq, integrated FROM log;

-- name: log_integrated
UPDATE log SET integrated = $1;

-- name: leaf_list
SELECT seq, leaf_hash FROM record WHERE seq >= $1 ORDER BY seq LIMIT $2;

-- name: leaf_get
SELECT leaf_hash FROM record WHERE seq = $1;

-- name: record_list
SELECT seq, source, event_id, topic, recorded_at, traceparent, body, leaf_hash
  FROM record
 WHERE seq >= $1 AND ($3::text = '' OR source = $3) AND ($4::text = '' OR topic = $4)
   AND ($5::timestamptz IS NULL OR recorded_at >= $5) AND ($6::timestamptz IS NULL OR recorded_at < $6)
 ORDER BY seq
 LIMIT $2;

-- name: node_insert
INSERT INTO node (tenant_id, level, index, hash) VALUES ($1, $2::int, $3, $4);

-- name: node_get
SELECT hash FROM node WHERE level = $1::int AND index = $2;

-- name: node_list
SELECT level, index, hash FROM node WHERE (level, index) > ($1::int, $2::bigint) ORDER BY level, index LIMIT $3;

-- name: head_insert
INSERT INTO head (tenant_id, size, signed_at, root_hash, key_id, signature) VALUES ($1, $2, $3, $4, $5, $6);

-- name: head_newest
SELECT size, root_hash, signed_at, key_id, signature FROM head ORDER BY signed_at DESC LIMIT 1;

-- name: head_of_size
SELECT size, root_hash, signed_at, key_id, signature FROM head WHERE size = $1 ORDER BY signed_at DESC LIMIT 1;

-- name: head_list_newest_first
SELECT size, root_hash, signed_at, key_id, signature
  FROM head
 WHERE $1::timestamptz IS NULL OR signed_at < $1
 ORDER BY signed_at DESC
 LIMIT $2;

-- name: head_list
SELECT size, root_hash, signed_at, key_id, signature
  FROM head
 WHERE $1::timestamptz IS NULL OR signed_at > $1
 ORDER BY signed_at
 LIMIT $2;

-- name: publication_insert
-- Of the record that this transaction has just appended: it holds the log's row, so the last place is its own.
INSERT INTO publication (tenant_id, publication_id, version, seq)
SELECT $1, $2::uuid, $3::bigint, next_seq - 1 FROM log;

-- name: publication_find
SELECT r.seq, r.source, r.event_id, r.topic, r.recorded_at, r.traceparent, r.body, r.leaf_hash
  FROM publication p JOIN record r USING (tenant_id, seq)
 WHERE p.publication_id = $1 AND ($2::bigint = 0 OR p.version = $2)
 ORDER BY p.version DESC, p.seq DESC
 LIMIT 1;

-- name: fonds_upsert
INSERT INTO fonds (tenant_id, code, name) VALUES ($1, $2, $3)
ON CONFLICT (tenant_id) DO UPDATE SET code = excluded.code, name = excluded.name;

-- name: village_upsert
INSERT INTO village (tenant_id, village_id, division_code, name) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, village_id) DO UPDATE SET division_code = excluded.division_code, name = excluded.name;

-- name: programme_upsert
INSERT INTO programme (tenant_id, programme_id, year, name, village_id) VALUES ($1, $2, $3::int, $4, $5)
ON CONFLICT (tenant_id, programme_id) DO UPDATE SET year = excluded.year, name = excluded.name,
    village_id = excluded.village_id;

-- name: programme_find
SELECT year, name, village_id FROM programme WHERE programme_id = $1;

-- name: village_find
SELECT division_code, name FROM village WHERE village_id = $1;

-- name: fonds_find
-- The township's own division code is the first nine digits of its villages'.
SELECT f.code, f.name, coalesce((SELECT left(min(division_code), 9) || '000' FROM village), '000000000000')
  FROM (SELECT 1) one LEFT JOIN fonds f ON true;

-- name: voter_insert
INSERT INTO voter (tenant_id, programme_id, village_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: catalogue_lock
-- Lines of the catalogue are given one after the other: who files by hand takes the row before it writes anything.
SELECT next FROM counter WHERE kind = 0 FOR UPDATE;

-- name: item_exists
SELECT 1 AS one FROM archive_item WHERE subject_id = $1 AND source = $2 AND version = $3::bigint;

-- name: item_file
-- Line and number in one statement, so that both are without gaps: a transaction that fails gives them back.
WITH line AS (
    INSERT INTO counter (tenant_id, kind, year, next) VALUES ($1, 0, 0, 2)
    ON CONFLICT (tenant_id, kind, year) DO UPDATE SET next = counter.next + 1
    RETURNING next - 1 AS line
), place AS (
    INSERT INTO counter (tenant_id, kind, year, next) SELECT $1, $3::int, $4::int, 2 FROM line
    ON CONFLICT (tenant_id, kind, year) DO UPDATE SET next = counter.next + 1
    RETURNING next - 1 AS number
)
INSERT INTO archive_item (tenant_id, line, item_id, kind, year, number, archive_number, fonds, place, programme_id, village_id,
                          title, dated, ends_on, keep_years, keep_until, secrecy, sha256, source, version, event_id, seq,
                          subject_id, upload_id, paper_location, filed_at, filed_by)
SELECT $1, line, $2::uuid, $3, $4, number,
       $5::text || '-B0' || $3 || '-' || $4 || '-' || CASE WHEN $12::int = 0 THEN 'Y' ELSE 'D' || $12 END || '-' || $6::text
           || '-' || lpad(number::text, greatest(6, length(number::text)), '0'),
       $5, $6, $7::uuid, $8::uuid, $9::text, $10::date, $11::date, $12, $13::date, $14::int, $15::bytea, $16::text,
       $17::bigint, $18::uuid, CASE WHEN $16 <> '' THEN (SELECT next_seq - 1 FROM log) END, $19::uuid, $20::uuid, $21::text,
       $22::timestamptz, $23::uuid
  FROM line, place
RETURNING line, number, archive_number, coalesce(seq, -1);

-- name: item_list
SELECT i.line, i.item_id, i.kind, i.year, i.number, i.archive_number, i.fonds, i.place, i.programme_id, i.village_id, i.title,
       i.dated, i.ends_on, i.keep_years, i.keep_until, i.secrecy, i.sha256, i.source, coalesce(i.seq, -1), i.subject_id,
       i.upload_id, i.paper_location, i.filed_at, i.filed_by,
       i.source = '' OR EXISTS (SELECT FROM record r WHERE r.tenant_id = i.tenant_id AND r.seq = i.seq
                                   AND r.event_id = i.event_id AND r.topic = i.source)
  FROM archive_item i
 WHERE i.line > $1 AND ($3::uuid IS NULL OR i.programme_id = $3 OR i.programme_id IS NULL)
   AND ($4::uuid IS NULL OR i.village_id = $4 OR i.village_id IS NULL)
   AND ($5::int = 0 OR i.kind = $5) AND ($6::int = 0 OR i.year = $6)
 ORDER BY i.line
 LIMIT $2;

-- name: completeness
-- The township's items count for every village, and an undertaking of no programme for the years it covers.
SELECT v.village_id, v.name,
       EXISTS (SELECT FROM voter t WHERE t.programme_id = $1 AND t.village_id = v.village_id),
       coalesce((SELECT bit_or(1 << i.kind) FROM archive_item i
                  WHERE (i.programme_id = $1
                         OR (i.programme_id IS NULL AND i.year <= $2::int
                             AND (i.ends_on IS NULL OR extract(year FROM i.ends_on) >= $2)))
                    AND (i.village_id IS NULL OR i.village_id = v.village_id)), 0)
  FROM village v
 WHERE ($3::uuid IS NULL OR v.village_id = $3) AND ($4::uuid IS NULL OR v.village_id = $4)
 ORDER BY v.division_code, v.village_id;

-- name: catalogues_unchecked
SELECT tenant_id FROM catalogues_unchecked($1);

-- name: counter_list
SELECT kind, year, next FROM counter ORDER BY kind, year;

-- name: check_insert
INSERT INTO catalogue_check (tenant_id, month, checked_at, items, faults, findings, catalogue_sha256)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: check_list
SELECT month, checked_at, items, faults, findings, catalogue_sha256
  FROM catalogue_check
 WHERE $1::timestamptz IS NULL OR checked_at < $1
 ORDER BY checked_at DESC
 LIMIT $2;
