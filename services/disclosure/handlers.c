/* handlers.c - pages: prepared, approved, taken down.  handlers_public.c shows them to everybody,
 * handlers_report.c has the annual report, handlers_complaint.c notices and complaints. */
#include "handlers.h"

#include <string.h>

#include "pages.h"
#include "prepare.h"
#include "rules.h"
#include "store.h"
#include "wire.h"

/* Officers of a village prepare its pages alone; a page of the whole township needs its scope. */
static err_t
scope_check(struct call *c, const struct publication *p)
{
    if (call_covers(c, p->village))
        return ERR_OK;
    return err_at(&c->err, ERR_FORBIDDEN, "$.villageId", PUBLICATION_VILLAGE,
                  "outside the caller's scope");
}

err_t
disclosure_prepare_publication(struct call *c, const Disclosure__PreparePublicationRequest *in,
                               Disclosure__PreparePublicationReply *out)
{
    struct publication p = { .kind = (enum kind) in->kind, .period = in->period };

    TRY(id_from_wire(in->publication_id, "$.publicationId", &p.id, &c->err));
    TRY(id_from_wire(in->programme_id, "$.programmeId", &p.programme, &c->err));
    TRY(optional_id_in(in->village_id, "$.villageId", &p.village, &c->err));
    if ((int) in->kind <= 0 || (int) in->kind >= KIND_COUNT)
        return err_at(&c->err, ERR_INVALID, "$.kind", PUBLICATION_KIND, "no such kind");
    if (strlen(in->period) > 7)
        return err_at(&c->err, ERR_INVALID, "$.period", PUBLICATION_PERIOD, "no period");
    TRY(scope_check(c, &p));
    p.prepared_by = c->account;
    TRY(publication_prepare(c, &p));
    return publication_to_wire(c, &p, &out->publication);
}

err_t
disclosure_get_publication(struct call *c, const Disclosure__GetPublicationRequest *in,
                           Disclosure__GetPublicationReply *out)
{
    struct publication p;
    const char **lines;
    struct id id;
    size_t count;

    TRY(id_from_wire(in->publication_id, "$.publicationId", &id, &c->err));
    TRY(publication_get(c, id, &p));
    TRY(publication_lines(c, id, &lines, &count));
    TRY(publication_to_wire(c, &p, &out->publication));
    out->columns = arena_alloc(c->arena, (SHEET_COLUMNS_MAX + 1) * sizeof *out->columns);
    out->lines = arena_alloc(c->arena, (count + 1) * sizeof(void *));
    if (!out->columns || !out->lines)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the page is too long");
    for (; out->n_columns <= SHEET_COLUMNS_MAX; out->n_columns++) {
        const char *column = cell_of(c, p.columns, out->n_columns);
        if (!column[0])
            break;
        out->columns[out->n_columns] = (char *) column;
    }
    for (; out->n_lines < count; out->n_lines++)
        TRY(line_to_wire(c, lines[out->n_lines], &out->lines[out->n_lines]));
    return ERR_OK;
}

err_t
disclosure_get_publication_page(struct call *c, const Disclosure__GetPublicationPageRequest *in,
                                Disclosure__GetPublicationPageReply *out)
{
    enum publication_state state;
    struct id id;

    TRY(id_from_wire(in->publication_id, "$.publicationId", &id, &c->err));
    TRY(publication_page(c, id, &out->body, &state));
    out->content_type = (char *) "text/html; charset=utf-8";
    out->file_name = (char *) "";
    return ERR_OK;
}

err_t
disclosure_list_publications(struct call *c, const Disclosure__ListPublicationsRequest *in,
                             Disclosure__ListPublicationsReply *out)
{
    struct publication_filter filter = { .kind = (int) in->kind };
    struct publication *list;
    size_t count;

    TRY(list_in(in->page_size, in->page_token, &filter.limit, &filter.before, &c->err));
    TRY(optional_id_in(in->programme_id, "$.programmeId", &filter.programme, &c->err));
    if ((int) in->kind < 0 || (int) in->kind >= KIND_COUNT)
        return err_at(&c->err, ERR_INVALID, "$.kind", PUBLICATION_KIND, "no such kind");
    if ((int) in->state < 0 || (int) in->state > PUBLICATION_TAKEN_DOWN)
        return err_at(&c->err, ERR_INVALID, "$.state", PUBLICATION_KIND, "no such state");
    filter.state = (enum publication_state) in->state;
    TRY(publication_list(c, &filter, &list, &count));
    out->publications = arena_alloc(c->arena, (count + 1) * sizeof(void *));
    if (!out->publications)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the list is too long");
    for (; out->n_publications < count; out->n_publications++)
        TRY(publication_to_wire(c, &list[out->n_publications],
                                &out->publications[out->n_publications]));
    return token_out(c, count ? list[count - 1].id : (struct id){ { 0 } },
                     count == (size_t) filter.limit, &out->next_page_token);
}

err_t
disclosure_approve_publication(struct call *c, const Disclosure__ApprovePublicationRequest *in,
                               Disclosure__ApprovePublicationReply *out)
{
    const Contributions__Programme *programme;
    struct publication p;
    struct id id;

    TRY(id_from_wire(in->publication_id, "$.publicationId", &id, &c->err));
    TRY(publication_lock(c, id, &p));
    TRY(scope_check(c, &p));
    TRY(publication_move(&p, ON_PUBLISH, &c->err));
    TRY(rule_by_another(p.prepared_by, c->account, PUBLICATION_OWN, &c->err));
    TRY(programme_get(c, p.programme, &programme));
    p.approved_by = c->account;
    p.published_at = c->now;
    if (kind_is_taken_down(p.kind)) {
        const uint32_t days = programme->publish_days;
        p.take_down_on = date_of(c->now);
        p.take_down_on.days += days > 0 && days < 3660 ? (int32_t) days : PUBLISH_DAYS_DEFAULT;
    }
    TRY(publication_publish(c, &p));
    TRY(emit_page_published(c, &p));
    return publication_to_wire(c, &p, &out->publication);
}

err_t
disclosure_take_down_publication(struct call *c, const Disclosure__TakeDownPublicationRequest *in,
                                 Disclosure__TakeDownPublicationReply *out)
{
    struct publication p;
    struct id id;

    TRY(id_from_wire(in->publication_id, "$.publicationId", &id, &c->err));
    TRY(rule_text(in->reason, 1, NOTE_CHARS_MAX, "$.reason", &c->err));
    TRY(publication_lock(c, id, &p));
    TRY(scope_check(c, &p));
    TRY(publication_move(&p, ON_TAKE_DOWN, &c->err));
    p.reason = in->reason;
    p.taken_down_at = c->now;
    TRY(publication_take_down(c, id, in->reason));
    TRY(emit_page_taken_down(c, &p, in->reason));
    return publication_to_wire(c, &p, &out->publication);
}
