/* fields.h - nouns into the fields of messages: what every wire.c does alike.  The zero of a type
 * is "none" and leaves the field absent, but for money. */
#ifndef HUZHU_FIELDS_H
#define HUZHU_FIELDS_H

#include "svc/room.h"

/* Declares `var`, an initialised message of the request's arena. */
#define MAKE(c, type, init_fn, var)                                                                \
    type *var = arena_alloc((c)->arena, sizeof *(var));                                            \
    if (!(var))                                                                                    \
        return no_memory(c);                                                                       \
    init_fn(var)

static inline err_t
put_text(struct call *c, const char *text, char **out)
{
    *out = call_text(c, text);
    return *out ? ERR_OK : c->err.code;
}

static inline err_t
put_id(struct call *c, struct id id, Huzhu__Id **out)
{
    *out = id_to_wire(c, id);
    return *out || id_is_nil(id) ? ERR_OK : c->err.code;
}

static inline err_t
put_date(struct call *c, date_t date, Huzhu__Date **out)
{
    *out = date.days == 0 ? NULL : date_to_wire(c, date);
    return *out || date.days == 0 ? ERR_OK : c->err.code;
}

static inline err_t
put_instant(struct call *c, instant_t at, Huzhu__Instant **out)
{
    *out = at.us == 0 ? NULL : instant_to_wire(c, at);
    return *out || at.us == 0 ? ERR_OK : c->err.code;
}

static inline err_t
put_money(struct call *c, money_t amount, Huzhu__Money **out)
{
    *out = money_to_wire(c, amount);
    return *out ? ERR_OK : c->err.code;
}

#endif
