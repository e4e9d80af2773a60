/* import.h - spreadsheets laid out like the official tables become the tables of a pack.
 *
 * README.md, "Loading a city's official scheme", describes the mapping file. */
#ifndef HUZHU_DRG_IMPORT_H
#define HUZHU_DRG_IMPORT_H

#include "err/err.h"

/* Writes the pack's files into a folder that exists.  Paths in the mapping are relative to its
 * folder. */
err_t import_run(const char *mapping, const char *to, struct err *err) MUST_CHECK;

#endif
