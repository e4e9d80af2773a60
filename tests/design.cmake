# Plan design: the solver, its command, and what both are compared with.
huzhu_test(unit/design_math_test.c huzhu_plan m)
huzhu_test(unit/design_plan_test.c huzhu_plan m)
huzhu_test(unit/design_property_test.c huzhu_plan m)
huzhu_test(unit/design_simulation_test.c huzhu_plan m)
huzhu_test(contract/design_vectors_test.c huzhu_plan m)
huzhu_test(contract/design_actuar_test.c huzhu_plan m)
huzhu_test(contract/design_command_test.c huzhu_plan)
add_dependencies(contract.design_command_test huzhu-design)

# By hand, in the release preset: build/release/bin/bench.design
add_executable(bench.design ${CMAKE_SOURCE_DIR}/tests/bench/design/design_bench.c)
target_link_libraries(bench.design PRIVATE huzhu_plan huzhu_flags m)
