# The rules that no compiler knows, the proof that they can refuse, and the form of the code.
add_test(NAME tidy/rules COMMAND ${CMAKE_SOURCE_DIR}/tests/tidy/tidy.sh)
add_test(NAME tidy/selftest COMMAND ${CMAKE_SOURCE_DIR}/tests/tidy/selftest.sh)
add_test(NAME tidy/format COMMAND ${CMAKE_SOURCE_DIR}/deploy/hz fmt --check)
set_tests_properties(tidy/rules tidy/selftest tidy/format PROPERTIES LABELS tidy TIMEOUT 120)
add_test(NAME tidy/units COMMAND ${CMAKE_SOURCE_DIR}/tests/tidy/units.sh)
set_tests_properties(tidy/units PROPERTIES LABELS tidy TIMEOUT 60 SKIP_RETURN_CODE 77)
