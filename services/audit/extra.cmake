# What audit links beside the runtime.
set(audit_extra huzhu_merkle huzhu_csv PkgConfig::JANSSON)
