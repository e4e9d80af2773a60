-- A batch's head is the sum of its items; one that was sent has its signed manifest and no line that only waits; one that
-- is answered has no open item.  Returns no row while that holds.
SELECT b.batch_id, b.state, b.lines, b.total_fen
  FROM disbursement.bank_batch b
  LEFT JOIN LATERAL (SELECT count(*) AS lines, coalesce(sum(amount_fen), 0) AS total_fen,
                            count(*) FILTER (WHERE outcome IN ('WAITING', 'UNKNOWN')) AS open,
                            max(sequence) AS last, bool_or(live) AS live
                       FROM disbursement.batch_item i
                      WHERE i.tenant_id = b.tenant_id AND i.batch_id = b.batch_id) i ON true
 WHERE b.lines <> i.lines OR b.total_fen <> i.total_fen OR i.last <> i.lines
    OR (b.state IN ('SENT', 'ANSWERED')) <> (b.manifest IS NOT NULL)
    OR (b.state = 'ANSWERED' AND i.open > 0) OR (b.state = 'CANCELLED') = i.live
    OR (b.state = 'SENT' AND i.open = 0);
