# Validators, masks, and the checksums of PNG chunks.
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET GLOBAL zlib)
set(claims_extra huzhu_check huzhu_mask PkgConfig::ZLIB)
