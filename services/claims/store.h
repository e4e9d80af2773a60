/* store.h - nouns in and out of the schema claims; SQL runs in store*.c alone: store.c has
 * uploads, store_claim.c claims, store_register.c what other services told. */
#ifndef HUZHU_CLAIMS_STORE_H
#define HUZHU_CLAIMS_STORE_H

#include "claims.h"

/* What a broken constraint means to a caller. */
extern const struct db_constraint claims_constraints[5];

/* ERR_NOT_FOUND when there is none. */
err_t upload_get(struct call *c, struct id id, struct upload *upload) MUST_CHECK;
err_t upload_lock(struct call *c, struct id id, struct upload *upload) MUST_CHECK; /* FOR UPDATE */
err_t upload_insert(struct call *c, const struct upload *upload) MUST_CHECK;
err_t upload_grow(struct call *c, const struct upload *upload) MUST_CHECK;
err_t upload_finish(struct call *c, const struct upload *upload) MUST_CHECK;
err_t upload_purge(struct call *c, instant_t before) MUST_CHECK;

/* Seals and stores. */
err_t piece_insert(struct call *c, const struct upload *upload,
                   const struct piece *piece) MUST_CHECK;
/* The stored piece that holds the byte at `at`, unsealed into the arena. */
err_t piece_at(struct call *c, const struct upload *upload, int64_t at,
               struct piece *piece) MUST_CHECK;

err_t piece_delete(struct call *c, const struct upload *upload, int64_t start) MUST_CHECK;
/* Digests of pieces as they were sent. */
err_t sent_insert(struct call *c, const struct upload *upload,
                  const struct piece *piece) MUST_CHECK;
err_t sent_is_same(struct call *c, const struct upload *upload, const struct piece *piece,
                   bool *same) MUST_CHECK;
/* The claim that has it among its papers; nil: none. */
err_t upload_claim(struct call *c, struct id upload, struct id *claim) MUST_CHECK;

/* --- what others told (store_register.c) --- */

/* False: a newer version is there. */
err_t household_put(struct call *c, struct id household, struct id village, int64_t version,
                    bool *is_newer) MUST_CHECK;
/* left: 0 days: a member now.  name NULL: as it was told before. */
err_t person_put(struct call *c, const struct register_person *person, date_t left) MUST_CHECK;
err_t person_get(struct call *c, struct id id, struct register_person *person) MUST_CHECK;
err_t person_lock(struct call *c, struct id id) MUST_CHECK; /* FOR UPDATE */
/* Of the caller's own person; nil when there is none. */
err_t household_of(struct call *c, struct id person, struct id *household) MUST_CHECK;

err_t programme_put(struct call *c, const struct programme *programme, const void *body,
                    size_t size) MUST_CHECK;
/* The body as it was told, in the arena; NOT_FOUND. */
err_t programme_body(struct call *c, struct id id, ProtobufCBinaryData *body) MUST_CHECK;
/* The bodies of a village's programmes, and the person's part in each (programme left empty). */
err_t candidate_bodies(struct call *c, struct id person, struct id village,
                       struct candidate **candidates, ProtobufCBinaryData **bodies,
                       size_t *count) MUST_CHECK;
err_t members_clear(struct call *c, struct id programme, struct id household) MUST_CHECK;
err_t member_put(struct call *c, struct id programme, struct id household, struct id person,
                 bool in_force, date_t from) MUST_CHECK;

err_t job_put(struct call *c, struct id claim, struct id account, instant_t until) MUST_CHECK;
err_t job_delete(struct call *c, struct id claim, struct id account) MUST_CHECK;
err_t job_is_held(struct call *c, struct id claim, struct id account, bool *is) MUST_CHECK;

/* --- claims (store_claim.c) --- */

err_t claim_get(struct call *c, struct id id, struct claim *claim) MUST_CHECK;
err_t claim_lock(struct call *c, struct id id, struct claim *claim) MUST_CHECK; /* FOR UPDATE */
err_t claim_insert(struct call *c, struct claim *claim) MUST_CHECK;
err_t claim_rewrite(struct call *c, struct claim *claim) MUST_CHECK;
/* State and what steps change; not stay and payee.  Like the two above it counts the version up. */
err_t claim_put(struct call *c, struct claim *claim) MUST_CHECK;
err_t claim_put_payee(struct call *c, struct claim *claim) MUST_CHECK;
/* "2024-000123". */
err_t claim_next_number(struct call *c, unsigned year, const char **number) MUST_CHECK;
/* The patient's other live stays whose days touch: number and stay of each. */
err_t claim_stays(struct call *c, const struct claim *claim, struct claim **stays,
                  size_t *count) MUST_CHECK;
err_t claim_card_is_shared(struct call *c, const struct claim *claim, bool *is) MUST_CHECK;
err_t claim_list(struct call *c, const struct claim_filter *filter, struct claim **claims,
                 size_t *count) MUST_CHECK;

err_t paper_insert(struct call *c, const struct claim *claim, struct id upload,
                   enum paper kind) MUST_CHECK;
err_t paper_delete(struct call *c, const struct claim *claim, struct id upload,
                   bool *found) MUST_CHECK;
err_t paper_list(struct call *c, const struct claim *claim, struct claim_paper **papers,
                 size_t *count) MUST_CHECK;

err_t step_insert(struct call *c, const struct claim *claim,
                  const struct claim_step *step) MUST_CHECK;
err_t step_list(struct call *c, struct id claim, struct claim_step **steps,
                size_t *count) MUST_CHECK;

err_t round_insert(struct call *c, const struct claim *claim, int workdays) MUST_CHECK;
err_t round_list(struct call *c, struct id claim, struct claim_round **rounds,
                 size_t *count) MUST_CHECK;
err_t round_pause(struct call *c, const struct claim *claim, date_t on) MUST_CHECK;
/* 0 days: the decision came back, the clock runs on to the same due day. */
err_t round_decide(struct call *c, const struct claim *claim, date_t on) MUST_CHECK;
err_t round_close(struct call *c, const struct claim *claim, date_t on) MUST_CHECK;
err_t round_recount(struct call *c, const struct claim *claim) MUST_CHECK;

err_t provisional_tenants(struct call *c, struct id **tenants, size_t *count) MUST_CHECK;
/* Claims (id, programme, state, round, days) whose due day is provisional, locked; workdays of
 * each. */
err_t provisional_claims(struct call *c, struct claim **claims, int **workdays,
                         size_t *count) MUST_CHECK;

#endif
