# Claims: rules, documents, the service on a real PostgreSQL.
huzhu_test(unit/claims_rules_test.c claims_service)
huzhu_test(unit/claims_document_test.c claims_service)
huzhu_test(service/claims_test.c test_stage claims_service)
huzhu_fuzz(claims_document claims_service)
