# The bus and the broker.
huzhu_test(unit/bus_test.c huzhu_bus)
huzhu_test(unit/bus_broker_test.c broker_service)
huzhu_test(service/broker_test.c huzhu_bus)
add_dependencies(service.broker_test huzhu-broker)
huzhu_fuzz(envelope huzhu_bus)
huzhu_fuzz(mdp broker_service)

# By hand: build/release/bin/bench.bus [REPEATS [SECONDS]]
add_executable(bench.bus ${CMAKE_SOURCE_DIR}/tests/bench/bus/bus_bench.c)
target_include_directories(bench.bus PRIVATE ${CMAKE_SOURCE_DIR}/tests/harness)
target_compile_definitions(bench.bus PRIVATE HUZHU_BINARY_DIR="${CMAKE_BINARY_DIR}")
target_link_libraries(bench.bus PRIVATE huzhu_bus huzhu_flags m)
add_dependencies(bench.bus huzhu-broker)
pkg_check_modules(NATS IMPORTED_TARGET libnats)
if(NATS_FOUND)
    target_compile_definitions(bench.bus PRIVATE HUZHU_BENCH_NATS)
    target_link_libraries(bench.bus PRIVATE PkgConfig::NATS)
endif()
