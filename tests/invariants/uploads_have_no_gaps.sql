-- The pieces of an upload lie one behind the other and add up to its size.  Returns no row while that holds.
SELECT u.upload_id, u.size, sum(p.size) AS stored
  FROM claims.upload u
  LEFT JOIN (SELECT *, lag(start + size, 1, 0::bigint) OVER (PARTITION BY tenant_id, upload_id ORDER BY start) AS before
               FROM claims.upload_piece) p USING (tenant_id, upload_id)
 GROUP BY u.tenant_id, u.upload_id, u.size
HAVING u.size <> coalesce(sum(p.size), 0) OR bool_or(p.start <> p.before);
