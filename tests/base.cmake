huzhu_test(unit/base_test.c)
