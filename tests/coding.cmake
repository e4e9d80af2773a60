# The coding service: its rpcs over the grouper.
huzhu_test(service/coding_test.c test_cluster coding_service)
add_dependencies(service.coding_test huzhu-drg huzhu-design)
