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
