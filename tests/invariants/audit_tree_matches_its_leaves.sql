-- Every integrated record is a leaf of its tree, every stored node the hash of the two below it (RFC 9162 2.1.1), and
-- every head lies within the tree.  Returns no row while that holds.
SELECT 'leaf' AS what, r.tenant_id, r.seq AS place
  FROM audit.record r
  JOIN audit.log l USING (tenant_id)
  LEFT JOIN audit.node n ON n.tenant_id = r.tenant_id AND n.level = 0 AND n.index = r.seq
 WHERE r.seq < l.integrated AND n.hash IS DISTINCT FROM r.leaf_hash
UNION ALL
SELECT 'node', n.tenant_id, n.index
  FROM audit.node n
  LEFT JOIN audit.node a ON a.tenant_id = n.tenant_id AND a.level = n.level - 1 AND a.index = n.index * 2
  LEFT JOIN audit.node b ON b.tenant_id = n.tenant_id AND b.level = n.level - 1 AND b.index = n.index * 2 + 1
 WHERE n.level > 0 AND n.hash IS DISTINCT FROM sha256('\x01'::bytea || a.hash || b.hash)
UNION ALL
SELECT 'head', h.tenant_id, h.size
  FROM audit.head h
  LEFT JOIN audit.log l USING (tenant_id)
 WHERE h.size > coalesce(l.integrated, 0);
