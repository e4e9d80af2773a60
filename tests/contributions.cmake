# Money in: the rules, and the service over whole years on a real PostgreSQL.
huzhu_test(unit/contributions_rules_test.c contributions_service)
huzhu_test(service/contributions_test.c test_cluster contributions_service huzhu_transcode)
huzhu_test(service/contributions_refusals_test.c test_cluster contributions_service huzhu_transcode)
huzhu_test(service/contributions_ledger_test.c test_cluster contributions_service huzhu_transcode)
