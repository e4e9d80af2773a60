set(audit_extra huzhu_merkle)
