# The year's work in figures; by hand and by `hz bench year`: build/release/bin/bench.year [PART]... [REPEATS]
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    file(GLOB year_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/bench/year/*.c)
    add_executable(bench.year ${year_sources})
    target_compile_definitions(bench.year PRIVATE HUZHU_BINARY_DIR="${CMAKE_BINARY_DIR}"
        HUZHU_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    target_link_libraries(bench.year PRIVATE test_cluster huzhu_transcode huzhu_flags)
    add_dependencies(bench.year huzhu-broker huzhu-identity huzhu-contributions huzhu-claims huzhu-coding
        huzhu-disbursement huzhu-drg)
endif()
