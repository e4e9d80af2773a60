-- A page's versions have no gaps; it has its lines and its claims; a page of payouts says what its claims were paid; each
-- claim that stands on a page that went up is disclosed at that place and period; a combined line is of no single person;
-- nobody without consent and nothing sensitive has a line; two people made each page.  Returns no row while that holds.
SELECT 'version' AS what, p.tenant_id, min(p.publication_id::text) AS id
  FROM disclosure.publication p
 WHERE p.state <> 'DRAFT'
 GROUP BY p.tenant_id, p.programme_id, p.kind, p.village_id, p.period
HAVING count(*) <> max(p.version) OR count(*) FILTER (WHERE p.state = 'PUBLISHED') > 1
UNION ALL
SELECT 'lines', p.tenant_id, p.publication_id::text
  FROM disclosure.publication p
 WHERE p.lines <> (SELECT count(*) FROM disclosure.publication_line l
                    WHERE l.tenant_id = p.tenant_id AND l.publication_id = p.publication_id)
UNION ALL
SELECT 'total', p.tenant_id, p.publication_id::text
  FROM disclosure.publication p
 WHERE p.kind = 3 AND p.total IS NOT NULL
   AND p.total <> (SELECT sum(c.paid) FROM disclosure.publication_claim k
                     JOIN disclosure.claim c ON c.tenant_id = k.tenant_id AND c.claim_id = k.claim_id
                    WHERE k.tenant_id = p.tenant_id AND k.publication_id = p.publication_id)
UNION ALL
SELECT 'disclosed', p.tenant_id, p.publication_id::text
  FROM disclosure.publication p
  JOIN disclosure.publication_claim k USING (tenant_id, publication_id)
  LEFT JOIN disclosure.disclosed d ON d.tenant_id = p.tenant_id AND d.claim_id = k.claim_id
   AND d.village_id = p.village_id AND d.period = p.period
 WHERE p.state <> 'DRAFT' AND d.claim_id IS NULL
UNION ALL
SELECT 'isolated', k.tenant_id, k.publication_id::text
  FROM disclosure.publication_claim k
  JOIN disclosure.publication p USING (tenant_id, publication_id)
 WHERE k.cell <> '' AND p.total IS NOT NULL
 GROUP BY k.tenant_id, k.publication_id, k.cell
HAVING count(*) < 3 OR count(DISTINCT k.person_id) < 2
UNION ALL
SELECT 'sensitive', k.tenant_id, k.publication_id::text
  FROM disclosure.publication_claim k
  JOIN disclosure.publication p USING (tenant_id, publication_id)
  JOIN disclosure.claim c ON c.tenant_id = k.tenant_id AND c.claim_id = k.claim_id
 WHERE k.cell <> '*' AND (c.sensitive OR c.telling OR c.capped)
UNION ALL
SELECT 'by two', p.tenant_id, p.publication_id::text
  FROM disclosure.publication p WHERE p.prepared_by = p.approved_by;
