huzhu_test(unit/design_math_test.c huzhu_plan m)
huzhu_test(unit/design_plan_test.c huzhu_plan m)
huzhu_test(unit/design_property_test.c huzhu_plan m)
