# The platform as a whole: the supervisor, the one command, e2e, chaos, contract.
huzhu_test(e2e/supervise_test.c)
add_dependencies(e2e.supervise_test huzhu-supervise)
