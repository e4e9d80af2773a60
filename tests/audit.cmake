huzhu_test(contract/merkle_test.c huzhu_merkle)
