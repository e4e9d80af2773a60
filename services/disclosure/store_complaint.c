/* store_complaint.c - notices and complaints in and out of the schema disclosure. */
#include "store.h"
#include "store_help.h"

/* --- notices --- */

err_t
notice_put(struct call *c, const struct notice *n)
{
    return db_exec(c, &q_notice_put, P_ID(c->tenant), P_ID(n->id), P_ID(n->person), P_TEXT(n->kind),
                   P_TEXT(n->detail), P_ID_OR_NULL(n->claim), P_INSTANT(n->at));
}

static err_t
notice_take(struct call *c, const struct rows *rows, int i, struct notice *n)
{
    *n = (struct notice){ .id = rows_id(rows, i, 0),
                          .claim = rows_id(rows, i, 3),
                          .at = rows_instant(rows, i, 4),
                          .read_at = instant_or_never(rows, i, 5),
                          .person = rows_id(rows, i, 6) };
    TRY(text_or_empty(c, rows, i, 1, &n->kind));
    return text_or_empty(c, rows, i, 2, &n->detail);
}

err_t
notice_list(struct call *c, struct id before, bool unread, int limit, struct notice **out,
            size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_notice_list, &rows, P_ID(c->person), P_ID_OR_NULL(before), P_BOOL(unread),
                 P_INT(limit)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, out);
    for (size_t i = 0; i < *count; i++)
        TRY(notice_take(c, rows, (int) i, &(*out)[i]));
    return ERR_OK;
}

err_t
notice_read(struct call *c, struct id id, struct notice *out)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_notice_read, &rows, P_ID(c->person), P_ID(id), P_INSTANT(c->now)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, NOTICE_NONE, "no such notice");
    return notice_take(c, rows, 0, out);
}

/* --- complaints --- */

static const char *const states[] = { "", "FILED", "ACCEPTED", "ANSWERED", "TRANSFERRED" };

const char *
complaint_state_text(enum complaint_state state)
{
    return states[state];
}

enum complaint_state
complaint_state_of(const char *text)
{
    for (size_t i = 1; i < COUNT(states); i++)
        if (strcmp(states[i], text) == 0)
            return (enum complaint_state) i;
    return COMPLAINT_NONE;
}

err_t
claim_people(struct call *c, struct id claim, struct claim_people *out)
{
    OWNED(rows_free) struct rows *rows = NULL;

    *out = (struct claim_people){ 0 };
    TRY(db_query(c, &q_claim_people, &rows, P_ID(claim)));
    if (rows_count(rows) == 1)
        *out =
            (struct claim_people){ rows_id(rows, 0, 0), rows_id(rows, 0, 1), rows_id(rows, 0, 2) };
    return ERR_OK;
}

err_t
complaint_number_next(struct call *c, date_t day, int *number)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_complaint_number_next, &rows, P_ID(c->tenant), P_DATE(day)));
    *number = (int) rows_int(rows, 0, 0);
    return ERR_OK;
}

err_t
complaint_insert(struct call *c, const struct complaint *k, const char *code_hash)
{
    Disclosure__SealedComplaint secret = DISCLOSURE__SEALED_COMPLAINT__INIT;
    ProtobufCBinaryData sealed;

    secret.text = (char *) k->text;
    secret.contact = (char *) k->contact;
    TRY(seal_message(c, "complaint", k->id, &secret.base, &sealed));
    return db_exec(c, &q_complaint_insert, P_ID(c->tenant), P_ID(k->id), P_TEXT(k->number),
                   P_INT4(k->category), P_INT4(k->severity), P_INT4(k->channel),
                   P_ID_OR_NULL(k->village), P_ID_OR_NULL(k->claim), P_ID_OR_NULL(k->publication),
                   P_ID_OR_NULL(k->about), P_ID_OR_NULL(k->person), P_ID_OR_NULL(k->account),
                   P_ID(k->owner), P_DATE(k->received_on), P_DATE(k->accept_by),
                   P_DATE(k->reply_by), P_BOOL(k->provisional), P_TEXT(code_hash),
                   P_BYTES(sealed.data, sealed.len), P_INSTANT(k->filed_at));
}

static err_t
complaint_open(struct call *c, const struct rows *rows, int i, struct complaint *k)
{
    ProtobufCBinaryData sealed, plain;
    ProtobufCMessage *message;
    char context[CONTEXT_BYTES];

    TRY(bytes_of(c, rows, i, 19, &sealed));
    TRY(open_message(c, "complaint", k->id, &sealed, &disclosure__sealed_complaint__descriptor,
                     &message));
    k->text = ((const Disclosure__SealedComplaint *) message)->text;
    k->contact = ((const Disclosure__SealedComplaint *) message)->contact;
    if (rows_is_null(rows, i, 20))
        return ERR_OK;
    TRY(bytes_of(c, rows, i, 20, &sealed));
    context_of("answer", k->id, context);
    TRY(call_unseal(c, context, sealed.data, sealed.len, &plain));
    k->answer = arena_printf(c->arena, "%.*s", (int) plain.len, (const char *) plain.data);
    return k->answer ? ERR_OK : no_memory(c);
}

static err_t
complaint_take(struct call *c, const struct rows *rows, int i, bool opened, struct complaint *k)
{
    *k = (struct complaint){ .id = rows_id(rows, i, 0),
                             .state = complaint_state_of(rows_text(rows, i, 2)),
                             .category = (int) rows_int(rows, i, 3),
                             .severity = (int) rows_int(rows, i, 4),
                             .channel = (int) rows_int(rows, i, 5),
                             .village = rows_id(rows, i, 6),
                             .claim = rows_id(rows, i, 7),
                             .publication = rows_id(rows, i, 8),
                             .about = rows_id(rows, i, 9),
                             .person = rows_id(rows, i, 10),
                             .account = rows_id(rows, i, 11),
                             .owner = rows_id(rows, i, 12),
                             .received_on = rows_date(rows, i, 13),
                             .accept_by = rows_date(rows, i, 14),
                             .reply_by = rows_date(rows, i, 15),
                             .provisional = rows_bool(rows, i, 16),
                             .extended = rows_bool(rows, i, 17),
                             .outcome = (int) rows_int(rows, i, 18),
                             .text = "",
                             .contact = "",
                             .answer = "",
                             .filed_at = rows_instant(rows, i, 21) };
    TRY(text_or_empty(c, rows, i, 1, &k->number));
    return opened ? complaint_open(c, rows, i, k) : ERR_OK;
}

static err_t
complaint_one(struct call *c, const struct stmt *stmt, struct id id, bool opened,
              struct complaint *out)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, stmt, &rows, P_ID(id)));
    if (rows_count(rows) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, COMPLAINT_GONE, "no such complaint");
    return complaint_take(c, rows, 0, opened, out);
}

err_t
complaint_get(struct call *c, struct id id, bool opened, struct complaint *out)
{
    return complaint_one(c, &q_complaint_get, id, opened, out);
}

err_t
complaint_lock(struct call *c, struct id id, struct complaint *out)
{
    return complaint_one(c, &q_complaint_lock, id, true, out);
}

err_t
complaint_list(struct call *c, const struct complaint_filter *f, struct complaint **out,
               size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_complaint_list, &rows, P_ID_OR_NULL(f->before),
                 P_TEXT(complaint_state_text(f->state)), p_date_or_null(f->late), P_INT(f->limit)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, out);
    for (size_t i = 0; i < *count; i++)
        TRY(complaint_take(c, rows, (int) i, false, &(*out)[i]));
    return ERR_OK;
}

err_t
complaint_by_number(struct call *c, const char *number, struct complaint_code *out)
{
    OWNED(rows_free) struct rows *rows = NULL;

    *out = (struct complaint_code){ .hash = "" };
    TRY(db_query(c, &q_complaint_by_number, &rows, P_TEXT(number)));
    if (rows_count(rows) == 0)
        return ERR_OK;
    out->id = rows_id(rows, 0, 0);
    out->wrong = rows_int(rows, 0, 2);
    return text_or_empty(c, rows, 0, 1, &out->hash);
}

err_t
complaint_code_tried(struct call *c, struct id id, bool right)
{
    return db_exec(c, right ? &q_complaint_right_code : &q_complaint_wrong_code, P_ID(id));
}

err_t
complaint_put(struct call *c, const struct complaint *k)
{
    char context[CONTEXT_BYTES];
    ProtobufCBinaryData sealed = { 0 };

    if (k->answer && k->answer[0]) {
        context_of("answer", k->id, context);
        TRY(call_seal(c, context, k->answer, strlen(k->answer), &sealed));
    }
    return db_exec(c, &q_complaint_put, P_ID(k->id), P_TEXT(complaint_state_text(k->state)),
                   P_ID(k->owner), P_DATE(k->reply_by), P_BOOL(k->extended), P_INT4(k->outcome),
                   sealed.len ? P_BYTES(sealed.data, sealed.len) : P_NULL, P_BOOL(k->provisional));
}

err_t
complaint_step(struct call *c, struct id id, const char *what, const char *note)
{
    char context[CONTEXT_BYTES];
    ProtobufCBinaryData sealed = { 0 };

    if (note[0]) {
        context_of("note", id, context);
        TRY(call_seal(c, context, note, strlen(note), &sealed));
    }
    return db_exec(c, &q_complaint_step_insert, P_ID(c->tenant), P_ID(id), P_TEXT(what),
                   P_ID_OR_NULL(c->account), P_INSTANT(c->now),
                   sealed.len ? P_BYTES(sealed.data, sealed.len) : P_NULL);
}

err_t
complaint_steps(struct call *c, struct id id, struct complaint_step_row **out, size_t *count)
{
    OWNED(rows_free) struct rows *rows = NULL;

    TRY(db_query(c, &q_complaint_steps, &rows, P_ID(id)));
    *count = (size_t) rows_count(rows);
    LIST(c, *count, out);
    for (int i = 0; i < rows_count(rows); i++) {
        (*out)[i].step = rows_int(rows, i, 0);
        TRY(text_or_empty(c, rows, i, 1, &(*out)[i].what));
        (*out)[i].by = rows_id(rows, i, 2);
        (*out)[i].at = rows_instant(rows, i, 3);
    }
    return ERR_OK;
}
