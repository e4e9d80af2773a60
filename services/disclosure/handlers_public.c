/* handlers_public.c - the village's notice board on the web: pages for everybody. */
#include <string.h>

#include "handlers.h"
#include "pages.h"
#include "prepare.h"
#include "rules.h"
#include "store.h"
#include "wire.h"

#define HTML(out)                                                                                  \
    do {                                                                                           \
        (out)->content_type = (char *) "text/html; charset=utf-8";                                 \
        (out)->file_name = (char *) "";                                                            \
    } while (0)

err_t
disclosure_show_index(struct call *c, const Disclosure__ShowIndexRequest *in,
                      Disclosure__ShowIndexReply *out)
{
    struct publication *list;
    struct profile profile;
    size_t count;

    (void) in;
    TRY(profile_get(c, &profile));
    TRY(publication_index(c, &list, &count));
    HTML(out);
    return page_of_index(c, &profile, list, count, &out->body);
}

/* Only what is up now; a draft, a replaced and a taken-down page are nobody's. */
static err_t
must_be_up(struct call *c, enum publication_state state)
{
    if (state != PUBLICATION_PUBLISHED)
        return err_set(&c->err, ERR_NOT_FOUND, PAGE_NONE, "the page is not up");
    return ERR_OK;
}

err_t
disclosure_show_publication(struct call *c, const Disclosure__ShowPublicationRequest *in,
                            Disclosure__ShowPublicationReply *out)
{
    enum publication_state state;
    struct id id;

    TRY(id_from_wire(in->publication_id, "$.publicationId", &id, &c->err));
    TRY(publication_page(c, id, &out->body, &state));
    TRY(must_be_up(c, state));
    HTML(out);
    return ERR_OK;
}

err_t
disclosure_show_subsidy_table(struct call *c, const Disclosure__ShowSubsidyTableRequest *in,
                              Disclosure__ShowSubsidyTableReply *out)
{
    const Contributions__Programme *programme;
    struct table_view view = { .search = in->drg, .programme_name = "" };
    struct profile profile;
    struct table_row *rows;
    struct id id;

    TRY(rule_text(in->drg, 0, 40, "$.drg", &c->err));
    TRY(optional_id_in(in->programme_id, "$.programmeId", &id, &c->err));
    TRY(profile_get(c, &profile));
    if (id_is_nil(id))
        TRY(table_newest(c, &id));
    if (id_is_nil(id))
        return err_set(&c->err, ERR_NOT_FOUND, PAGE_NONE, "no table is frozen yet");
    TRY(programme_get(c, id, &programme));
    view.programme_name = programme->name;
    TRY(table_rows(c, id, in->drg, &rows, &view.count));
    view.rows = rows;
    HTML(out);
    return page_of_table(c, &profile, &view, &out->body);
}

err_t
disclosure_prove_line(struct call *c, const Disclosure__ProveLineRequest *in,
                      Disclosure__ProveLineReply *out)
{
    struct merkle_proof proof;
    struct publication p;
    const char **lines;
    struct id id;
    size_t count;

    TRY(id_from_wire(in->publication_id, "$.publicationId", &id, &c->err));
    TRY(publication_get(c, id, &p));
    TRY(must_be_up(c, p.state));
    TRY(publication_lines(c, id, &lines, &count));
    if (in->line < 1 || in->line > count)
        return err_at(&c->err, ERR_NOT_FOUND, "$.line", LINE_NONE, "the page has %zu lines", count);
    TRY(lines_proof(c, lines, count, in->line - 1, &proof));
    TRY(line_to_wire(c, lines[in->line - 1], &out->line));
    out->leaf_index = in->line - 1;
    out->tree_size = (uint32_t) count;
    out->path = arena_alloc(c->arena, (proof.count + 1) * sizeof *out->path);
    if (!out->path)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the proof is too long");
    for (; out->n_path < proof.count; out->n_path++)
        TRY(bytes_to_wire(c, proof.hashes[out->n_path].bytes, MERKLE_HASH_BYTES,
                          &out->path[out->n_path]));
    TRY(bytes_to_wire(c, p.root, sizeof p.root, &out->root));
    return bytes_to_wire(c, p.page_sha256, sizeof p.page_sha256, &out->page_sha256);
}

err_t
disclosure_show_complaints(struct call *c, const Disclosure__ShowComplaintsRequest *in,
                           Disclosure__ShowComplaintsReply *out)
{
    struct profile profile;

    (void) in;
    TRY(profile_get(c, &profile));
    HTML(out);
    return page_of_complaints(c, &profile, &out->body);
}
