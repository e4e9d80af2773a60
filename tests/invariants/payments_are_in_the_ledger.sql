-- Every payment is one transfer of its amount, a voided one has its way back, and no subject was paid twice.  Returns no
-- row while that holds.
SELECT p.payment_id
  FROM contributions.payment p
  LEFT JOIN contributions.transfer t ON t.tenant_id = p.tenant_id AND t.programme_id = p.programme_id
       AND t.why = 'payment.personal' AND t.subject_id = p.payment_id AND t.state = 'POSTED'
  LEFT JOIN contributions.transfer v ON v.tenant_id = p.tenant_id AND v.programme_id = p.programme_id
       AND v.why = 'void' AND v.subject_id = p.payment_id
 WHERE t.amount_fen IS DISTINCT FROM p.amount_fen
    OR (p.state = 'VOIDED') <> (v.transfer_id IS NOT NULL)
    OR coalesce(v.amount_fen, p.amount_fen) <> p.amount_fen
UNION ALL
SELECT t.subject_id
  FROM contributions.transfer t
  LEFT JOIN contributions.payment p ON p.tenant_id = t.tenant_id AND p.payment_id = t.subject_id
 WHERE t.why = 'payment.personal' AND p.payment_id IS NULL
UNION ALL
SELECT subject_id
  FROM contributions.transfer
 WHERE state <> 'VOIDED'
 GROUP BY tenant_id, programme_id, why, subject_id
HAVING count(*) > 1;
