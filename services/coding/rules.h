/* rules.h - what the coding service allows.  Pure: no clock, no database, no allocation, no log. */
#ifndef HUZHU_CODING_RULES_H
#define HUZHU_CODING_RULES_H

#include "coding.h"

/* A plan-year is a calendar year of this century. */
err_t rule_year_is_plausible(uint32_t year, const char *path, struct err *err) MUST_CHECK;

/* A request names its scheme by the year of the plan or by checksum, and not by both. */
err_t rule_names_one_scheme(uint32_t year, const char *checksum, struct err *err) MUST_CHECK;

/* The open scheme of that checksum, or NULL. */
const struct drg_scheme *scheme_find(const struct schemes *schemes, const char *checksum);

#endif
