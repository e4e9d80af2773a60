-- The runtime's own statements.  Unqualified names are those of the service's schema.

-- name: rt_event_append
-- In the business transaction; tx is its id, so that a reader can tell what is settled.
INSERT INTO event (event_id, tenant_id, topic, body, recorded_at, traceparent)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: rt_command_store
-- The event CommandDone and the stored reply of a command, in one statement: half the cost of two.
WITH told AS (
    INSERT INTO event (event_id, tenant_id, topic, body, recorded_at, traceparent)
    VALUES ($1, $2, $3, $4, $5, $6)
)
INSERT INTO reply (tenant_id, account_id, method, idempotency_key, body_sha256, reply, etag, stored_at, sealed)
VALUES ($2, $7, $8, $9, $10, $11, $12, $5, $13);

-- name: rt_reply_get
SELECT body_sha256, reply, etag, sealed
  FROM reply
 WHERE tenant_id = $1 AND account_id = $2 AND method = $3 AND idempotency_key = $4;

-- name: rt_reply_purge
SELECT purge_replies($1);

-- name: rt_event_after
-- A log that others read.  Rows of transactions that may still be running are left for the next read,
-- because a lower position can become visible later than a higher one.
SELECT tx, seq, event_id, tenant_id, topic, body, recorded_at, traceparent
  FROM event
 WHERE (tx, seq) > ($1::xid8, $2::bigint)
   AND tx < pg_snapshot_xmin(pg_current_snapshot())
   AND ($3::text[] = '{}' OR topic = ANY ($3::text[]))
 ORDER BY tx, seq
 LIMIT $4::int;

-- name: rt_event_settled
-- The last settled position after which a reader found nothing more.
SELECT tx, seq
  FROM event
 WHERE (tx, seq) > ($1::xid8, $2::bigint) AND tx < pg_snapshot_xmin(pg_current_snapshot())
 ORDER BY tx DESC, seq DESC
 LIMIT 1;

-- name: rt_feed_open
INSERT INTO feed (producer) VALUES ($1) ON CONFLICT DO NOTHING;

-- name: rt_feed_get
SELECT tx, seq FROM feed WHERE producer = $1;

-- name: rt_feed_lock
-- Replicas share a feed: who does not get the row lets the other go on.
SELECT tx, seq FROM feed WHERE producer = $1 FOR UPDATE SKIP LOCKED;

-- name: rt_feed_move
UPDATE feed SET tx = $2, seq = $3, moved_at = $4 WHERE producer = $1;

-- name: rt_park
INSERT INTO parked (producer, tx, seq, event_id, tenant_id, topic, body, code, reason, says, parked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: rt_duty_lock
SELECT pg_try_advisory_xact_lock(hashtextextended('huzhu.duty.' || current_schema() || '.' || $1::text, 0));

-- name: rt_bind_tenant
SELECT set_config('huzhu.tenant', $1, true);

-- name: rt_data_key_get
SELECT wrapped FROM data_key WHERE tenant_id = $1;

-- name: rt_data_key_insert
INSERT INTO data_key (tenant_id, wrapped, made_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;
