-- Who died or was entered in error is in no household; every person is or was in one.  Returns no row while that holds.
SELECT p.tenant_id, p.person_id
  FROM identity.person p
 WHERE ((p.died_on IS NOT NULL OR p.void)
        AND EXISTS (SELECT FROM identity.membership m WHERE m.tenant_id = p.tenant_id AND m.person_id = p.person_id AND m.until_on IS NULL))
    OR NOT EXISTS (SELECT FROM identity.membership m WHERE m.tenant_id = p.tenant_id AND m.person_id = p.person_id);
