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
