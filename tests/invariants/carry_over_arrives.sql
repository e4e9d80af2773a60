-- What a closed year carried over is what the next one received, once.  Returns no row while that holds.
SELECT k.programme_id
  FROM contributions.carry_over k
 WHERE k.amount_fen <> coalesce((SELECT sum(t.amount_fen) FROM contributions.transfer t WHERE t.tenant_id = k.tenant_id
            AND t.programme_id = k.programme_id AND t.why = 'carry_over' AND t.debit = 'fund.carried_over'), 0)
    OR k.amount_fen <> coalesce((SELECT sum(t.amount_fen) FROM contributions.transfer t WHERE t.tenant_id = k.tenant_id
            AND t.programme_id = k.next_programme_id AND t.why = 'carry_over' AND t.credit = 'income.carry_over'), 0)
UNION ALL
SELECT t.programme_id
  FROM contributions.transfer t
 WHERE t.why = 'carry_over' AND NOT EXISTS (SELECT FROM contributions.carry_over k
       WHERE k.tenant_id = t.tenant_id AND k.programme_id = t.subject_id);
