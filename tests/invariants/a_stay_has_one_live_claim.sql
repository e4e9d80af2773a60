-- No two live claims of a person are of one stay, or of stays that meet in more than the day of a transfer.  Returns no
-- row while that holds.
SELECT a.tenant_id, a.claim_id, b.claim_id AS other
  FROM claims.claim a
  JOIN claims.claim b ON b.tenant_id = a.tenant_id AND b.person_id = a.person_id AND a.claim_id < b.claim_id
 WHERE a.state NOT IN ('DRAFT', 'REFUSED', 'WITHDRAWN') AND b.state NOT IN ('DRAFT', 'REFUSED', 'WITHDRAWN')
   AND (a.admitted < b.discharged AND b.admitted < a.discharged
        OR a.admitted = b.admitted AND a.hospital = b.hospital);
