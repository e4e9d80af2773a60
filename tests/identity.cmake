huzhu_test(unit/crypto_test.c huzhu_crypto)
huzhu_test(unit/identity_rules_test.c identity_service)
