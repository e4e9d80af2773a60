# The gateway's tests.  Their own contract (every kind of field) is compiled here.
set(sample_pb ${GEN}/gateway_sample)
file(MAKE_DIRECTORY ${sample_pb})
add_custom_command(OUTPUT ${sample_pb}/gateway_sample.pb-c.c ${sample_pb}/gateway_sample.pb-c.h
    COMMAND ${PROTOC_C} -I${CMAKE_SOURCE_DIR}/tests/contract -I${CMAKE_SOURCE_DIR}/proto -I/usr/include
        --c_out=${sample_pb} gateway_sample.proto
    DEPENDS ${CMAKE_SOURCE_DIR}/tests/contract/gateway_sample.proto ${CMAKE_SOURCE_DIR}/proto/common.proto)
add_library(gateway_sample STATIC ${sample_pb}/gateway_sample.pb-c.c)
target_include_directories(gateway_sample SYSTEM PUBLIC ${sample_pb})
target_link_libraries(gateway_sample PUBLIC huzhu_proto)

huzhu_test(contract/gateway_transcode_test.c huzhu_transcode gateway_sample)
huzhu_test(unit/gateway_parts_test.c huzhu_gateway gateway_sample)

add_library(gateway_harness STATIC contract/gateway_harness.c)
target_include_directories(gateway_harness PUBLIC contract harness)
target_link_libraries(gateway_harness PUBLIC huzhu_gateway PkgConfig::CMOCKA PRIVATE huzhu_flags)
huzhu_test(contract/gateway_http_test.c gateway_harness gateway_sample)
huzhu_test(contract/gateway_calls_test.c gateway_harness gateway_sample)
huzhu_test(contract/gateway_flow_test.c gateway_harness gateway_sample)
huzhu_test(contract/gateway_files_test.c gateway_harness gateway_sample)
huzhu_test(e2e/gateway_bus_test.c gateway_harness gateway_sample)
add_dependencies(e2e.gateway_bus_test huzhu-broker)

# Benchmarks are programs run by hand (tests/bench/gateway/run); built in release alone, where numbers mean something.
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    add_executable(bench.gateway_json bench/gateway/json_bench.c)
    target_link_libraries(bench.gateway_json PRIVATE huzhu_transcode gateway_sample PkgConfig::JANSSON huzhu_flags)
    add_executable(bench.gateway_client bench/gateway/https_client.c)
    target_link_libraries(bench.gateway_client PRIVATE huzhu_base PkgConfig::OPENSSL_TLS huzhu_flags)
    add_executable(bench.gateway_upload bench/gateway/upload_bench.c)
    target_link_libraries(bench.gateway_upload PRIVATE gateway_harness huzhu_flags)
endif()
huzhu_fuzz(transcode huzhu_transcode gateway_sample PkgConfig::JANSSON)
huzhu_fuzz(http huzhu_gateway gateway_sample)
