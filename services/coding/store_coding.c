/* store_coding.c - what was coded and how it was priced, in and out of the schema coding. */
#include <string.h>

#include "coding_queries.h"
#include "store.h"

static const char *const coding_states[] = {
    [CODING_CODED] = "CODED",       [CODING_RETURNED] = "RETURNED", [CODING_PRICED] = "PRICED",
    [CODING_REPLACED] = "REPLACED", [CODING_GONE] = "GONE",
};

static err_t
read_texts(struct call *c, const struct rows *rows, struct coding *out)
{
    const struct {
        int column;
        const char **text;
    } texts[] = {
        { 7, &out->scheme.id },      { 8, &out->scheme.name },
        { 9, &out->scheme.version }, { 10, &out->scheme.checksum },
        { 11, &out->mdc },           { 12, &out->adrg },
        { 13, &out->drg },           { 14, &out->drg_name },
        { 15, &out->row_drg },       { 20, &out->sensitive_by },
        { 22, &out->certificate },   { 26, &out->returned_for },
    };

    for (size_t i = 0; i < COUNT(texts); i++)
        TRY(text_or_empty(c, rows, 0, texts[i].column, texts[i].text));
    TRY(bytes_of(c, rows, 0, 16, &out->coded));
    return bytes_of(c, rows, 0, 17, &out->trace);
}

err_t
coding_get(struct call *c, struct id id, struct coding *out)
{
    OWNED(rows_free) struct rows *rows = NULL;
    size_t size;

    TRY(db_query(c, &q_coding_get, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, CODING_NONE, "no such coding");
    *out = (struct coding){
        .id = rows_id(rows, 0, 0),
        .claim = rows_id(rows, 0, 1),
        .attempt = (int32_t) rows_int(rows, 0, 2),
        .programme = rows_id(rows, 0, 3),
        .person = rows_id(rows, 0, 4),
        .state = (enum coding_state) place_of(rows_text(rows, 0, 5), coding_states,
                                              COUNT(coding_states)),
        .table = rows_id(rows, 0, 6),
        .sensitive = rows_bool(rows, 0, 19),
        .coder = rows_id(rows, 0, 21),
        .coded_at = rows_instant(rows, 0, 23),
        .reviewer = rows_id(rows, 0, 24),
        .reviewed_at = instant_or_never(rows, 0, 25),
        .due = rows_is_null(rows, 0, 27) ? NO_MONEY : rows_money(rows, 0, 27),
        .payable = rows_is_null(rows, 0, 28) ? NO_MONEY : rows_money(rows, 0, 28),
    };
    if (!rows_is_null(rows, 0, 29))
        out->decided_on = rows_date(rows, 0, 29);
    const void *sum = rows_bytes(rows, 0, 18, &size);
    memcpy(out->basis_sha256, sum, sizeof out->basis_sha256);
    return read_texts(c, rows, out);
}

err_t
codings_of(struct call *c, struct id claim, struct id **out, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_codings_of, &rows, P_ID(claim)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, out);
    for (int i = 0; i < (int) *count; i++)
        (*out)[i] = rows_id(rows, i, 0);
    return ERR_OK;
}

err_t
coding_insert(struct call *c, const struct coding *in)
{
    return db_exec(c, &q_coding_insert, P_ID(c->tenant), P_ID(in->id), P_ID(in->claim),
                   P_INT4(in->attempt), P_ID(in->programme), P_ID(in->person), P_ID(in->table),
                   P_TEXT(in->scheme.id), P_TEXT(in->scheme.name), P_TEXT(in->scheme.version),
                   P_TEXT(in->scheme.checksum), P_TEXT(in->mdc), P_TEXT(in->adrg), P_TEXT(in->drg),
                   P_TEXT(in->drg_name), P_TEXT(in->row_drg),
                   P_BYTES(in->coded.data, in->coded.len), P_BYTES(in->trace.data, in->trace.len),
                   P_BYTES(in->basis_sha256, sizeof in->basis_sha256), P_BOOL(in->sensitive),
                   P_TEXT(in->sensitive_by), P_ID(in->coder), P_TEXT(in->certificate),
                   P_INSTANT(in->coded_at));
}

err_t
coding_store_return(struct call *c, const struct coding *in)
{
    return db_exec(c, &q_coding_return, P_ID(in->id), P_ID(in->reviewer),
                   P_INSTANT(in->reviewed_at), P_TEXT(in->returned_for));
}

err_t
coding_store_price(struct call *c, const struct coding *in, const struct price *price)
{
    TRY(db_exec(c, &q_coding_price, P_ID(in->id), P_ID(in->reviewer), P_INSTANT(in->reviewed_at),
                P_MONEY(price->due), P_MONEY(price->payable), P_DATE(in->decided_on)));
    for (size_t i = 0; i < price->step_count; i++) {
        const struct price_step *step = &price->steps[i];
        TRY(db_exec(c, &q_step_insert, P_ID(c->tenant), P_ID(in->id), P_INT4((int64_t) i),
                    P_TEXT(step->name), P_MONEY(step->before), P_MONEY(step->after),
                    P_TEXT(step->why)));
    }
    return ERR_OK;
}

err_t
coding_mark_line_returned(struct call *c, struct id coding)
{
    return db_exec(c, &q_coding_line_returned, P_ID(coding));
}

err_t
coding_priced_of(struct call *c, struct id claim, struct id *coding, money_t *payable)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_coding_priced_of, &rows, P_ID(claim)));
    *coding = (struct id){ { 0 } };
    *payable = (money_t){ 0 };
    if (rows_count(rows) == 0)
        return ERR_OK;
    *coding = rows_id(rows, 0, 0);
    *payable = rows_money(rows, 0, 1);
    return ERR_OK;
}

err_t
coding_end(struct call *c, struct id coding, enum coding_state state)
{
    return db_exec(c, &q_coding_end, P_ID(coding), P_TEXT(coding_states[state]));
}

err_t
steps_of(struct call *c, struct id coding, struct price *price)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_steps_of, &rows, P_ID(coding)));
    price->step_count = 0;
    for (int i = 0; i < rows_count(rows) && i < PRICE_STEPS_MAX; i++) {
        struct price_step *step = &price->steps[price->step_count++];
        TRY(text_or_empty(c, rows, i, 0, &step->name));
        step->before = rows_money(rows, i, 1);
        step->after = rows_money(rows, i, 2);
        const char *why = rows_text(rows, i, 3);
        memcpy(step->why, why, strnlen(why, sizeof step->why - 1) + 1);
        step->why[sizeof step->why - 1] = '\0';
    }
    return ERR_OK;
}

static err_t
read_total(struct call *c, const struct stmt *stmt, struct id programme, struct id person,
           money_t *out)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, stmt, &rows, P_ID(programme), P_ID(person)));
    *out = rows_count(rows) > 0 ? rows_money(rows, 0, 0) : (money_t){ 0 };
    return ERR_OK;
}

err_t
person_total_get(struct call *c, struct id programme, struct id person, money_t *out)
{
    return read_total(c, &q_person_total_get, programme, person, out);
}

err_t
person_total_lock(struct call *c, struct id programme, struct id person, money_t *out)
{
    TRY(db_exec(c, &q_person_total_make, P_ID(c->tenant), P_ID(programme), P_ID(person)));
    return read_total(c, &q_person_total_lock, programme, person, out);
}

err_t
person_total_set(struct call *c, struct id programme, struct id person, money_t sum)
{
    return db_exec(c, &q_person_total_set, P_ID(programme), P_ID(person), P_MONEY(sum));
}
