-- A claim is on at most one line that did not go back; a line has at most one paid attempt, of its own amount, and is PAID
-- exactly when it has one (or is a refund confirmed by hand); a bank receipt pays once; the log says PayoutConfirmed as
-- often as lines are paid.  Returns no row while that holds.
SELECT 'claim on two lines' AS broken, claim_id::text AS of
  FROM disbursement.line
 WHERE claim_id IS NOT NULL AND state <> 'RETURNED'
 GROUP BY tenant_id, claim_id
HAVING count(*) > 1
UNION ALL
SELECT 'line and attempts differ', n.line_id::text
  FROM disbursement.line n
  LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE i.outcome = 'PAID') AS paid,
                            bool_or(i.amount_fen <> n.amount_fen) AS other_amount,
                            count(*) FILTER (WHERE i.attempt = n.attempt AND i.outcome IN ('WAITING', 'UNKNOWN')) AS open
                       FROM disbursement.batch_item i
                      WHERE i.tenant_id = n.tenant_id AND i.line_id = n.line_id AND i.live) i ON true
 WHERE (n.route < 2 AND (n.state = 'PAID') <> (i.paid = 1)) OR i.paid > 1 OR i.other_amount
    OR (n.state IN ('BATCHED', 'SENT')) <> (i.open = 1)
UNION ALL
SELECT 'receipt pays twice', receipt
  FROM disbursement.batch_item
 WHERE outcome = 'PAID'
 GROUP BY tenant_id, receipt
HAVING count(*) > 1
UNION ALL
SELECT 'paid lines and confirmations differ', t.tenant_id::text
  FROM (SELECT tenant_id, count(*) FILTER (WHERE state = 'PAID' AND kind = 'PAYOUT') AS paid
          FROM disbursement.line GROUP BY tenant_id) t
 WHERE t.paid <> (SELECT count(*) FROM disbursement.event e
                   WHERE e.tenant_id = t.tenant_id AND e.topic = 'huzhu.disbursement.v1.PayoutConfirmed');
