# Evidence: the tree, what a record is, the service on a real PostgreSQL, the archive, what may be in the log.
huzhu_test(contract/merkle_test.c huzhu_merkle)
huzhu_test(unit/audit_rules_test.c audit_service huzhu_merkle)
huzhu_test(service/audit_test.c test_cluster audit_service huzhu_merkle)
add_library(events_told STATIC contract/events_told.c)
target_compile_definitions(events_told PRIVATE HUZHU_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
target_link_libraries(events_told PUBLIC huzhu_breaking PRIVATE huzhu_flags)
huzhu_test(contract/events_privacy_test.c events_told)
# transcode: what the gateway answers is what check-proof reads.
huzhu_test(service/archive_test.c test_cluster audit_service huzhu_merkle huzhu_transcode events_told)
