/* consumers_archive.c - what the archive takes from the events that the log keeps (6.5: captured at
 * the event, not by hand at the year's end).
 *
 * The record comes first: an event that cannot be read, or lacks what its item needs, is still
 * evidence.  It is logged and left out of the catalogue, never refused. */
#include <string.h>

#include "arena/arena_pb.h"
#include "coding.pb-c.h"
#include "consumers.h"
#include "contributions.pb-c.h"
#include "disbursement.pb-c.h"
#include "disclosure.pb-c.h"
#include "identity.pb-c.h"
#include "rules.h"
#include "steps.h"
#include "store.h"

/* The event under way, beside what it says. */
struct told {
    struct call *c;
    const struct record *record;
    const char *topic;
};

static bool
id_of(const Huzhu__Id *in, struct id *id)
{
    *id = (struct id){ { 0 } };
    if (!in || in->value.len != sizeof id->bytes)
        return false;
    memcpy(id->bytes, in->value.data, sizeof id->bytes);
    return !id_is_nil(*id);
}

static err_t
left_out(const struct told *t, const char *why)
{
    LOG(WARNING, &t->c->log, "archive.left_out", L_TEXT("topic", t->topic), L_TEXT("why", why),
        L_ID("event", t->record->event));
    return ERR_OK;
}

/* sha256 NULL: the event's own bytes are the item.  Files it unless it is there already. */
static err_t
file_event(const struct told *t, struct item *item, const ProtobufCBinaryData *digest)
{
    struct call *c = t->c;
    bool exists = false;

    if (!item->title)
        return no_memory(c);
    TRY(item_exists(c, item->subject, t->topic, item->version, &exists));
    if (exists)
        return ERR_OK;
    item->source = t->topic;
    item->event = t->record->event;
    item->paper_location = "";
    if (digest && digest->len == sizeof item->sha256)
        memcpy(item->sha256, digest->data, sizeof item->sha256);
    else
        sha256(t->record->body, t->record->body_size, item->sha256);
    if (item->dated.days <= 0)
        item->dated = date_of(c->now);
    return item_complete_and_file(c, item);
}

/* Its name for a title; what was never told has a plain one. */
static err_t
programme_named(struct call *c, struct id id, const char **name)
{
    struct programme programme;
    bool found = false;

    TRY(programme_find(c, id, &programme, &found));
    *name = found ? programme.name : "互助方案";
    return ERR_OK;
}

static err_t
village_named(struct call *c, struct id id, const char **name)
{
    const char *division = NULL;
    bool found = false;

    *name = "全镇";
    if (id_is_nil(id))
        return ERR_OK;
    TRY(village_find(c, id, &division, name, &found));
    if (!found)
        *name = "某村";
    return ERR_OK;
}

/* --- identity --- */

static err_t
on_tenant_described(const struct told *t, const Identity__TenantDescribed *in)
{
    struct id village;

    if (in->code[0] == '\0')
        return left_out(t, "no code");
    TRY(fonds_upsert(t->c, in->code, in->name));
    for (size_t i = 0; i < in->n_villages; i++)
        if (id_of(in->villages[i]->village_id, &village))
            TRY(village_upsert(t->c, village, in->villages[i]->division_code,
                               in->villages[i]->name));
    return ERR_OK;
}

static err_t
on_nda_recorded(const struct told *t, const Identity__NdaRecorded *in)
{
    struct item item = { .kind = ITEM_B07 };

    if (!id_of(in->nda_id, &item.subject) || !in->signed_on || !in->expires_on)
        return left_out(t, "an id or a day is missing");
    item.dated.days = in->signed_on->days;
    item.ends_on.days = in->expires_on->days;
    (void) id_of(in->by, &item.filed_by);
    item.title = call_text(t->c, "保密协议（外部服务人员）");
    return file_event(t, &item, NULL);
}

/* --- contributions --- */

static err_t
on_programme_changed(const struct told *t, const Contributions__ProgrammeChanged *in)
{
    const Contributions__Programme *is = in->programme;
    struct item item = { .kind = ITEM_B01 };
    struct programme programme;

    if (!is || !id_of(is->programme_id, &programme.id) || is->year < 1900 || is->year > 9999)
        return left_out(t, "no programme");
    (void) id_of(is->village_id, &programme.village);
    programme.year = (int) is->year;
    programme.name = is->name;
    TRY(programme_upsert(t->c, &programme));
    if (is->state != CONTRIBUTIONS__PROGRAMME__STATE__OPEN)
        return ERR_OK;
    item.subject = item.programme = programme.id;
    item.village = programme.village;
    (void) id_of(in->by, &item.filed_by);
    item.title = arena_printf(t->c->arena, "%s（实施方案）", is->name);
    return file_event(t, &item, NULL);
}

static err_t
on_resolution_recorded(const struct told *t, const Contributions__ResolutionRecorded *in)
{
    struct item item = { .kind = ITEM_B03 };
    const char *village = NULL;

    if (!id_of(in->resolution_id, &item.subject) || !id_of(in->programme_id, &item.programme) ||
        !id_of(in->village_id, &item.village) || !in->met_on)
        return left_out(t, "an id or the day is missing");
    if (in->passed)
        TRY(voter_insert(t->c, item.programme, item.village));
    if (in->n_upload_ids > 0)
        (void) id_of(in->upload_ids[0], &item.upload);
    item.dated.days = in->met_on->days;
    TRY(village_named(t->c, item.village, &village));
    item.title =
        arena_printf(t->c->arena, "%s代表表决签字表（应到%u，实到%u，赞成%u，%s）", village,
                     in->entitled, in->attended, in->votes_for, in->passed ? "通过" : "未通过");
    return file_event(t, &item, NULL);
}

static err_t
on_agreement_recorded(const struct told *t, const Contributions__AgreementRecorded *in)
{
    struct item item = { .kind = ITEM_B06 };
    const char *name = NULL;

    if (!id_of(in->agreement_id, &item.subject) || !id_of(in->programme_id, &item.programme) ||
        !in->from || !in->until)
        return left_out(t, "an id or a day is missing");
    item.dated.days = in->from->days;
    item.ends_on.days = in->until->days;
    (void) id_of(in->upload_id, &item.upload);
    (void) id_of(in->by, &item.filed_by);
    TRY(programme_named(t->c, item.programme, &name));
    item.title = arena_printf(t->c->arena, "%s服务协议", name);
    return file_event(t, &item, NULL);
}

/* --- coding --- */

static err_t
on_table_frozen(const struct told *t, const Coding__TableFrozen *in)
{
    struct item item = { .kind = ITEM_B08 };
    const char *name = NULL;

    if (!id_of(in->table_id, &item.subject) || !id_of(in->programme_id, &item.programme))
        return left_out(t, "an id is missing");
    (void) id_of(in->by, &item.filed_by);
    TRY(programme_named(t->c, item.programme, &name));
    item.title = arena_printf(t->c->arena, "%s报销方案（%zu组）", name, in->n_rows);
    return file_event(t, &item, &in->sha256);
}

/* --- disbursement --- */

static err_t
file_approval(const struct told *t, struct item *item, const char *what, size_t lines,
              const Huzhu__Money *total, const ProtobufCBinaryData *digest)
{
    char amount[MONEY_TEXT_BYTES];

    money_format((money_t){ total ? total->fen : 0 }, amount);
    item->kind = ITEM_B09;
    item->title = arena_printf(t->c->arena, "%s（%zu笔，%s元）", what, lines, amount);
    return file_event(t, item, digest);
}

static err_t
on_list_approved(const struct told *t, const Disbursement__ListApproved *in)
{
    struct item item = { 0 };

    if (!id_of(in->list_id, &item.subject) || !id_of(in->programme_id, &item.programme))
        return left_out(t, "an id is missing");
    (void) id_of(in->by, &item.filed_by);
    return file_approval(t, &item, "补助发放审批", in->n_lines, in->total, NULL);
}

static err_t
on_batch_sent(const struct told *t, const Disbursement__BatchSent *in)
{
    struct item item = { 0 };

    if (!id_of(in->batch_id, &item.subject) || !id_of(in->programme_id, &item.programme))
        return left_out(t, "an id is missing");
    (void) id_of(in->by, &item.filed_by);
    return file_approval(t, &item, "银行代发批次", in->lines, in->total, &in->sha256);
}

/* --- disclosure --- */

static err_t
on_page_published(const struct told *t, const Disclosure__PagePublished *in)
{
    const bool payouts = in->kind == DISCLOSURE__PUBLICATION__KIND__PAYOUTS;
    struct item item = { .kind = payouts ? ITEM_B09 : ITEM_B05, .version = in->version };
    const char *place = NULL;

    if (!id_of(in->publication_id, &item.subject))
        return left_out(t, "no publication");
    TRY(publication_insert(t->c, item.subject, in->version));
    if (!payouts && in->kind != DISCLOSURE__PUBLICATION__KIND__CONTRIBUTIONS)
        return ERR_OK;
    (void) id_of(in->programme_id, &item.programme);
    (void) id_of(in->village_id, &item.village);
    if (in->at && in->at->us > 0)
        item.dated = date_of((instant_t){ in->at->us });
    TRY(village_named(t->c, item.village, &place));
    item.title =
        arena_printf(t->c->arena, "%s%s（%s，第%u版，%u行）", place,
                     payouts ? "报销详细信息表" : "缴费明细表", in->period, in->version, in->lines);
    return file_event(t, &item, &in->page_sha256);
}

/* --- which of all topics --- */

typedef err_t told_fn(const struct told *t, const ProtobufCMessage *in);
#define TOLD(fn, Type)                                                                             \
    static err_t fn##_thunk(const struct told *t, const ProtobufCMessage *in)                      \
    {                                                                                              \
        return fn(t, (const Type *) in);                                                           \
    }
TOLD(on_tenant_described, Identity__TenantDescribed)
TOLD(on_nda_recorded, Identity__NdaRecorded)
TOLD(on_programme_changed, Contributions__ProgrammeChanged)
TOLD(on_resolution_recorded, Contributions__ResolutionRecorded)
TOLD(on_agreement_recorded, Contributions__AgreementRecorded)
TOLD(on_table_frozen, Coding__TableFrozen)
TOLD(on_list_approved, Disbursement__ListApproved)
TOLD(on_batch_sent, Disbursement__BatchSent)
TOLD(on_page_published, Disclosure__PagePublished)

static const struct {
    const char *from;
    const ProtobufCMessageDescriptor *event;
    told_fn *run;
} topics[] = {
    { "identity", &identity__tenant_described__descriptor, on_tenant_described_thunk },
    { "identity", &identity__nda_recorded__descriptor, on_nda_recorded_thunk },
    { "contributions", &contributions__programme_changed__descriptor, on_programme_changed_thunk },
    { "contributions", &contributions__resolution_recorded__descriptor,
      on_resolution_recorded_thunk },
    { "contributions", &contributions__agreement_recorded__descriptor,
      on_agreement_recorded_thunk },
    { "coding", &coding__table_frozen__descriptor, on_table_frozen_thunk },
    { "disbursement", &disbursement__list_approved__descriptor, on_list_approved_thunk },
    { "disbursement", &disbursement__batch_sent__descriptor, on_batch_sent_thunk },
    { "disclosure", &disclosure__page_published__descriptor, on_page_published_thunk },
};

/* A topic counts from its own service alone: nobody else can put a page into the archive. */
err_t
archive_event(struct call *c, const struct record *record)
{
    ProtobufCAllocator allocator = arena_protobuf_allocator(c->arena);

    if (id_is_nil(c->tenant))
        return ERR_OK;
    for (size_t i = 0; i < COUNT(topics); i++) {
        const struct told told = { c, record, topics[i].event->name };
        if (strcmp(topics[i].event->name, record->topic) != 0 ||
            strcmp(topics[i].from, record->source) != 0)
            continue;
        const ProtobufCMessage *in =
            protobuf_c_message_unpack(topics[i].event, &allocator, record->body_size, record->body);
        return in ? topics[i].run(&told, in) : left_out(&told, "it cannot be read");
    }
    return ERR_OK;
}
