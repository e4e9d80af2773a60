# The rules that no compiler knows, the proof that they can refuse, and the form of the code.
add_test(NAME tidy/rules COMMAND ${CMAKE_SOURCE_DIR}/tests/tidy/tidy.sh)
add_test(NAME tidy/selftest COMMAND ${CMAKE_SOURCE_DIR}/tests/tidy/selftest.sh)
add_test(NAME tidy/format COMMAND ${CMAKE_SOURCE_DIR}/deploy/hz fmt --check)
set_tests_properties(tidy/rules tidy/selftest tidy/format PROPERTIES LABELS tidy TIMEOUT 120)
