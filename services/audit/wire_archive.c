/* wire_archive.c - proofs of pages and archive items to the wire and back, and their events. */
#include <string.h>

#include "arena/arena_pb.h"
#include "disclosure.pb-c.h"
#include "rules.h"
#include "store.h"
#include "svc/fields.h"
#include "wire.h"

err_t
optional_id_from_wire(const Huzhu__Id *in, const char *path, struct id *id, struct err *err)
{
    *id = (struct id){ { 0 } };
    return in ? id_from_wire(in, path, id, err) : ERR_OK;
}

static err_t
put_bytes(struct call *c, const void *from, size_t size, ProtobufCBinaryData *out)
{
    uint8_t *copy = arena_copy(c->arena, size ? from : "", size ? size : 1);

    *out = (ProtobufCBinaryData){ size, copy };
    return copy ? ERR_OK : no_memory(c);
}

/* --- proofs --- */

err_t
keys_to_wire(struct call *c, const struct public_key *key, Audit__PublicKey ***keys, size_t *count)
{
    Audit__PublicKey *wire = arena_alloc(c->arena, sizeof *wire);

    *keys = arena_alloc(c->arena, sizeof(void *));
    if (!wire || !*keys)
        return no_memory(c);
    audit__public_key__init(wire);
    TRY(put_text(c, key->id, &wire->key_id));
    TRY(put_bytes(c, key->bytes, sizeof key->bytes, &wire->public_key));
    (*keys)[0] = wire;
    *count = 1;
    return ERR_OK;
}

err_t
publication_record_to_wire(struct call *c, const struct record *record,
                           Audit__GetPublicationProofReply *out)
{
    ProtobufCAllocator allocator = arena_protobuf_allocator(c->arena);
    const Disclosure__PagePublished *page =
        disclosure__page_published__unpack(&allocator, record->body_size, record->body);
    const size_t size = record_canonical(c->tenant, record, NULL);
    uint8_t *canonical = arena_alloc(c->arena, size);

    if (!canonical || !page)
        return no_memory(c);
    out->canonical =
        (ProtobufCBinaryData){ record_canonical(c->tenant, record, canonical), canonical };
    TRY(put_id(c, c->tenant, &out->tenant_id));
    out->seq = record->seq;
    TRY(put_bytes(c, record->body, record->body_size, &out->body));
    TRY(put_bytes(c, record->leaf.bytes, sizeof record->leaf.bytes, &out->leaf_hash));
    TRY(put_bytes(c, page->root.data, page->root.len, &out->page_root));
    return put_bytes(c, page->page_sha256.data, page->page_sha256.len, &out->page_sha256);
}

/* --- items --- */

err_t
item_from_wire(struct call *c, const Audit__RecordArchiveItemRequest *in, struct item *item)
{
    const struct kind_row *kind = kind_row(in->kind);

    *item = (struct item){ .kind = (enum item_kind) in->kind,
                           .title = in->title,
                           .source = "",
                           .seq = -1,
                           .recorded = true,
                           .paper_location = in->paper_location,
                           .secrecy = (enum secrecy) in->secrecy,
                           .keep_years = (int) (in->keep_years > 1000 ? 1000 : in->keep_years) };
    TRY(id_from_wire(in->item_id, "$.itemId", &item->id, &c->err));
    TRY(optional_id_from_wire(in->programme_id, "$.programmeId", &item->programme, &c->err));
    TRY(optional_id_from_wire(in->village_id, "$.villageId", &item->village, &c->err));
    TRY(optional_id_from_wire(in->upload_id, "$.uploadId", &item->upload, &c->err));
    item->dated.days = in->dated ? in->dated->days : 0;
    item->ends_on.days = in->ends_on ? in->ends_on->days : 0;
    /* Left out, the kind's own holds. */
    if (kind && item->keep_years == 0)
        item->keep_years = kind->keep_years;
    if (kind && item->secrecy == SECRECY_PUBLIC)
        item->secrecy = kind->secrecy;
    if (in->sha256.len != sizeof item->sha256)
        return err_at(&c->err, ERR_INVALID, "$.sha256", ITEM_DIGEST, "a SHA-256 has 32 bytes");
    memcpy(item->sha256, in->sha256.data, sizeof item->sha256);
    static const uint8_t nothing[SHA256_BYTES] = { 0 };
    if (bytes_equal(item->sha256, nothing, sizeof nothing))
        return err_at(&c->err, ERR_INVALID, "$.sha256", ITEM_DIGEST, "zeros are no digest");
    return ERR_OK;
}

err_t
item_to_wire(struct call *c, const struct item *item, Audit__ArchiveItem **out)
{
    Audit__ArchiveItem *wire = arena_alloc(c->arena, sizeof *wire);

    if (!wire)
        return no_memory(c);
    audit__archive_item__init(wire);
    wire->kind = (Audit__ArchiveItem__Kind) item->kind;
    wire->year = (uint32_t) item->year;
    wire->number = (uint32_t) item->number;
    wire->keep_years = (uint32_t) item->keep_years;
    wire->secrecy = (Audit__ArchiveItem__Secrecy) item->secrecy;
    wire->seq = item->seq;
    wire->filed_at = instant_to_wire(c, item->filed_at);
    if (!wire->filed_at)
        return c->err.code;
    TRY(put_id(c, item->id, &wire->item_id));
    TRY(put_id(c, item->programme, &wire->programme_id));
    TRY(put_id(c, item->village, &wire->village_id));
    TRY(put_id(c, item->subject, &wire->subject_id));
    TRY(put_id(c, item->upload, &wire->upload_id));
    TRY(put_id(c, item->filed_by, &wire->filed_by));
    TRY(put_text(c, item->archive_number, &wire->archive_number));
    TRY(put_text(c, item->title, &wire->title));
    TRY(put_text(c, item->source, &wire->source));
    TRY(put_text(c, item->paper_location, &wire->paper_location));
    TRY(put_date(c, item->dated, &wire->dated));
    TRY(put_date(c, item->ends_on, &wire->ends_on));
    TRY(put_date(c, item->keep_until, &wire->keep_until));
    *out = wire;
    return put_bytes(c, item->sha256, sizeof item->sha256, &wire->sha256);
}

err_t
items_to_wire(struct call *c, const struct item *items, size_t count, Audit__ArchiveItem ***out)
{
    *out = arena_alloc(c->arena, (count + 1) * sizeof(void *));
    if (!*out)
        return no_memory(c);
    for (size_t i = 0; i < count; i++)
        TRY(item_to_wire(c, &items[i], &(*out)[i]));
    return ERR_OK;
}

/* --- completeness --- */

static err_t
village_to_wire(struct call *c, const struct village_has *has,
                Audit__GetCompletenessReply__Village **out)
{
    Audit__GetCompletenessReply__Village *wire = arena_alloc(c->arena, sizeof *wire);

    if (!wire)
        return no_memory(c);
    audit__get_completeness_reply__village__init(wire);
    wire->gaps = arena_alloc(c->arena, ITEM_KIND_COUNT * sizeof *wire->gaps);
    if (!wire->gaps)
        return no_memory(c);
    TRY(put_id(c, has->id, &wire->village_id));
    TRY(put_text(c, has->name, &wire->name));
    wire->takes_part = has->takes_part;
    for (int kind = 1; kind < ITEM_KIND_COUNT; kind++) {
        if (has->kinds & UINT32_C(1) << kind)
            wire->present++;
        else
            wire->gaps[wire->n_gaps++] = (Audit__ArchiveItem__Kind) kind;
    }
    *out = wire;
    return ERR_OK;
}

err_t
completeness_to_wire(struct call *c, const struct programme *programme,
                     const struct village_has *villages, size_t count,
                     Audit__GetCompletenessReply *out)
{
    size_t taking_part = 0, whole = 0;

    TRY(put_id(c, programme->id, &out->programme_id));
    TRY(put_text(c, programme->name, &out->name));
    out->year = (uint32_t) programme->year;
    out->villages = arena_alloc(c->arena, (count + 1) * sizeof(void *));
    if (!out->villages)
        return no_memory(c);
    for (size_t i = 0; i < count; i++) {
        TRY(village_to_wire(c, &villages[i], &out->villages[i]));
        taking_part += villages[i].takes_part;
        whole += villages[i].takes_part && out->villages[i]->n_gaps == 0;
    }
    out->n_villages = count;
    out->complete = taking_part > 0 && whole == taking_part;
    return ERR_OK;
}

/* --- checks --- */

static err_t
findings_to_wire(struct call *c, const char *findings, Audit__CatalogueCheck *wire)
{
    wire->findings = arena_alloc(c->arena, (CATALOGUE_FINDINGS_MAX + 1) * sizeof *wire->findings);
    if (!wire->findings)
        return no_memory(c);
    while (*findings && wire->n_findings < CATALOGUE_FINDINGS_MAX) {
        const size_t size = strcspn(findings, "\n");
        char *line = arena_alloc(c->arena, size + 1);
        if (!line)
            return no_memory(c);
        memcpy(line, findings, size);
        wire->findings[wire->n_findings++] = line;
        findings += size + (findings[size] == '\n');
    }
    return ERR_OK;
}

static err_t
check_to_wire(struct call *c, const struct catalogue_check *check, Audit__CatalogueCheck **out)
{
    Audit__CatalogueCheck *wire = arena_alloc(c->arena, sizeof *wire);

    if (!wire)
        return no_memory(c);
    audit__catalogue_check__init(wire);
    TRY(put_text(c, check->month, &wire->month));
    wire->checked_at = instant_to_wire(c, check->at);
    if (!wire->checked_at)
        return c->err.code;
    wire->items = (uint32_t) check->items;
    wire->faults = (uint32_t) check->faults;
    wire->sound = check->faults == 0;
    *out = wire;
    TRY(findings_to_wire(c, check->findings, wire));
    return put_bytes(c, check->sha256, sizeof check->sha256, &wire->catalogue_sha256);
}

err_t
checks_to_wire(struct call *c, const struct catalogue_check *checks, size_t count,
               Audit__CatalogueCheck ***out)
{
    *out = arena_alloc(c->arena, (count + 1) * sizeof(void *));
    if (!*out)
        return no_memory(c);
    for (size_t i = 0; i < count; i++)
        TRY(check_to_wire(c, &checks[i], &(*out)[i]));
    return ERR_OK;
}

/* --- events: no title, which people write --- */

err_t
emit_item_filed(struct call *c, const struct item *item)
{
    Audit__ArchiveItemFiled event = AUDIT__ARCHIVE_ITEM_FILED__INIT;

    TRY(put_id(c, item->id, &event.item_id));
    TRY(put_text(c, item->archive_number, &event.archive_number));
    event.kind = (Audit__ArchiveItem__Kind) item->kind;
    TRY(put_id(c, item->programme, &event.programme_id));
    TRY(put_id(c, item->village, &event.village_id));
    TRY(put_bytes(c, item->sha256, sizeof item->sha256, &event.sha256));
    if (item->seq < 0)
        TRY(put_id(c, item->filed_by, &event.by));
    return event_append(c, &event.base);
}

err_t
emit_catalogue_checked(struct call *c, const struct catalogue_check *check)
{
    Audit__CatalogueChecked event = AUDIT__CATALOGUE_CHECKED__INIT;

    TRY(put_text(c, check->month, &event.month));
    event.items = (uint32_t) check->items;
    event.faults = (uint32_t) check->faults;
    TRY(put_bytes(c, check->sha256, sizeof check->sha256, &event.catalogue_sha256));
    return event_append(c, &event.base);
}
