/* rules.h - what the coding service allows.  Pure: no clock, no database, no allocation, no log. */
#ifndef HUZHU_CODING_RULES_H
#define HUZHU_CODING_RULES_H

#include "coding.h"

/* A plan-year is a calendar year of this century. */
err_t rule_year_is_plausible(uint32_t year, const char *path, struct err *err) MUST_CHECK;

/* A request names its scheme by the year of the plan or by checksum, and not by both. */
err_t rule_names_one_scheme(uint32_t year, const char *checksum, struct err *err) MUST_CHECK;

/* The open scheme of that checksum, or NULL; and what its codes and groups are called. */
const struct drg_scheme *scheme_find(const struct schemes *schemes, const char *checksum);
const struct drg_names *names_find(const struct schemes *schemes, const char *checksum);

/* --- subsidy tables (rules_table.c) --- */

/* The only function that changes a table's state; what it allows is moves.def. */
err_t table_move(struct subsidy_table *table, enum table_event on, struct err *err) MUST_CHECK;

/* Every row is of the scheme or a local sub-group of one that is, once, with an amount in bounds.
 */
err_t rule_table_is_sound(const struct subsidy_table *table, const struct drg_names *names,
                          struct err *err) MUST_CHECK;
/* Draft 3.3: every group of the scheme has an amount; the error names what is missing, as many as
 * fit. */
err_t rule_table_is_whole(const struct subsidy_table *table, const struct drg_names *names,
                          struct err *err) MUST_CHECK;
/* Whether this group of the scheme has an amount of its own. */
bool table_has(const struct subsidy_table *table, const char *drg);
/* 003-13: who designed does not confirm. */
err_t rule_may_confirm(const struct subsidy_table *table, struct id account,
                       struct err *err) MUST_CHECK;

/* The row that decides for a stay of this group: the first of its local sub-groups that fits, else
 * its own; NULL: the table has none.  Rows are in the table's order. */
const struct subsidy_row *rule_row_for(const struct subsidy_row *rows, size_t count,
                                       const char *drg, const struct drg_stay *stay);
/* "0-6岁 女": whom a local sub-group is for; "" for everybody. */
enum { ROW_WHO_BYTES = 64 };
void row_who(const struct subsidy_row *row, char text[static ROW_WHO_BYTES]);

/* --- pricing (rules_price.c) --- */

/* 003-22: the amount follows from the table and the programme alone.  Each rule of the programme
 * that is in force is a step, also where it changes nothing. */
void rule_price(const struct price_input *in, struct price *price);

/* --- the queue (rules_queue.c) --- */

/* The only function that changes a job's state. */
err_t job_move(struct job *job, enum job_event on, struct err *err) MUST_CHECK;
/* Whoever has it in hand, as a coder (TAKEN) or a reviewer (REVIEWING). */
err_t rule_holds(const struct job *job, struct id account, enum job_state state,
                 struct err *err) MUST_CHECK;
bool rule_is_overdue(const struct job *job, date_t today);

/* Age and length of stay as the national front page counts them: completed years, days in the first
 * year, and one day for who leaves on the day of coming. */
struct stay_numbers {
    int32_t age, days, los;
};
err_t rule_stay_numbers(const struct facts *facts, struct stay_numbers *out,
                        struct err *err) MUST_CHECK;

/* What a coder gives in: a principal diagnosis, no code empty or twice, a length of stay that fits
 * the dates, and the cause of an injury (003-14). */
struct given {
    const struct stay *stay;
    enum injury_cause cause;
};
err_t rule_coded_is_sound(const struct given *given, const struct stay_numbers *numbers,
                          uint32_t exclusions, struct err *err) MUST_CHECK;
/* Grouping led to an amount, or why it did not. */
err_t rule_grouped(const struct drg_result *result, const struct subsidy_row *row,
                   struct err *err) MUST_CHECK;
/* 003-14, 0-3.1: the programme excludes it; an outpatient stay always is. */
err_t rule_may_exclude(uint32_t exclusions, int exclusion, struct err *err) MUST_CHECK;

/* The local sub-group that decided the amount, or "". */
const char *sub_group_of(const struct coding *coding);

/* --- what tells too much (rules_sensitive.c) --- */

extern const char sensitive_version[];
/* By the group, or by any of the diagnoses. */
bool rule_is_sensitive(const char *drg, const struct drg_text *diagnoses, size_t count);

#endif
