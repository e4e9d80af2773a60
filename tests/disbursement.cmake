# Money out: its rules, and the service on a real PostgreSQL.
huzhu_test(unit/disbursement_rules_test.c disbursement_service)
huzhu_test(service/disbursement_test.c test_cluster disbursement_service)
