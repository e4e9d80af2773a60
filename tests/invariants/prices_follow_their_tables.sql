-- 0-3.3: every price begins with the amount of the frozen table of its programme, goes down step by step without a gap, and
-- ends with what is payable; what a person's prices in force add up to is what is kept.  Returns no row while that holds.
SELECT 'table' AS what, s.tenant_id, s.coding_id
  FROM coding.coded_stay s
  LEFT JOIN coding.subsidy_table t ON t.tenant_id = s.tenant_id AND t.table_id = s.table_id AND t.state = 'FROZEN'
        AND t.programme_id = s.programme_id
  LEFT JOIN coding.subsidy_row r ON r.tenant_id = s.tenant_id AND r.table_id = t.table_id AND r.drg = s.row_drg
        AND (r.drg = s.drg OR r.parent = s.drg)
 WHERE s.payable_fen IS NOT NULL AND r.amount_fen IS DISTINCT FROM s.due_fen
UNION ALL
SELECT 'step', p.tenant_id, p.coding_id
  FROM (SELECT p.*, s.due_fen, s.payable_fen,
               lag(after_fen, 1, s.due_fen) OVER w AS came, lead(place) OVER w IS NULL AS last,
               row_number() OVER w - 1 AS counted
          FROM coding.price_step p
          JOIN coding.coded_stay s USING (tenant_id, coding_id)
        WINDOW w AS (PARTITION BY p.tenant_id, p.coding_id ORDER BY place)) p
 WHERE before_fen <> came OR after_fen > before_fen OR after_fen < 0 OR place <> counted
    OR (place = 0) <> (name = 'table') OR (last AND after_fen <> payable_fen)
UNION ALL
SELECT 'unexplained', s.tenant_id, s.coding_id
  FROM coding.coded_stay s
 WHERE s.payable_fen IS NOT NULL
   AND NOT EXISTS (SELECT FROM coding.price_step p WHERE p.tenant_id = s.tenant_id AND p.coding_id = s.coding_id)
UNION ALL
SELECT 'sum', coalesce(t.tenant_id, s.tenant_id), coalesce(t.person_id, s.person_id)
  FROM coding.person_total t
  FULL JOIN (SELECT tenant_id, programme_id, person_id, sum(payable_fen) AS fen
               FROM coding.coded_stay WHERE state = 'PRICED' GROUP BY 1, 2, 3) s
       USING (tenant_id, programme_id, person_id)
 WHERE coalesce(t.priced_fen, 0) <> coalesce(s.fen, 0);
