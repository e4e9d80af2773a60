/* common_steps.h - steps that several handlers take. */
#ifndef HUZHU_CONTRIBUTIONS_COMMON_STEPS_H
#define HUZHU_CONTRIBUTIONS_COMMON_STEPS_H

#include "rules.h"
#include "store.h"

/* Reads the programme.  ALONE and SHARED take its guard first (store.h); a read takes none. */
enum guard { GUARD_NONE, GUARD_SHARED, GUARD_ALONE };
err_t programme_enter(struct call *c, const Huzhu__Id *id, enum guard guard,
                      struct programme_row *row) MUST_CHECK;

/* CONFLICT programme.state unless the state is one of the bits, 1 << PROGRAMME(OPEN) ... */
#define IN_STATE(state) (1U << PROGRAMME(state))
err_t programme_is(struct call *c, const programme_t *p, uint32_t states) MUST_CHECK;

/* FORBIDDEN scope.village unless the caller's scope covers the village. */
err_t caller_covers(struct call *c, struct id village) MUST_CHECK;
/* A clerk sees villages, the office the whole town: the filter of a list.  FORBIDDEN scope.village
 * when a clerk names none of its own. */
err_t village_filter(struct call *c, const Huzhu__Id *in, struct id *village) MUST_CHECK;
/* The caller lives in this household, or its scope covers the household's village. */
err_t caller_may_see_house(struct call *c, const struct house *h) MUST_CHECK;

/* Writes the moved or changed programme, tells of it, and answers with it and its new ETag. */
err_t programme_answer(struct call *c, struct programme_row *row, struct id approved_by,
                       programme_t **out) MUST_CHECK;

/* Posts transfers of one programme and tells of them. */
err_t ledger_post(struct call *c, struct id programme, const struct transfer *transfers,
                  size_t count) MUST_CHECK;

/* Counts anew, keeps and tells the figures (the base is the snapshot once there is one). */
err_t participation_measure(struct call *c, const struct programme_row *row, bool frozen,
                            Contributions__ParticipationMeasured **out) MUST_CHECK;
err_t measuring_of(struct call *c, const struct programme_row *row, bool frozen,
                   struct measuring *m) MUST_CHECK;
/* The window has passed and no cash is missing: measures, takes the snapshot, moves on. */
err_t window_close(struct call *c, struct programme_row *row,
                   Contributions__ParticipationMeasured **out) MUST_CHECK;

/* A payment as it comes: cash or a line of a statement. */
struct paying {
    struct id payment, household;
    const struct id *persons; /* none: all who owe */
    size_t person_count;
    money_t amount;
    instant_t paid_at;
    const char *serial;
    ProtobufCBinaryData account_sealed;
    struct house *house; /* found and marked by payment_judge() */
    uint32_t people;
    const char *person_ids;
};
/* NULL and the household's members marked paid, or the reason why not.  *expected: what is owed. */
const char *payment_judge(struct call *c, const programme_t *p, struct paying *paying,
                          money_t *expected);
/* Keeps the judged payments, their households and their transfers. */
struct taking {
    const programme_t *programme;
    const struct book *book; /* NULL: by bank */
    struct id statement;
    struct house *houses;
    size_t house_count;
};
err_t payments_take(struct call *c, const struct taking *taking, const struct paying *list,
                    size_t count, struct payment **made) MUST_CHECK;
err_t trial_balance_make(struct call *c, struct id programme,
                         Contributions__TrialBalance **out) MUST_CHECK;
struct house *house_find(struct house *houses, size_t count, struct id id);

#endif
