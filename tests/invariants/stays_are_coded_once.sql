-- A job is in one pair of hands at most and each attempt was coded once; a priced job has one price in force, made by two
-- people; a programme has one frozen table.  Returns no row while that holds.
SELECT 'lease' AS what, j.tenant_id, j.claim_id AS id
  FROM coding.job j
 WHERE (j.state IN ('TAKEN', 'REVIEWING')) <> (j.holder_id IS NOT NULL AND j.lease_until IS NOT NULL)
UNION ALL
SELECT 'attempt', s.tenant_id, s.claim_id
  FROM coding.coded_stay s
  JOIN coding.job j USING (tenant_id, claim_id)
 GROUP BY s.tenant_id, s.claim_id, j.attempt
HAVING count(*) <> count(DISTINCT s.attempt) OR max(s.attempt) > j.attempt
UNION ALL
SELECT 'price', j.tenant_id, j.claim_id
  FROM coding.job j
 WHERE j.state = 'PRICED'
   AND (SELECT count(*) FROM coding.coded_stay s
         WHERE s.tenant_id = j.tenant_id AND s.claim_id = j.claim_id AND s.state = 'PRICED' AND s.coding_id = j.coding_id
           AND s.reviewer_id <> s.coder_id) <> 1
UNION ALL
SELECT 'frozen', t.tenant_id, t.programme_id
  FROM coding.subsidy_table t
 WHERE t.state = 'FROZEN'
 GROUP BY t.tenant_id, t.programme_id
HAVING count(*) <> 1;
