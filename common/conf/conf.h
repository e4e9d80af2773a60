/* conf.h - configuration is one table; a value is read once, at start, then immutable.
 *
 *   CONF(kind, name, default, low, high, "what it does")     in a conf.def
 *
 * is expanded into a struct member, a row of the loader and a line of --help-config.  The variable
 * is HUZHU_<SERVICE>_<NAME>, or HUZHU_<NAME> for all processes of a host; the first wins.
 *
 *   TEXT      const char *   low..high bound its length in bytes
 *   INT       int64_t        low..high bound it
 *   DURATION  int64_t        milliseconds; written 250ms, 30s, 15m, 12h or 7d
 *   BOOL      bool           true or false
 *   SECRET    const char *   the first line of the FILE that the variable names; never printed
 *
 * A default of NULL means that the setting is required; "" (TEXT, SECRET with low 0) that it may be
 * absent. */
#ifndef HUZHU_CONF_H
#define HUZHU_CONF_H

#include <stdio.h>

#include "err/err.h"

enum conf_kind { CONF_TEXT, CONF_INT, CONF_DURATION, CONF_BOOL, CONF_SECRET };

struct conf_row {
    enum conf_kind kind;
    const char *name, *fallback;
    int64_t low, high;
    size_t offset; /* of the member in the process's own struct */
    const char *says;
};

#define CONF_MEMBER_TEXT const char *
#define CONF_MEMBER_INT int64_t
#define CONF_MEMBER_DURATION int64_t
#define CONF_MEMBER_BOOL bool
#define CONF_MEMBER_SECRET const char *

/* struct NAME { members }; and rows, from a .def file:
 *   struct x_conf {
 *   #define CONF(kind, name, ...) CONF_MEMBER_##kind name;
 *   #include "conf.def"
 *   #undef CONF
 *   };
 *   static const struct conf_row rows[] = {
 *   #define CONF(kind, name, fallback, low, high, says) CONF_ROW(struct x_conf, kind, name, ...)
 */
#define CONF_ROW(type, kind, name, fallback, low, high, says)                                      \
    { CONF_##kind, #name, (fallback), (low), (high), offsetof(type, name), (says) },

/* Fills target.  All problems are written to `problems` (stderr usually), one line each; the error
 * says how many there were.  Texts live until the process ends. */
err_t conf_load(const char *service, const struct conf_row *rows, size_t count, void *target,
                FILE *problems, struct err *err) MUST_CHECK;

/* One more problem, told as conf_load() tells its own. */
void conf_problem(const char *service, const char *name, const char *fault, FILE *problems);

/* For --check-config: variables of the service (HUZHU_<SERVICE>_...) that no table has are slips of
 * somebody's.  Returns how many it told of. */
struct conf_table {
    const struct conf_row *rows;
    size_t count;
};
int conf_unknown(const char *service, const struct conf_table *tables, size_t count,
                 FILE *problems);

/* --help-config: variable, kind, default, bounds, sentence. */
void conf_help(const char *service, const struct conf_row *rows, size_t count, FILE *out);

bool conf_duration_parse(const char *text, int64_t *ms) MUST_CHECK;

#endif
