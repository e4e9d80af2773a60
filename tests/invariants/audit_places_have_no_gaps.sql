-- A tenant's log has given as many places as there are records, and the last is the one before the next.  Returns no row
-- while that holds.
SELECT coalesce(l.tenant_id, r.tenant_id) AS tenant_id, l.next_seq, r.records, r.last
  FROM audit.log l
  FULL JOIN (SELECT tenant_id, count(*) AS records, max(seq) AS last, min(seq) AS first FROM audit.record GROUP BY tenant_id) r
       USING (tenant_id)
 WHERE l.next_seq IS DISTINCT FROM r.records OR r.last IS DISTINCT FROM l.next_seq - 1 OR r.first <> 0;
