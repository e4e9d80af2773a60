-- Who is disabled, or has no password, has no live session and no live API token.  Returns no row while that holds.
SELECT a.tenant_id, a.account_id
  FROM identity.account a
 WHERE a.state <> 'ACTIVE'
   AND (EXISTS (SELECT FROM identity.session s
                 WHERE s.tenant_id = a.tenant_id AND s.account_id = a.account_id AND s.ended_at IS NULL)
     OR EXISTS (SELECT FROM identity.api_token t
                 WHERE t.tenant_id = a.tenant_id AND t.account_id = a.account_id AND t.revoked_at IS NULL));
