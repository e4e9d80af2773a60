-- Each complaint has an owner who is not complained about, days that follow its receipt, and its steps without gaps.
-- Returns no row while that holds.
SELECT 'complaint' AS what, c.tenant_id, c.complaint_id
  FROM disclosure.complaint c
 WHERE c.owner_id = c.about_id OR c.accept_by <= c.received_on OR c.reply_by < c.accept_by
    OR (SELECT count(*) FROM disclosure.complaint_step s WHERE s.tenant_id = c.tenant_id AND s.complaint_id = c.complaint_id)
       <> (SELECT coalesce(max(step), 0) FROM disclosure.complaint_step s
            WHERE s.tenant_id = c.tenant_id AND s.complaint_id = c.complaint_id)
    OR NOT EXISTS (SELECT FROM disclosure.complaint_step s WHERE s.tenant_id = c.tenant_id AND s.complaint_id = c.complaint_id);
