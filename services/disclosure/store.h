/* store.h - the nouns in and out of the schema disclosure; the only files that run SQL are
 * store*.c. What they return lives in the request's arena. */
#ifndef HUZHU_DISCLOSURE_STORE_H
#define HUZHU_DISCLOSURE_STORE_H

#include "contributions.pb-c.h"
#include "disclosure.h"
#include "rules_publish.h"

/* What a broken constraint means to a caller. */
extern const struct db_constraint disclosure_constraints[6];

/* --- store.c: what others told --- */

struct profile {
    const char *code, *name;
};
struct register_person {
    struct id id, household;
    const char *name; /* NULL: the event does not hold it */
    int sex;
};
struct told_claim {
    struct id id, programme, person, village, filed_by;
    const char *number, *name, *hospital;
    int level, insurance, sex;
    money_t total_cost, own_payment;
};
struct told_price {
    struct id id, programme, person, village, coder, reviewer;
    const char *drg, *drg_name, *adrg, *mdc, *sensitive_by;
    money_t due, payable;
    bool sensitive, capped;
    date_t decided_on;
};
struct told_transfer {
    struct id id, programme, village, subject, person;
    int state, source;
    const char *debit, *credit, *why;
    money_t amount;
    date_t on;
    int64_t people;
};

err_t profile_put(struct call *c, const struct profile *profile, struct id organisation) MUST_CHECK;
/* NOT_FOUND page.none while nobody told who the tenant is. */
err_t profile_get(struct call *c, struct profile *profile) MUST_CHECK;
err_t village_put(struct call *c, struct id village, const char *name) MUST_CHECK;
err_t village_name(struct call *c, struct id village,
                   const char **name) MUST_CHECK; /* "" unknown */
err_t household_put(struct call *c, struct id household, struct id village, int64_t version,
                    bool *is_newer) MUST_CHECK;
err_t person_put(struct call *c, const struct register_person *person, date_t left) MUST_CHECK;
err_t staff_put(struct call *c, struct id account, int role, bool granted) MUST_CHECK;
/* Who may own a complaint. */
err_t staff_handlers(struct call *c, struct id **accounts, size_t *count) MUST_CHECK;
err_t programme_put(struct call *c, const Contributions__Programme *programme) MUST_CHECK;
err_t programme_get(struct call *c, struct id id, const Contributions__Programme **out) MUST_CHECK;
err_t programme_lock(struct call *c, struct id id) MUST_CHECK;
/* Those that people may know of, the newest first. */
err_t programme_list(struct call *c, const Contributions__Programme ***out,
                     size_t *count) MUST_CHECK;
err_t members_clear(struct call *c, struct id programme, struct id household) MUST_CHECK;
struct told_member {
    struct id programme, person, household, village;
    bool in_force, consent;
};
err_t member_put(struct call *c, const struct told_member *member) MUST_CHECK;
err_t transfer_put(struct call *c, const struct told_transfer *transfer) MUST_CHECK;
err_t participation_put(struct call *c, struct id programme,
                        const Contributions__ParticipationMeasured *in) MUST_CHECK;
err_t year_close_put(struct call *c, struct id programme, struct id next, money_t carried,
                     date_t on) MUST_CHECK;
struct told_agreement {
    struct id id, programme;
    date_t from, until;
    bool has_scan;
};
err_t agreement_put(struct call *c, const struct told_agreement *agreement) MUST_CHECK;
struct told_refund {
    struct id id, programme, person;
    money_t amount;
    int route;
};
err_t refund_put(struct call *c, const struct told_refund *refund) MUST_CHECK;
/* *person nil: not known. */
err_t refund_confirm(struct call *c, const struct told_refund *refund, date_t on,
                     struct id *person) MUST_CHECK;
err_t claim_accept(struct call *c, const struct told_claim *claim) MUST_CHECK;
err_t claim_price(struct call *c, const struct told_price *price) MUST_CHECK;
err_t claim_pay(struct call *c, const struct told_claim *claim, money_t paid, date_t on) MUST_CHECK;
err_t claim_refuse(struct call *c, const struct told_claim *claim) MUST_CHECK;
struct table_row {
    const char *drg, *name, *parent, *who;
    money_t amount;
};
err_t table_put(struct call *c, struct id table, struct id programme) MUST_CHECK;
err_t table_row_put(struct call *c, struct id table, int n, const struct table_row *row) MUST_CHECK;
/* search "": all. */
err_t table_rows(struct call *c, struct id programme, const char *search, struct table_row **rows,
                 size_t *count) MUST_CHECK;
err_t table_newest(struct call *c, struct id *programme) MUST_CHECK; /* nil: none is frozen */

/* --- store_publication.c --- */

struct period_of {
    struct id programme, village;
    date_t from, until; /* until: the first day after */
    const char *period;
};
struct payouts {
    struct publish_claim *claims;
    size_t count;
    const char *sensitive_by;
};
err_t payouts_of(struct call *c, const struct period_of *period, struct payouts *out) MUST_CHECK;
err_t payouts_undisclosed(struct call *c, const struct period_of *period,
                          int64_t *count) MUST_CHECK;
err_t payouts_counted(struct call *c, const struct period_of *period, int64_t *claims,
                      int64_t *people) MUST_CHECK;
struct payment_row {
    const char *village_name, *name; /* name NULL: unknown, or without consent */
    int64_t people;
    money_t amount;
};
err_t payments_of(struct call *c, struct id programme, struct id village, struct payment_row **rows,
                  size_t *count) MUST_CHECK;
struct statement_row {
    bool is_income;
    const char *account;
    int64_t count;
    money_t sum;
};
err_t statement_of(struct call *c, const struct period_of *period, struct statement_row **rows,
                   size_t *count) MUST_CHECK;
err_t balance_before(struct call *c, struct id programme, date_t day, money_t *balance) MUST_CHECK;
struct figure_row {
    int64_t numbers[5];
};
err_t refunds_of(struct call *c, struct id programme, struct figure_row **rows,
                 size_t *count) MUST_CHECK;
err_t complaint_figures(struct call *c, date_t from, date_t until, struct figure_row **rows,
                        size_t *count) MUST_CHECK;

err_t publication_next(struct call *c, const struct publication *of, int *version) MUST_CHECK;
err_t publication_insert(struct call *c, const struct publication *publication, int64_t people,
                         const void *page, size_t page_size) MUST_CHECK;
err_t publication_line_insert(struct call *c, struct id publication, int n,
                              const char *text) MUST_CHECK;
err_t publication_claim_insert(struct call *c, struct id publication,
                               const struct publish_claim *claim) MUST_CHECK;
err_t publication_get(struct call *c, struct id id, struct publication *out) MUST_CHECK;
err_t publication_lock(struct call *c, struct id id, struct publication *out) MUST_CHECK;
struct publication_filter {
    struct id before, programme;
    int kind;
    enum publication_state state;
    int limit;
};
err_t publication_list(struct call *c, const struct publication_filter *filter,
                       struct publication **out, size_t *count) MUST_CHECK;
err_t publication_index(struct call *c, struct publication **out, size_t *count) MUST_CHECK;
err_t publication_page(struct call *c, struct id id, ProtobufCBinaryData *page,
                       enum publication_state *state) MUST_CHECK;
err_t publication_lines(struct call *c, struct id id, const char ***lines,
                        size_t *count) MUST_CHECK;
err_t publication_places(struct call *c, struct id id, struct publish_place **places,
                         size_t *count) MUST_CHECK;
/* nil: none went up yet. */
err_t publication_current(struct call *c, const struct publication *of, struct id *id) MUST_CHECK;
err_t publication_publish(struct call *c, const struct publication *publication) MUST_CHECK;
err_t publication_take_down(struct call *c, struct id id, const char *reason) MUST_CHECK;
err_t publication_expired(struct call *c, date_t today, struct id **ids, size_t *count) MUST_CHECK;
err_t publication_has_draft(struct call *c, const struct publication *of, bool *has) MUST_CHECK;
enum publication_state publication_state_of(const char *text);
const char *publication_state_text(enum publication_state state);

/* --- store_report.c --- */

struct report_figures {
    int64_t people, people_whole, people_share;
    int64_t raised, raised_all;
    int64_t claims_paid, people_paid, paid, most_single, paid_all;
    int64_t most_person;
    int64_t own_above, own;
    int64_t agreements, agreement_scans, agreed_from, agreed_until; /* days */
    int64_t disclosed_claims, disclosed_lines, table_rows, tables_published;
    struct figure_row *sources; /* source, count, fen */
    size_t source_count;
};
err_t report_figures_read(struct call *c, struct id programme,
                          struct report_figures *out) MUST_CHECK;
err_t report_put(struct call *c, const struct report *report, const ProtobufCBinaryData *page,
                 const ProtobufCBinaryData *book, struct id *id) MUST_CHECK;
err_t report_get(struct call *c, struct id id, struct report *out) MUST_CHECK;
err_t report_lock(struct call *c, struct id id, struct report *out) MUST_CHECK;
err_t report_list(struct call *c, struct id programme, struct report **out,
                  size_t *count) MUST_CHECK;
err_t report_file(struct call *c, struct id id, bool book, ProtobufCBinaryData *out,
                  int *year) MUST_CHECK;
/* The page of the signed report; NOT_FOUND publication.report. */
err_t report_signed_page(struct call *c, struct id programme, ProtobufCBinaryData *page) MUST_CHECK;
/* REFUSED report.signed when the programme's report is signed already. */
err_t report_is_open(struct call *c, struct id programme) MUST_CHECK;
err_t report_sign(struct call *c, const struct report *report) MUST_CHECK;
struct late {
    struct id id;
    date_t due;
};
err_t reports_unsigned(struct call *c, date_t today, struct late **list, size_t *count) MUST_CHECK;
err_t complaints_late(struct call *c, date_t today, struct late **list, size_t *count) MUST_CHECK;
err_t alert_once(struct call *c, const char *what, struct id subject, bool *is_new) MUST_CHECK;
err_t duty_tenants(struct call *c, struct id **tenants, size_t *count) MUST_CHECK;
/* NULL: no such table. */
const struct export_table *export_table_find(const char *name);
err_t export_rows(struct call *c, const struct export_table *table, struct id programme,
                  ProtobufCBinaryData *csv) MUST_CHECK;

/* --- store_complaint.c: notices and complaints --- */

err_t notice_put(struct call *c, const struct notice *notice) MUST_CHECK;
err_t notice_list(struct call *c, struct id before, bool unread, int limit, struct notice **out,
                  size_t *count) MUST_CHECK;
err_t notice_read(struct call *c, struct id id, struct notice *out) MUST_CHECK;

struct claim_people {
    struct id coder, reviewer, filed_by;
};
err_t claim_people(struct call *c, struct id claim,
                   struct claim_people *out) MUST_CHECK; /* nil: unknown */
err_t complaint_number_next(struct call *c, date_t day, int *number) MUST_CHECK;
err_t complaint_insert(struct call *c, const struct complaint *complaint,
                       const char *code_hash) MUST_CHECK;
err_t complaint_get(struct call *c, struct id id, bool opened, struct complaint *out) MUST_CHECK;
err_t complaint_lock(struct call *c, struct id id, struct complaint *out) MUST_CHECK;
struct complaint_filter {
    struct id before;
    enum complaint_state state;
    date_t late; /* 0: all */
    int limit;
};
err_t complaint_list(struct call *c, const struct complaint_filter *filter, struct complaint **out,
                     size_t *count) MUST_CHECK;
struct complaint_code {
    struct id id; /* nil: no such number */
    const char *hash;
    int64_t wrong;
};
err_t complaint_by_number(struct call *c, const char *number,
                          struct complaint_code *out) MUST_CHECK;
err_t complaint_code_tried(struct call *c, struct id id, bool right) MUST_CHECK;
err_t complaint_put(struct call *c, const struct complaint *complaint) MUST_CHECK;
err_t complaint_step(struct call *c, struct id id, const char *what, const char *note) MUST_CHECK;
struct complaint_step_row {
    int64_t step;
    const char *what;
    struct id by;
    instant_t at;
};
err_t complaint_steps(struct call *c, struct id id, struct complaint_step_row **out,
                      size_t *count) MUST_CHECK;
const char *complaint_state_text(enum complaint_state state);
enum complaint_state complaint_state_of(const char *text);

#endif
