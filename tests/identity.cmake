# Who: the primitives below it, its rules, the service on a real PostgreSQL.
huzhu_test(unit/crypto_test.c huzhu_crypto)
huzhu_test(unit/identity_rules_test.c identity_service)
huzhu_test(service/identity_test.c test_stage identity_service huzhu_crypto)
huzhu_test(unit/register_rules_test.c identity_service)
huzhu_test(service/register_test.c test_stage identity_service huzhu_crypto)
