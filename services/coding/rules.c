/* rules.c - what the coding service allows. */
#include "rules.h"

#include <string.h>

err_t
rule_year_is_plausible(uint32_t year, const char *path, struct err *err)
{
    if (year < YEAR_LOWEST || year > YEAR_HIGHEST)
        return err_at(err, ERR_INVALID, path, SCHEME_YEAR, "the year %u lies outside %d..%d", year,
                      YEAR_LOWEST, YEAR_HIGHEST);
    return ERR_OK;
}

err_t
rule_names_one_scheme(uint32_t year, const char *checksum, struct err *err)
{
    if ((year != 0) == (checksum[0] != '\0'))
        return err_at(err, ERR_INVALID, year != 0 ? "$.checksum" : "$.year", SCHEME_TWO_WAYS,
                      "either the year or the checksum names the scheme");
    return year != 0 ? rule_year_is_plausible(year, "$.year", err) : ERR_OK;
}

const struct drg_scheme *
scheme_find(const struct schemes *schemes, const char *checksum)
{
    for (size_t i = 0; i < schemes->count; i++)
        if (strcmp(drg_scheme_identity(schemes->open[i])->checksum, checksum) == 0)
            return schemes->open[i];
    return NULL;
}

const struct drg_names *
names_find(const struct schemes *schemes, const char *checksum)
{
    for (size_t i = 0; i < schemes->count; i++)
        if (strcmp(drg_scheme_identity(schemes->open[i])->checksum, checksum) == 0)
            return schemes->names[i];
    return NULL;
}
