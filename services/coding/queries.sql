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
