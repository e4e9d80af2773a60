-- The accounts of every programme are what its transfers say, both sides equal, and nothing that must not is negative.
-- Returns no row while that holds.
WITH moved AS (
    SELECT t.tenant_id, t.programme_id, s.code,
           sum(t.amount_fen) FILTER (WHERE s.side = 'd' AND t.state = 'POSTED') AS debit,
           sum(t.amount_fen) FILTER (WHERE s.side = 'c' AND t.state = 'POSTED') AS credit,
           sum(t.amount_fen) FILTER (WHERE s.side = 'd' AND t.state = 'PENDING') AS debit_pending,
           sum(t.amount_fen) FILTER (WHERE s.side = 'c' AND t.state = 'PENDING') AS credit_pending
      FROM contributions.transfer t CROSS JOIN LATERAL (VALUES ('d', t.debit), ('c', t.credit)) AS s (side, code)
     GROUP BY 1, 2, 3
)
SELECT programme_id, code
  FROM moved m FULL JOIN contributions.account a USING (tenant_id, programme_id, code)
 WHERE coalesce(m.debit, 0) <> coalesce(a.debit, 0) OR coalesce(m.credit, 0) <> coalesce(a.credit, 0)
    OR coalesce(m.debit_pending, 0) <> coalesce(a.debit_pending, 0)
    OR coalesce(m.credit_pending, 0) <> coalesce(a.credit_pending, 0)
    OR (code IN ('bank', 'cash') AND a.debit - a.credit - a.credit_pending < 0)
    OR (code LIKE 'income.%' AND a.credit - a.debit - a.debit_pending < 0)
UNION ALL
SELECT programme_id, 'sum'
  FROM contributions.account
 GROUP BY programme_id
HAVING sum(debit) <> sum(credit) OR sum(debit_pending) <> sum(credit_pending);
