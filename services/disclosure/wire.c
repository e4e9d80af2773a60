/* wire.c - protobuf to nouns and back, events out. */
#include "wire.h"

#include <string.h>

#include "notices.h"

static err_t
no_memory(struct call *c)
{
    return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the reply needs too much memory");
}

/* A made, initialised message in the arena. */
#define MAKE(c, type, init, out)                                                                   \
    type *wire = arena_alloc((c)->arena, sizeof *wire);                                            \
    if (!wire)                                                                                     \
        return no_memory(c);                                                                       \
    init(wire);                                                                                    \
    *(out) = wire

#define TEXT(field, value)                                                                         \
    do {                                                                                           \
        const char *text_ = (value);                                                               \
        if (!((field) = arena_strdup(c->arena, text_ ? text_ : "")))                               \
            return no_memory(c);                                                                   \
    } while (0)

err_t
optional_id_in(const Huzhu__Id *in, const char *path, struct id *id, struct err *err)
{
    *id = (struct id){ { 0 } };
    if (!in || in->value.len == 0)
        return ERR_OK;
    return id_from_wire(in, path, id, err);
}

err_t
list_in(uint32_t page_size, const char *page_token, int *limit, struct id *before, struct err *err)
{
    *before = (struct id){ { 0 } };
    if (page_size > LIST_MAX)
        return err_at(err, ERR_INVALID, "$.pageSize", PAGE_SIZE, "at most %d", LIST_MAX);
    *limit = page_size == 0 ? LIST_DEFAULT : (int) page_size;
    if (page_token[0] && !id_parse(page_token, before))
        return err_at(err, ERR_INVALID, "$.pageToken", PAGE_TOKEN, "no token of this list");
    return ERR_OK;
}

err_t
token_out(struct call *c, struct id last, bool more, char **token)
{
    char text[ID_TEXT_BYTES] = "";

    if (more)
        id_format(last, text);
    TEXT(*token, text);
    return ERR_OK;
}

err_t
bytes_to_wire(struct call *c, const void *bytes, size_t size, ProtobufCBinaryData *out)
{
    out->len = size;
    out->data = arena_copy(c->arena, bytes, size);
    return out->data ? ERR_OK : no_memory(c);
}

err_t
publication_to_wire(struct call *c, const struct publication *p, Disclosure__Publication **out)
{
    MAKE(c, Disclosure__Publication, disclosure__publication__init, out);
    wire->publication_id = id_to_wire(c, p->id);
    wire->programme_id = id_to_wire(c, p->programme);
    wire->village_id = id_to_wire(c, p->village);
    wire->kind = (Disclosure__Publication__Kind) p->kind;
    TEXT(wire->period, p->period);
    wire->version = (uint32_t) p->version;
    wire->state = (Disclosure__Publication__State) p->state;
    TEXT(wire->title, p->title);
    wire->lines = (uint32_t) p->lines;
    if (p->has_total)
        wire->total = money_to_wire(c, p->total);
    TRY(bytes_to_wire(c, p->root, sizeof p->root, &wire->root));
    TRY(bytes_to_wire(c, p->page_sha256, sizeof p->page_sha256, &wire->page_sha256));
    wire->prepared_by = id_to_wire(c, p->prepared_by);
    wire->prepared_at = instant_to_wire(c, p->prepared_at);
    wire->approved_by = id_to_wire(c, p->approved_by);
    if (p->published_at.us)
        wire->published_at = instant_to_wire(c, p->published_at);
    if (p->take_down_on.days)
        wire->take_down_on = date_to_wire(c, p->take_down_on);
    if (p->taken_down_at.us)
        wire->taken_down_at = instant_to_wire(c, p->taken_down_at);
    TEXT(wire->reason, p->reason);
    TEXT(wire->sensitive_by, p->sensitive_by);
    return wire->publication_id && wire->programme_id && wire->prepared_at ? ERR_OK : no_memory(c);
}

err_t
line_to_wire(struct call *c, const char *text, Disclosure__PublicLine **out)
{
    size_t cells = 0;

    MAKE(c, Disclosure__PublicLine, disclosure__public_line__init, out);
    TEXT(wire->text, text);
    char *at = arena_strdup(c->arena, text);
    wire->cells = arena_alloc(c->arena, (SHEET_COLUMNS_MAX + 1) * sizeof *wire->cells);
    if (!at || !wire->cells)
        return no_memory(c);
    for (char *next; at && cells <= SHEET_COLUMNS_MAX; at = next) {
        next = strchr(at, '\t');
        if (next)
            *next++ = '\0';
        if (cells++ > 0) {
            wire->cells[wire->n_cells++] = at;
            continue;
        }
        for (const char *digit = at; *digit >= '0' && *digit <= '9'; digit++)
            wire->number = wire->number * 10 + (uint32_t) (*digit - '0');
    }
    return ERR_OK;
}

err_t
report_to_wire(struct call *c, const struct report *r, bool with_figures, Disclosure__Report **out)
{
    ProtobufCMessage *message;

    if (with_figures) {
        TRY(message_decode(c, &disclosure__report__descriptor, r->figures_size, r->figures,
                           &message));
        *out = (Disclosure__Report *) message;
    } else {
        MAKE(c, Disclosure__Report, disclosure__report__init, out);
    }
    Disclosure__Report *to = *out;
    to->report_id = id_to_wire(c, r->id);
    to->programme_id = id_to_wire(c, r->programme);
    to->year = (uint32_t) r->year;
    to->state =
        r->is_signed ? DISCLOSURE__REPORT__STATE__SIGNED : DISCLOSURE__REPORT__STATE__PREPARED;
    TRY(bytes_to_wire(c, r->sha256, sizeof r->sha256, &to->sha256));
    to->prepared_by = id_to_wire(c, r->prepared_by);
    to->prepared_at = instant_to_wire(c, r->prepared_at);
    to->signed_by = id_to_wire(c, r->signed_by);
    if (r->signed_at.us)
        to->signed_at = instant_to_wire(c, r->signed_at);
    to->due_on = date_to_wire(c, r->due_on);
    return to->report_id && to->programme_id && to->due_on ? ERR_OK : no_memory(c);
}

err_t
notice_to_wire(struct call *c, const struct notice *n, Disclosure__Notice **out)
{
    const char *title, *text;

    MAKE(c, Disclosure__Notice, disclosure__notice__init, out);
    if (!notice_words(c, n, &title, &text))
        return err_set(&c->err, ERR_INTERNAL, NOTICE_NONE, "a notice without words");
    wire->notice_id = id_to_wire(c, n->id);
    TEXT(wire->kind, n->kind);
    TEXT(wire->title, title);
    TEXT(wire->text, text);
    wire->at = instant_to_wire(c, n->at);
    if (n->read_at.us)
        wire->read_at = instant_to_wire(c, n->read_at);
    wire->claim_id = id_to_wire(c, n->claim);
    wire->person_id = id_to_wire(c, n->person);
    return wire->notice_id && wire->at ? ERR_OK : no_memory(c);
}

err_t
complaint_to_wire(struct call *c, const struct complaint *k, bool overdue,
                  Disclosure__Complaint **out)
{
    MAKE(c, Disclosure__Complaint, disclosure__complaint__init, out);
    wire->complaint_id = id_to_wire(c, k->id);
    TEXT(wire->number, k->number);
    wire->state = (Disclosure__Complaint__State) k->state;
    wire->category = (Disclosure__Complaint__Category) k->category;
    wire->severity = (Disclosure__Complaint__Severity) k->severity;
    wire->channel = (Disclosure__Complaint__Channel) k->channel;
    wire->village_id = id_to_wire(c, k->village);
    wire->claim_id = id_to_wire(c, k->claim);
    wire->publication_id = id_to_wire(c, k->publication);
    wire->about_id = id_to_wire(c, k->about);
    TEXT(wire->text, k->text);
    TEXT(wire->contact, k->contact);
    wire->owner_id = id_to_wire(c, k->owner);
    wire->received_on = date_to_wire(c, k->received_on);
    wire->accept_by = date_to_wire(c, k->accept_by);
    wire->reply_by = date_to_wire(c, k->reply_by);
    wire->provisional = k->provisional;
    wire->extended = k->extended;
    wire->outcome = (Disclosure__Complaint__Outcome) k->outcome;
    TEXT(wire->answer, k->answer);
    wire->overdue = overdue;
    wire->anonymous = id_is_nil(k->account);
    wire->filed_at = instant_to_wire(c, k->filed_at);
    return wire->complaint_id && wire->owner_id && wire->filed_at ? ERR_OK : no_memory(c);
}

/* --- events --- */

err_t
emit_page_published(struct call *c, const struct publication *p)
{
    Disclosure__PagePublished event = DISCLOSURE__PAGE_PUBLISHED__INIT;

    event.publication_id = id_to_wire(c, p->id);
    event.programme_id = id_to_wire(c, p->programme);
    event.village_id = id_to_wire(c, p->village);
    event.kind = (Disclosure__Publication__Kind) p->kind;
    event.period = (char *) p->period;
    event.version = (uint32_t) p->version;
    event.lines = (uint32_t) p->lines;
    if (p->has_total)
        event.total = money_to_wire(c, p->total);
    event.root = (ProtobufCBinaryData){ sizeof p->root, (uint8_t *) p->root };
    event.page_sha256 = (ProtobufCBinaryData){ sizeof p->page_sha256, (uint8_t *) p->page_sha256 };
    event.at = instant_to_wire(c, p->published_at);
    if (!event.publication_id || !event.programme_id || !event.at)
        return no_memory(c);
    return event_append(c, &event.base);
}

err_t
emit_page_taken_down(struct call *c, const struct publication *p, const char *reason)
{
    Disclosure__PageTakenDown event = DISCLOSURE__PAGE_TAKEN_DOWN__INIT;

    event.publication_id = id_to_wire(c, p->id);
    event.reason = (char *) reason;
    event.by = id_to_wire(c, c->account);
    return event.publication_id ? event_append(c, &event.base) : no_memory(c);
}

err_t
emit_notice(struct call *c, const struct notice *n)
{
    Disclosure__NoticeGiven event = DISCLOSURE__NOTICE_GIVEN__INIT;

    event.notice_id = id_to_wire(c, n->id);
    event.person_id = id_to_wire(c, n->person);
    event.kind = (char *) n->kind;
    return event.notice_id && event.person_id ? event_append(c, &event.base) : no_memory(c);
}

err_t
emit_complaint_filed(struct call *c, const struct complaint *k)
{
    static const char *const categories[] = { "",      "enrolment",      "coding",    "amount",
                                              "delay", "payment_failed", "publicity", "conduct",
                                              "fraud", "data_rights",    "other" };
    Disclosure__ComplaintFiled event = DISCLOSURE__COMPLAINT_FILED__INIT;

    event.complaint_id = id_to_wire(c, k->id);
    event.number = (char *) k->number;
    event.category = (char *) categories[k->category];
    event.owner_id = id_to_wire(c, k->owner);
    event.reply_by = date_to_wire(c, k->reply_by);
    event.village_id = id_to_wire(c, k->village);
    if (!event.complaint_id || !event.owner_id || !event.reply_by)
        return no_memory(c);
    return event_append(c, &event.base);
}

err_t
emit_complaint_moved(struct call *c, const struct complaint *k, enum complaint_state from)
{
    static const char *const names[] = { "", "FILED", "ACCEPTED", "ANSWERED", "TRANSFERRED" };
    Disclosure__ComplaintMoved event = DISCLOSURE__COMPLAINT_MOVED__INIT;

    event.complaint_id = id_to_wire(c, k->id);
    event.from = (char *) names[from];
    event.to = (char *) names[k->state];
    event.by = id_to_wire(c, c->account);
    return event.complaint_id ? event_append(c, &event.base) : no_memory(c);
}

err_t
emit_report_signed(struct call *c, const struct report *r)
{
    Disclosure__ReportSigned event = DISCLOSURE__REPORT_SIGNED__INIT;

    event.report_id = id_to_wire(c, r->id);
    event.programme_id = id_to_wire(c, r->programme);
    event.sha256 = (ProtobufCBinaryData){ sizeof r->sha256, (uint8_t *) r->sha256 };
    event.by = id_to_wire(c, r->signed_by);
    return event.report_id && event.by ? event_append(c, &event.base) : no_memory(c);
}

err_t
emit_overdue(struct call *c, const char *what, struct id subject, date_t due)
{
    Disclosure__DutyOverdue event = DISCLOSURE__DUTY_OVERDUE__INIT;

    event.what = (char *) what;
    event.subject_id = id_to_wire(c, subject);
    event.due_on = date_to_wire(c, due);
    return event.subject_id && event.due_on ? event_append(c, &event.base) : no_memory(c);
}
