# The grouper: rules and packs (unit), the published cases (contract), hostile files (fuzz).
find_package(ZLIB REQUIRED)
huzhu_test(contract/drg_cases_test.c huzhu_drg ZLIB::ZLIB)
huzhu_test(unit/drg_reference_test.c huzhu_drg)
huzhu_fuzz(drg_pack huzhu_drg)
huzhu_fuzz(drg_hzs huzhu_drg)
huzhu_fuzz(drg_csv huzhu_drg)
huzhu_test(unit/drg_pack_test.c huzhu_drg)
