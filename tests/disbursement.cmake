# Money out: its rules, and the service on a real PostgreSQL.
huzhu_test(unit/disbursement_rules_test.c disbursement_service)
huzhu_test(service/disbursement_test.c test_stage disbursement_service)
# It kills a child at each step of thirteen journeys: half a minute alone, more on a loaded machine.
set_tests_properties(service/disbursement_test PROPERTIES TIMEOUT 400)
