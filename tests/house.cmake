# The house: sqlgen, database, events, runtime and the services that the runtime was built with.
add_library(test_cluster STATIC ${CMAKE_SOURCE_DIR}/tests/harness/cluster.c
    ${CMAKE_SOURCE_DIR}/tests/harness/caller.c
    ${CMAKE_SOURCE_DIR}/tests/harness/process.c)
target_include_directories(test_cluster PUBLIC ${CMAKE_SOURCE_DIR}/tests/harness)
target_compile_definitions(test_cluster PRIVATE HUZHU_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    HUZHU_BINARY_DIR="${CMAKE_BINARY_DIR}")
target_link_libraries(test_cluster PUBLIC huzhu_svc PkgConfig::PQ PRIVATE huzhu_flags)

# The harness that asserts: messages of tests, and one service with all others played.
add_library(test_stage STATIC ${CMAKE_SOURCE_DIR}/tests/harness/messages.c ${CMAKE_SOURCE_DIR}/tests/harness/stage.c)
target_link_libraries(test_stage PUBLIC test_cluster PkgConfig::CMOCKA PRIVATE huzhu_flags)

huzhu_test(unit/sqlgen_test.c)
add_dependencies(unit.sqlgen_test sqlgen)
huzhu_test(service/db_test.c test_cluster claims_service)
huzhu_test(service/runtime_test.c test_cluster)
huzhu_test(service/failover_test.c test_cluster claims_service)
huzhu_test(race/race_test.c test_cluster)
if(TARGET huzhu-broker AND TARGET huzhu-claims)
    huzhu_test(service/serve_test.c test_cluster claims_service)
    add_dependencies(service.serve_test huzhu-broker huzhu-claims huzhu-coding)
    huzhu_test(service/feed_test.c test_cluster)
    add_dependencies(service.feed_test huzhu-broker)
    huzhu_test(service/services_test.c test_cluster)
    foreach(name identity contributions claims coding disbursement disclosure audit)
        if(TARGET huzhu-${name})
            add_dependencies(service.services_test huzhu-${name})
        endif()
    endforeach()
    add_dependencies(service.services_test huzhu-broker)
    add_executable(bench.write ${CMAKE_SOURCE_DIR}/tests/bench/write/write_bench.c
        ${CMAKE_SOURCE_DIR}/tests/bench/write/cpu.c ${CMAKE_SOURCE_DIR}/tests/bench/write/https.c) # by hand
    target_compile_definitions(bench.write PRIVATE HUZHU_BINARY_DIR="${CMAKE_BINARY_DIR}")
    target_link_libraries(bench.write PRIVATE test_cluster huzhu_flags)
    add_dependencies(bench.write huzhu-broker huzhu-coding huzhu-gateway)
endif()
