huzhu_test(unit/crypto_test.c huzhu_crypto)
