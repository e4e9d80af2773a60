# The platform as a whole: the supervisor, the one command, e2e, chaos, contract.
huzhu_test(e2e/supervise_test.c)
add_dependencies(e2e.supervise_test huzhu-supervise)

# The contracts against the last landed ones (contract/baseline, copied there by `hz contracts accept`).
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c)
find_program(PROTOC_C protoc-c REQUIRED)
set(descriptor ${GEN}/contract/google/protobuf/descriptor.pb-c)
add_custom_command(OUTPUT ${descriptor}.c ${descriptor}.h
    COMMAND ${CMAKE_COMMAND} -E make_directory ${GEN}/contract
    COMMAND ${PROTOC_C} -I/usr/include --c_out=${GEN}/contract google/protobuf/descriptor.proto)
add_library(huzhu_descriptor STATIC ${descriptor}.c)
target_include_directories(huzhu_descriptor SYSTEM PUBLIC ${GEN}/contract)
target_link_libraries(huzhu_descriptor PUBLIC PkgConfig::PROTOBUF_C)
add_library(huzhu_breaking STATIC ${CMAKE_CURRENT_SOURCE_DIR}/contract/breaking.c)
target_include_directories(huzhu_breaking PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(huzhu_breaking PUBLIC huzhu_descriptor huzhu_base PRIVATE huzhu_flags)
huzhu_test(contract/breaking_test.c huzhu_breaking)

# The whole platform: every program of it, through `hz up`.
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET openssl)
add_library(huzhu_platform STATIC EXCLUDE_FROM_ALL
    ${CMAKE_CURRENT_SOURCE_DIR}/harness/platform.c ${CMAKE_CURRENT_SOURCE_DIR}/harness/browser.c
    ${CMAKE_CURRENT_SOURCE_DIR}/harness/world.c)
target_include_directories(huzhu_platform PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/harness)
target_compile_definitions(huzhu_platform PRIVATE HUZHU_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    HUZHU_BINARY_DIR="${CMAKE_BINARY_DIR}")
target_link_libraries(huzhu_platform PUBLIC PkgConfig::CURL PkgConfig::OPENSSL PkgConfig::CMOCKA huzhu_base
    PRIVATE huzhu_flags)

# huzhu_platform_test(TIER/NAME_test.c TIMEOUT LIBS...): one at a time, because they measure time.
function(huzhu_platform_test path timeout)
    huzhu_test(${path} huzhu_platform ${ARGN})
    get_filename_component(name ${path} NAME_WE)
    get_filename_component(tier ${path} DIRECTORY)
    set_tests_properties(${tier}/${name} PROPERTIES TIMEOUT ${timeout} RUN_SERIAL ON)
    foreach(program broker gateway supervise keys identity contributions claims coding disbursement disclosure audit
            drg design)
        if(TARGET huzhu-${program})
            add_dependencies(${tier}.${name} huzhu-${program})
        endif()
    endforeach()
    add_dependencies(${tier}.${name} gateway_web)
endfunction()

huzhu_platform_test(e2e/up_test.c 180)
huzhu_platform_test(e2e/rehearsal_test.c 180)
huzhu_platform_test(e2e/coding_test.c 180)
huzhu_platform_test(e2e/evidence_test.c 180)
huzhu_platform_test(e2e/year_test.c 480)
huzhu_platform_test(e2e/bad_requests_test.c 180)
huzhu_platform_test(e2e/intruders_test.c 120 huzhu_bus huzhu_crypto)
add_library(huzhu_chaos_load STATIC EXCLUDE_FROM_ALL ${CMAKE_CURRENT_SOURCE_DIR}/chaos/load.c)
target_include_directories(huzhu_chaos_load PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/chaos)
target_link_libraries(huzhu_chaos_load PUBLIC huzhu_platform PRIVATE huzhu_flags)
add_library(huzhu_cables STATIC EXCLUDE_FROM_ALL ${CMAKE_CURRENT_SOURCE_DIR}/harness/cables.c)
target_include_directories(huzhu_cables PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/harness)
target_link_libraries(huzhu_cables PUBLIC huzhu_base PRIVATE huzhu_flags)
huzhu_platform_test(chaos/load_test.c 240 huzhu_chaos_load)
huzhu_platform_test(chaos/net_test.c 240 huzhu_chaos_load huzhu_cables)

# A small year in which everybody is a canary; it needs python3 (deploy/packages/demo.txt), and says so where there is none.
find_program(PYTHON3 python3)
if(PYTHON3)
    set(canary ${PYTHON3} ${CMAKE_CURRENT_SOURCE_DIR}/e2e/canary/canary.py ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/bin)
else()
    set(canary ${CMAKE_COMMAND} -E echo "skipped: the canary scan needs python3")
endif()
add_test(NAME e2e/canary_req_6_2_2c1 COMMAND ${canary})
set_tests_properties(e2e/canary_req_6_2_2c1 PROPERTIES LABELS e2e TIMEOUT 360 RUN_SERIAL ON
    SKIP_REGULAR_EXPRESSION "^skipped: ")

# The year replayed with deaths at the fault points, which only some builds have; Python, for it plays deploy/demo's year.
if(HUZHU_FAULTS)
    if(PYTHON3)
        set(replay ${PYTHON3} -B ${CMAKE_CURRENT_SOURCE_DIR}/chaos/year/replay.py --bin ${CMAKE_BINARY_DIR}/bin
            --source ${CMAKE_SOURCE_DIR})
        add_test(NAME chaos/year COMMAND ${replay}) # three minutes: `hz test chaos year`
        add_test(NAME chaos/year_short COMMAND ${replay} --short) # four of its twelve lists, for `hz test`
        set_tests_properties(chaos/year chaos/year_short PROPERTIES LABELS chaos TIMEOUT 900 RUN_SERIAL ON
            SKIP_RETURN_CODE 77)
    endif()
endif()
