-- A catalogue's lines run from 1 without a gap, so do the numbers of each kind and year; each item has a digest and, if it came
-- from an event, that event's record in the log.  Returns no row while that holds.
SELECT 'line' AS what, coalesce(n.tenant_id, i.tenant_id) AS tenant_id, n.next AS place
  FROM (SELECT * FROM audit.counter WHERE kind = 0) n
  FULL JOIN (SELECT tenant_id, count(*) AS items, max(line) AS last FROM audit.archive_item GROUP BY tenant_id) i
       USING (tenant_id)
 WHERE n.next IS DISTINCT FROM i.items + 1 OR i.last IS DISTINCT FROM i.items
UNION ALL
SELECT 'number', coalesce(n.tenant_id, i.tenant_id), n.next
  FROM (SELECT * FROM audit.counter WHERE kind > 0) n
  FULL JOIN (SELECT tenant_id, kind, year, count(*) AS items, max(number) AS last
               FROM audit.archive_item GROUP BY tenant_id, kind, year) i USING (tenant_id, kind, year)
 WHERE n.next IS DISTINCT FROM i.items + 1 OR i.last IS DISTINCT FROM i.items
UNION ALL
SELECT 'record', i.tenant_id, i.line
  FROM audit.archive_item i
  LEFT JOIN audit.record r ON r.tenant_id = i.tenant_id AND r.seq = i.seq
 WHERE i.source <> '' AND (r.event_id IS DISTINCT FROM i.event_id OR r.topic IS DISTINCT FROM i.source)
UNION ALL
SELECT 'digest', i.tenant_id, i.line FROM audit.archive_item i WHERE i.sha256 = decode(repeat('00', 32), 'hex')
UNION ALL
SELECT 'publication', p.tenant_id, p.seq
  FROM audit.publication p
  LEFT JOIN audit.record r USING (tenant_id, seq)
 WHERE r.topic IS DISTINCT FROM 'huzhu.disclosure.v1.PagePublished' OR r.source <> 'disclosure';
