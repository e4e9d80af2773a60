# huzhu_base: the floor of the floor.  Needs libc and jansson alone, so that the grouper and the plan
# designer, which are libraries and commands of their own, can be built and carried away without the house.
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
set(common_dir ${CMAKE_SOURCE_DIR}/common)
add_library(huzhu_base STATIC
    ${common_dir}/err/err.c ${common_dir}/arena/arena.c ${common_dir}/id/id.c ${common_dir}/money/money.c
    ${common_dir}/clock/clock.c ${common_dir}/clock/business.c ${common_dir}/clock/calendar.c
    ${common_dir}/log/log.c ${common_dir}/conf/conf.c ${common_dir}/fault/fault.c)
target_include_directories(huzhu_base PUBLIC ${common_dir})
target_link_libraries(huzhu_base PUBLIC PkgConfig::JANSSON Threads::Threads PRIVATE huzhu_flags)
if(HUZHU_FAULTS)
    target_compile_definitions(huzhu_base PUBLIC HUZHU_FAULTS)
endif()
