-- A claim that was accepted has its run of the clock, which runs exactly while the claim is undecided and nothing is asked
-- for; there are as many runs as the claim says.  Returns no row while that holds.
SELECT c.tenant_id, c.claim_id, c.state, c.round
  FROM claims.claim c
  LEFT JOIN claims.claim_round r USING (tenant_id, claim_id, round)
 WHERE (c.state NOT IN ('DRAFT', 'REFUSED', 'WITHDRAWN') AND r.round IS NULL)
    OR (c.state = 'ACCEPTED') IS DISTINCT FROM
       (r.round IS NOT NULL AND r.paused_on IS NULL AND r.decided_on IS NULL AND r.closed_on IS NULL)
    OR (c.state = 'PAPERS_REQUESTED' AND (r.paused_on IS NULL OR c.asked = 0))
    OR c.round <> (SELECT count(*) FROM claims.claim_round n WHERE n.tenant_id = c.tenant_id AND n.claim_id = c.claim_id);
