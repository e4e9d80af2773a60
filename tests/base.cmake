# The floor: units of common/ that need nothing.
huzhu_test(unit/base_test.c)
huzhu_test(unit/fault_test.c)
huzhu_test(unit/id_test.c)
huzhu_test(unit/log_test.c)
huzhu_test(unit/clock_test.c)
huzhu_test(unit/calendar_test.c)
