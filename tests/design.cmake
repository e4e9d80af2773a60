huzhu_test(unit/design_plan_test.c huzhu_plan m)
