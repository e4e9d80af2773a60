# Pure text rules of common/: validators, masks, CSV.
huzhu_test(unit/check_test.c huzhu_check)
huzhu_test(unit/mask_test.c huzhu_mask)
huzhu_test(unit/csv_test.c huzhu_csv)
huzhu_fuzz(csv huzhu_csv)
