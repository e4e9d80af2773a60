# The bus and the broker.
huzhu_test(service/broker_test.c huzhu_bus)
add_dependencies(service.broker_test huzhu-broker)
