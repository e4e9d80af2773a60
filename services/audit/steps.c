/* steps.c - what consumers and handlers of the archive share. */
#include "steps.h"

#include <stdio.h>

#include "rules.h"
#include "store.h"
#include "wire.h"

/* The year of its programme: what is filed in January of last year's programme lies with it. */
static err_t
year_fill(struct call *c, struct item *item)
{
    struct programme programme;
    bool found = false;
    int month, day;

    date_to_civil(item->dated, &item->year, &month, &day);
    if (id_is_nil(item->programme))
        return ERR_OK;
    TRY(programme_find(c, item->programme, &programme, &found));
    if (found)
        item->year = programme.year;
    return ERR_OK;
}

/* The fonds is the tenant's code until an archives office gives a number; a tenant that was never
 * described is called by its id. */
static err_t
place_fill(struct call *c, struct item *item)
{
    const char *division = NULL, *name = NULL;
    char id[ID_TEXT_BYTES];
    struct fonds fonds;
    bool found = false;

    TRY(fonds_find(c, &fonds));
    id_format(c->tenant, id);
    item->fonds = fonds.code ? fonds.code : arena_printf(c->arena, "%.8s", id);
    if (!item->fonds)
        return no_memory(c);
    item->place = fonds.place;
    if (!id_is_nil(item->village))
        TRY(village_find(c, item->village, &division, &name, &found));
    if (found && division[0])
        item->place = division;
    return ERR_OK;
}

err_t
item_complete_and_file(struct call *c, struct item *item)
{
    const struct kind_row *kind = kind_row(item->kind);

    assert(kind);
    if (item->keep_years < kind->keep_years)
        item->keep_years = kind->keep_years;
    if (item->secrecy < kind->secrecy)
        item->secrecy = kind->secrecy;
    item->keep_until = rule_keep_until(item->dated, item->ends_on, item->keep_years);
    if (id_is_nil(item->id))
        item->id = id_mint(c->wall);
    item->filed_at = c->now;
    TRY(year_fill(c, item));
    TRY(place_fill(c, item));
    TRY(item_file(c, item));
    return emit_item_filed(c, item);
}
