-- Who is in force is enrolled with nothing left to pay, and what persons paid is what their household's payments say.
-- Returns no row while that holds.
SELECT household_id FROM contributions.enrolment_member WHERE in_force AND NOT paid AND due_fen > 0
UNION ALL
SELECT m.household_id
  FROM (SELECT tenant_id, programme_id, household_id, sum(due_fen) FILTER (WHERE paid) AS paid
          FROM contributions.enrolment_member GROUP BY 1, 2, 3) m
  LEFT JOIN (SELECT tenant_id, programme_id, household_id, sum(amount_fen) AS taken
               FROM contributions.payment WHERE state <> 'VOIDED' GROUP BY 1, 2, 3) p USING (tenant_id, programme_id, household_id)
 WHERE coalesce(m.paid, 0) <> coalesce(p.taken, 0)
UNION ALL
SELECT e.household_id
  FROM contributions.enrolment e
 WHERE e.in_force <> EXISTS (SELECT FROM contributions.enrolment_member m WHERE m.tenant_id = e.tenant_id
                                AND m.programme_id = e.programme_id AND m.household_id = e.household_id AND m.in_force);
