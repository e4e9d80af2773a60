-- The sum of a list is the sum of its lines that did not go back, and its newest version says the same (7.2.4 a); an
-- approved one has another approver than preparer and submitter.  Returns no row while that holds.
SELECT l.list_id, l.total_fen, s.total_fen AS of_lines
  FROM disbursement.payout_list l
  LEFT JOIN LATERAL (SELECT count(*) AS lines, coalesce(sum(amount_fen), 0) AS total_fen
                       FROM disbursement.line n
                      WHERE n.tenant_id = l.tenant_id AND n.list_id = l.list_id AND n.state <> 'RETURNED') s ON true
  LEFT JOIN disbursement.list_version v
         ON v.tenant_id = l.tenant_id AND v.list_id = l.list_id AND v.version = l.version
 WHERE l.total_fen <> s.total_fen OR l.lines <> s.lines
    OR v.total_fen IS DISTINCT FROM l.total_fen OR v.sha256 IS DISTINCT FROM l.sha256
    OR l.approved_by = l.prepared_by OR l.approved_by = l.submitted_by;
