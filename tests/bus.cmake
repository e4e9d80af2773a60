# The bus and the broker.
huzhu_test(unit/bus_test.c huzhu_bus)
huzhu_test(unit/bus_broker_test.c broker_service)
huzhu_test(service/broker_test.c huzhu_bus)
add_dependencies(service.broker_test huzhu-broker)
huzhu_fuzz(envelope huzhu_bus)
huzhu_fuzz(mdp broker_service)
