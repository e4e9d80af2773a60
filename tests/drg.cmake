# The grouper: rules and packs (unit), the published cases (contract), hostile files (fuzz).
find_package(ZLIB REQUIRED)
huzhu_test(contract/drg_cases_test.c huzhu_drg ZLIB::ZLIB)
huzhu_test(unit/drg_reference_test.c huzhu_drg)
