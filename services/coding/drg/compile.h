/* compile.h - a pack without errors becomes one compiled file. */
#ifndef HUZHU_DRG_COMPILE_H
#define HUZHU_DRG_COMPILE_H

#include "err/err.h"
#include "pack.h"

/* The image of the compiled file; the caller frees *bytes.  The same pack gives the same bytes.
 * ERR_INVALID: the scheme exceeds a limit of the format; ERR_UNAVAILABLE: out of memory. */
err_t compile_pack(const struct pack *pack, void **bytes, size_t *size, struct err *err) MUST_CHECK;

/* Replaces the file as a whole: a reader sees the old or the new one, and a mapped old one stays
 * good. */
err_t write_file(const char *path, const void *bytes, size_t size, struct err *err) MUST_CHECK;

#endif
