-- The roles of an account are those that were granted to it, and a scope belongs to roles.  Returns no row while that
-- holds.
SELECT a.tenant_id, a.account_id, a.roles
  FROM identity.account a
  LEFT JOIN identity.role_grant g USING (tenant_id, account_id)
 GROUP BY a.tenant_id, a.account_id, a.roles
HAVING a.roles <> coalesce(bit_or(1 << g.role), 0)
    OR (a.roles = 0 AND EXISTS (SELECT FROM identity.account_scope s
                                 WHERE s.tenant_id = a.tenant_id AND s.account_id = a.account_id));
