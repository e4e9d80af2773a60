-- What the register took was complete, without a fault, and agreed to by another account than the sender's; nothing is staged
-- for a list that nobody works on.  Returns no row while that holds.
SELECT i.tenant_id, i.import_id
  FROM identity.register_import i
 WHERE i.state = 'APPLIED'
   AND (i.sha256 IS NULL OR i.faults <> 0 OR i.decided_by IS NULL OR i.decided_by = i.account_id OR i.applied_at IS NULL
        OR EXISTS (SELECT FROM identity.import_fault f WHERE f.tenant_id = i.tenant_id AND f.import_id = i.import_id))
UNION ALL
SELECT r.tenant_id, r.import_id
  FROM identity.import_row r
  LEFT JOIN identity.register_import i USING (tenant_id, import_id)
 WHERE i.staged IS NOT TRUE;
