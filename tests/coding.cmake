# The coding service: its rpcs over the grouper.
huzhu_test(service/coding_test.c test_cluster coding_service)
add_dependencies(service.coding_test huzhu-drg huzhu-design)
huzhu_test(unit/coding_rules_test.c coding_service)
huzhu_test(unit/coding_names_test.c huzhu_drg)
add_dependencies(unit.coding_names_test huzhu-drg)
huzhu_test(contract/coding_amounts_test.c huzhu_proto)
