# Evidence: the tree, what a record is, the service on a real PostgreSQL.
huzhu_test(contract/merkle_test.c huzhu_merkle)
huzhu_test(unit/audit_rules_test.c audit_service huzhu_merkle)
huzhu_test(service/audit_test.c test_cluster audit_service huzhu_merkle)
