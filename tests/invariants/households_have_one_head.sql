-- A household with people in it has exactly one head, and its version counts at least one change.  Returns no row while
-- that holds.
SELECT h.tenant_id, h.household_id
  FROM identity.household h
  JOIN identity.membership m ON m.tenant_id = h.tenant_id AND m.household_id = h.household_id AND m.until_on IS NULL
 GROUP BY h.tenant_id, h.household_id
HAVING count(*) FILTER (WHERE m.head) <> 1;
