/* store_claim.c - claims, their papers, steps and clocks. */
#include <stdio.h>
#include <string.h>

#include "claims.pb-c.h"
#include "claims_queries.h"
#include "store.h"
#include "svc/columns.h"

/* --- what is sealed --- */

enum { CONTEXT_BYTES = 64 };

static void
context_or_empty(const char *what, struct id claim, char text[static CONTEXT_BYTES])
{
    char id[ID_TEXT_BYTES];

    id_format(claim, id);
    (void) snprintf(text, CONTEXT_BYTES, "claims.%s/%s", what, id);
}

/* Also makes the card's index. */
static err_t
seal_claim(struct call *c, struct claim *claim, ProtobufCBinaryData *sealed)
{
    Claims__SealedClaim secret = CLAIMS__SEALED_CLAIM__INIT;
    char context[CONTEXT_BYTES];
    ProtobufCBinaryData packed;

    secret.holder = (char *) claim->payee.holder;
    secret.card = (char *) claim->payee.card;
    secret.bank = (char *) claim->payee.bank;
    secret.cause_text = (char *) claim->stay.cause_text;
    context_or_empty("claim", claim->id, context);
    TRY(message_pack(c, &secret.base, &packed));
    TRY(call_blind_index(c, "claim.card", claim->payee.card, strlen(claim->payee.card),
                         claim->card_index));
    return call_seal(c, context, packed.data, packed.len, sealed);
}

static err_t
unseal_claim(struct call *c, const struct rows *rows, int row, struct claim *claim)
{
    char context[CONTEXT_BYTES];
    ProtobufCBinaryData plain;
    ProtobufCMessage *message;
    size_t size;
    const void *sealed = rows_bytes(rows, row, 23, &size);

    context_or_empty("claim", claim->id, context);
    TRY(call_unseal(c, context, sealed, size, &plain));
    TRY(message_decode(c, &claims__sealed_claim__descriptor, plain.len, plain.data, &message));
    const Claims__SealedClaim *secret = (const Claims__SealedClaim *) message;
    claim->payee.holder = secret->holder;
    claim->payee.card = secret->card;
    claim->payee.bank = secret->bank;
    claim->stay.cause_text = secret->cause_text;
    claim->asked_note = "";
    if (rows_is_null(rows, row, 28))
        return ERR_OK;
    const void *note = rows_bytes(rows, row, 28, &size);
    context_or_empty("note", claim->id, context);
    TRY(call_unseal(c, context, note, size, &plain));
    plain.data[plain.len] = '\0'; /* call_unseal() leaves room for it */
    claim->asked_note = (const char *) plain.data;
    return ERR_OK;
}

/* --- claims --- */

static err_t
stay_read(struct call *c, const struct rows *rows, int row, struct stay *stay)
{
    *stay = (struct stay){
        .admitted = rows_date(rows, row, 10),
        .discharged = rows_date(rows, row, 11),
        .insurance = (enum insurance) rows_int(rows, row, 15),
        .outpatient = rows_bool(rows, row, 16),
        .total_cost = rows_money(rows, row, 17),
        .basic_paid = rows_money(rows, row, 18),
        .own_payment = rows_money(rows, row, 19),
        .purpose = (enum purpose) rows_int(rows, row, 20),
        .cause = (enum cause) rows_int(rows, row, 21),
    };
    TRY(text_or_empty(c, rows, row, 12, &stay->hospital));
    TRY(text_or_empty(c, rows, row, 13, &stay->hospital_code));
    return text_or_empty(c, rows, row, 14, &stay->hospital_level);
}

static err_t
claim_read(struct call *c, const struct rows *rows, int row, struct claim *claim)
{
    size_t size;

    *claim = (struct claim){
        .id = rows_id(rows, row, 0),
        .state = (enum claim_state) place_of(rows_text(rows, row, 2), claim_state_names,
                                             CLAIM_STATE_COUNT),
        .programme = rows_id(rows, row, 3),
        .person = rows_id(rows, row, 4),
        .household = rows_id(rows, row, 5),
        .village = rows_id(rows, row, 6),
        .filed_by = rows_id(rows, row, 7),
        .by_agent = rows_bool(rows, row, 8),
        .filed_at = rows_instant(rows, row, 9),
        .payee = { .relation = (enum relation) rows_int(rows, row, 22),
                   .card_unsure = rows_bool(rows, row, 25) },
        .round = (int) rows_int(rows, row, 26),
        .asked = (paper_set_t) rows_int(rows, row, 27),
        .decided = !rows_is_null(rows, row, 32),
        .decided_on = date_or_none(rows, row, 33),
        .paid_on = date_or_none(rows, row, 34),
        .version = rows_int(rows, row, 35),
        .complete_on = date_or_none(rows, row, 36),
        .due_on = date_or_none(rows, row, 37),
        .provisional = !rows_is_null(rows, row, 38) && rows_bool(rows, row, 38),
    };
    memcpy(claim->card_index, rows_bytes(rows, row, 24, &size), sizeof claim->card_index);
    if (claim->decided)
        claim->payable = rows_money(rows, row, 32);
    TRY(text_or_empty(c, rows, row, 1, &claim->number));
    TRY(text_or_empty(c, rows, row, 29, &claim->reason));
    TRY(text_or_empty(c, rows, row, 30, &claim->requirement));
    TRY(text_or_empty(c, rows, row, 31, &claim->words));
    TRY(stay_read(c, rows, row, &claim->stay));
    return unseal_claim(c, rows, row, claim);
}

err_t
claim_get(struct call *c, struct id id, struct claim *claim)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_claim_get, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, CLAIM_NONE, "no such claim");
    return claim_read(c, rows, 0, claim);
}

err_t
claim_lock(struct call *c, struct id id, struct claim *claim)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_claim_lock, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, CLAIM_NONE, "no such claim");
    return claim_get(c, id, claim);
}

err_t
claim_insert(struct call *c, struct claim *claim)
{
    const struct stay *stay = &claim->stay;
    ProtobufCBinaryData sealed;

    TRY(seal_claim(c, claim, &sealed));
    return db_exec(c, &q_claim_insert, P_ID(c->tenant), P_ID(claim->id), P_ID(claim->person),
                   P_ID(claim->household), P_ID(claim->village), P_ID(claim->filed_by),
                   P_BOOL(claim->by_agent), P_INSTANT(claim->filed_at), P_DATE(stay->admitted),
                   P_DATE(stay->discharged), P_TEXT(stay->hospital), P_TEXT(stay->hospital_code),
                   P_TEXT(stay->hospital_level), P_INT4(stay->insurance), P_BOOL(stay->outpatient),
                   P_MONEY(stay->total_cost), P_MONEY(stay->basic_paid), P_MONEY(stay->own_payment),
                   P_INT4(stay->purpose), P_INT4(stay->cause), P_INT4(claim->payee.relation),
                   P_BYTES(sealed.data, sealed.len),
                   P_BYTES(claim->card_index, sizeof claim->card_index),
                   P_BOOL(claim->payee.card_unsure));
}

err_t
claim_rewrite(struct call *c, struct claim *claim)
{
    const struct stay *stay = &claim->stay;
    ProtobufCBinaryData sealed;

    TRY(seal_claim(c, claim, &sealed));
    claim->version++;
    return db_exec(
        c, &q_claim_rewrite, P_ID(claim->id), P_ID(claim->person), P_ID(claim->household),
        P_ID(claim->village), P_BOOL(claim->by_agent), P_INSTANT(claim->filed_at),
        P_DATE(stay->admitted), P_DATE(stay->discharged), P_TEXT(stay->hospital),
        P_TEXT(stay->hospital_code), P_TEXT(stay->hospital_level), P_INT4(stay->insurance),
        P_BOOL(stay->outpatient), P_MONEY(stay->total_cost), P_MONEY(stay->basic_paid),
        P_MONEY(stay->own_payment), P_INT4(stay->purpose), P_INT4(stay->cause),
        P_INT4(claim->payee.relation), P_BYTES(sealed.data, sealed.len),
        P_BYTES(claim->card_index, sizeof claim->card_index), P_BOOL(claim->payee.card_unsure));
}

err_t
claim_put(struct call *c, struct claim *claim)
{
    char context[CONTEXT_BYTES];
    ProtobufCBinaryData note = { 0, NULL };

    if (claim->asked_note[0]) {
        context_or_empty("note", claim->id, context);
        TRY(call_seal(c, context, claim->asked_note, strlen(claim->asked_note), &note));
    }
    claim->version++;
    return db_exec(c, &q_claim_put, P_ID(claim->id), P_TEXT(claim_state_names[claim->state]),
                   claim->number[0] ? P_TEXT(claim->number) : P_NULL,
                   P_ID_OR_NULL(claim->programme), P_INT4(claim->round),
                   P_INT4((int64_t) claim->asked),
                   note.data ? P_BYTES(note.data, note.len) : P_NULL, P_TEXT(claim->reason),
                   P_TEXT(claim->requirement), P_TEXT(claim->words),
                   claim->decided ? P_MONEY(claim->payable) : P_NULL,
                   p_date_or_null(claim->decided_on), p_date_or_null(claim->paid_on),
                   P_INSTANT(claim->filed_at), P_ID(claim->household), P_ID(claim->village));
}

err_t
claim_put_payee(struct call *c, struct claim *claim)
{
    ProtobufCBinaryData sealed;

    TRY(seal_claim(c, claim, &sealed));
    claim->version++;
    return db_exec(c, &q_claim_payee, P_ID(claim->id), P_INT4(claim->payee.relation),
                   P_BYTES(sealed.data, sealed.len),
                   P_BYTES(claim->card_index, sizeof claim->card_index),
                   P_BOOL(claim->payee.card_unsure));
}

err_t
claim_next_number(struct call *c, unsigned year, const char **number)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_claim_number_next, &rows, P_ID(c->tenant), P_INT4(year)));
    *number = arena_printf(c->arena, "%04u-%06lld", year, (long long) rows_int(rows, 0, 0));
    return *number ? ERR_OK : no_memory(c);
}

err_t
claim_stays(struct call *c, const struct claim *claim, struct claim **stays, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_claim_stays, &rows, P_ID(claim->person), P_ID(claim->id),
                 P_DATE(claim->stay.admitted), P_DATE(claim->stay.discharged)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, stays);
    for (int i = 0; i < (int) *count; i++) {
        struct claim *other = &(*stays)[i];
        other->stay.admitted = rows_date(rows, i, 1);
        other->stay.discharged = rows_date(rows, i, 2);
        TRY(text_or_empty(c, rows, i, 0, &other->number));
        TRY(text_or_empty(c, rows, i, 3, &other->stay.hospital));
        TRY(text_or_empty(c, rows, i, 4, &other->stay.hospital_code));
    }
    return ERR_OK;
}

err_t
claim_card_is_shared(struct call *c, const struct claim *claim, bool *is)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_claim_card_shared, &rows,
                 P_BYTES(claim->card_index, sizeof claim->card_index), P_ID(claim->person)));
    *is = rows_bool(rows, 0, 0);
    return ERR_OK;
}

static const struct stmt *
list_by(const struct claim_filter *f)
{
    if (!id_is_nil(f->person))
        return &q_claim_list_of_person;
    if (f->villages)
        return &q_claim_list_of_village;
    return f->state ? &q_claim_list_in_state : &q_claim_list;
}

static err_t
claims_by(struct call *c, const struct claim_filter *f, struct rows **rows)
{
    const char *state = f->state ? claim_state_names[f->state] : NULL;

    if (f->overdue_on.days != 0)
        return db_query(c, &q_claim_overdue, rows, P_ID(f->after), P_INT(f->rows),
                        P_DATE(f->overdue_on), P_DATE(f->after_due), P_TEXT(f->villages));
    if (!id_is_nil(f->household) || !id_is_nil(f->filed_by))
        return db_query(c, &q_claim_list_own, rows, P_ID(f->after), P_INT(f->rows), P_TEXT(state),
                        P_TEXT(f->villages), P_ID_OR_NULL(f->person), P_ID_OR_NULL(f->programme),
                        P_ID_OR_NULL(f->household), P_ID_OR_NULL(f->filed_by));
    return db_query(c, list_by(f), rows, P_ID(f->after), P_INT(f->rows), P_TEXT(state),
                    P_TEXT(f->villages), P_ID_OR_NULL(f->person), P_ID_OR_NULL(f->programme));
}

err_t
claim_list(struct call *c, const struct claim_filter *filter, struct claim **claims, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(claims_by(c, filter, &rows));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, claims);
    for (int i = 0; i < (int) *count; i++)
        TRY(claim_read(c, rows, i, &(*claims)[i]));
    return ERR_OK;
}

/* --- papers --- */

err_t
paper_insert(struct call *c, const struct claim *claim, struct id upload, enum paper kind)
{
    return db_exec(c, &q_paper_insert, P_ID(c->tenant), P_ID(claim->id), P_ID(upload), P_INT4(kind),
                   P_INT4(claim->round), P_INSTANT(c->now));
}

err_t
paper_delete(struct call *c, const struct claim *claim, struct id upload, bool *found)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_paper_delete, &rows, P_ID(claim->id), P_ID(upload)));
    *found = rows_count(rows) == 1;
    return ERR_OK;
}

err_t
paper_list(struct call *c, const struct claim *claim, struct claim_paper **papers, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;
    size_t size;

    TRY(db_query(c, &q_paper_list, &rows, P_ID(claim->id)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, papers);
    for (int i = 0; i < (int) *count; i++) {
        struct claim_paper *paper = &(*papers)[i];
        *paper = (struct claim_paper){ .upload = rows_id(rows, i, 0),
                                       .kind = (enum paper) rows_int(rows, i, 1),
                                       .size = rows_int(rows, i, 3),
                                       .attached_at = rows_instant(rows, i, 5),
                                       .round = (int) rows_int(rows, i, 6) };
        TRY(text_or_empty(c, rows, i, 2, &paper->content_type));
        memcpy(paper->sha256, rows_bytes(rows, i, 4, &size), sizeof paper->sha256);
    }
    return ERR_OK;
}

/* --- steps --- */

err_t
step_insert(struct call *c, const struct claim *claim, const struct claim_step *step)
{
    return db_exec(c, &q_step_insert, P_ID(c->tenant), P_ID(claim->id), P_TEXT(step->what),
                   P_TEXT(step->from), P_TEXT(step->to), P_ID_OR_NULL(step->account),
                   P_TEXT(step->by), P_INSTANT(c->now), P_TEXT(step->words));
}

err_t
step_list(struct call *c, struct id claim, struct claim_step **steps, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_step_list, &rows, P_ID(claim)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, steps);
    for (int i = 0; i < (int) *count; i++) {
        struct claim_step *step = &(*steps)[i];
        *step = (struct claim_step){ .step = (int) rows_int(rows, i, 0),
                                     .account = rows_id(rows, i, 4),
                                     .at = rows_instant(rows, i, 6) };
        TRY(text_or_empty(c, rows, i, 1, &step->what));
        TRY(text_or_empty(c, rows, i, 2, &step->from));
        TRY(text_or_empty(c, rows, i, 3, &step->to));
        TRY(text_or_empty(c, rows, i, 5, &step->by));
        TRY(text_or_empty(c, rows, i, 7, &step->words));
    }
    return ERR_OK;
}

/* --- the clock --- */

err_t
round_insert(struct call *c, const struct claim *claim, int workdays)
{
    return db_exec(c, &q_round_insert, P_ID(c->tenant), P_ID(claim->id), P_INT4(claim->round),
                   P_DATE(claim->complete_on), P_DATE(claim->due_on), P_BOOL(claim->provisional),
                   P_INT4(workdays));
}

err_t
round_list(struct call *c, struct id claim, struct claim_round **rounds, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_round_list, &rows, P_ID(claim)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, rounds);
    for (int i = 0; i < (int) *count; i++)
        (*rounds)[i] = (struct claim_round){ .round = (int) rows_int(rows, i, 0),
                                             .complete_on = rows_date(rows, i, 1),
                                             .due_on = rows_date(rows, i, 2),
                                             .provisional = rows_bool(rows, i, 3),
                                             .workdays = (int) rows_int(rows, i, 4),
                                             .paused_on = date_or_none(rows, i, 5),
                                             .decided_on = date_or_none(rows, i, 6) };
    return ERR_OK;
}

err_t
round_pause(struct call *c, const struct claim *claim, date_t on)
{
    return db_exec(c, &q_round_pause, P_ID(claim->id), P_INT4(claim->round), P_DATE(on));
}

err_t
round_decide(struct call *c, const struct claim *claim, date_t on)
{
    return db_exec(c, &q_round_decide, P_ID(claim->id), P_INT4(claim->round), p_date_or_null(on));
}

err_t
round_close(struct call *c, const struct claim *claim, date_t on)
{
    return db_exec(c, &q_round_close, P_ID(claim->id), P_INT4(claim->round), P_DATE(on));
}

err_t
round_recount(struct call *c, const struct claim *claim)
{
    return db_exec(c, &q_round_recount, P_ID(claim->id), P_INT4(claim->round),
                   P_DATE(claim->due_on), P_BOOL(claim->provisional));
}

err_t
provisional_tenants(struct call *c, struct id **tenants, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query0(c, &q_provisional_tenants, &rows));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, tenants);
    for (int i = 0; i < (int) *count; i++)
        (*tenants)[i] = rows_id(rows, i, 0);
    return ERR_OK;
}

err_t
provisional_claims(struct call *c, struct claim **claims, int **workdays, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query0(c, &q_provisional_rounds, &rows));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, claims);
    LIST(c, *count, workdays);
    for (int i = 0; i < (int) *count; i++) {
        (*claims)[i] =
            (struct claim){ .id = rows_id(rows, i, 0),
                            .round = (int) rows_int(rows, i, 1),
                            .complete_on = rows_date(rows, i, 2),
                            .due_on = rows_date(rows, i, 3),
                            .programme = rows_id(rows, i, 5),
                            .state = (enum claim_state) place_of(
                                rows_text(rows, i, 6), claim_state_names, CLAIM_STATE_COUNT),
                            .provisional = true };
        (*workdays)[i] = (int) rows_int(rows, i, 4);
    }
    return ERR_OK;
}
