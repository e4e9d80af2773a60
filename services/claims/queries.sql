-- The statements of the claims service, prepared at start; unqualified names are its own schema's.  Row-level security
-- keeps each of them within the tenant.

-- name: upload_get
SELECT account_id, size, content_type, sha256, started_at FROM upload WHERE upload_id = $1;

-- name: upload_lock
SELECT account_id, size, content_type, sha256, started_at FROM upload WHERE upload_id = $1 FOR UPDATE;

-- name: upload_insert
INSERT INTO upload (tenant_id, upload_id, account_id, size, content_type, started_at) VALUES ($1, $2, $3, 0, $4, $5);

-- name: upload_grow
UPDATE upload SET size = $2 WHERE upload_id = $1;

-- name: upload_finish
UPDATE upload SET sha256 = $2, finished_at = $3 WHERE upload_id = $1;

-- name: piece_insert
INSERT INTO upload_piece (tenant_id, upload_id, start, size, sealed) VALUES ($1, $2, $3, $4, $5);

-- name: piece_at
-- The piece that holds the byte $2.
SELECT start, size, sealed
  FROM upload_piece
 WHERE upload_id = $1 AND start <= $2
 ORDER BY start DESC
 LIMIT 1;

-- name: upload_purge
SELECT purge_uploads($1);
