# Masks, proofs, tables as CSV and as workbooks.
pkg_check_modules(XLSXWRITER REQUIRED IMPORTED_TARGET GLOBAL xlsxwriter)
set(disclosure_extra huzhu_mask huzhu_merkle huzhu_csv PkgConfig::XLSXWRITER)
