-- A claim's state is the one that its last step came to, and its steps are numbered without a gap.  Returns no row while
-- that holds.
SELECT c.tenant_id, c.claim_id, c.state, l.to_state, l.step, l.steps
  FROM claims.claim c
  LEFT JOIN LATERAL (SELECT step, to_state, count(*) OVER () AS steps
                       FROM claims.claim_step s
                      WHERE s.tenant_id = c.tenant_id AND s.claim_id = c.claim_id
                      ORDER BY step DESC LIMIT 1) l ON true
 WHERE l.to_state IS DISTINCT FROM c.state OR l.step IS DISTINCT FROM l.steps;
