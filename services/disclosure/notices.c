/* notices.c - see notices.h. */
#include "notices.h"

#include <string.h>

#include "disclosure.pb-c.h"
#include "store.h"
#include "wire.h"

static const struct {
    const char *kind, *title, *text;
} notices[] = {
#define NOTICE(kind, title, text) { kind, title, text },
#include "notices.def"
#undef NOTICE
};

err_t
notice_give(struct call *c, const char *kind, struct id person, struct id claim, const char *detail)
{
    const struct notice notice = { .id = id_mint(c->now),
                                   .claim = claim,
                                   .person = person,
                                   .kind = kind,
                                   .detail = detail,
                                   .at = c->now };

    if (id_is_nil(person))
        return ERR_OK;
    TRY(notice_put(c, &notice));
    return emit_notice(c, &notice);
}

err_t
notice_give_amount(struct call *c, const char *kind, struct id person, struct id claim,
                   money_t amount)
{
    char text[MONEY_TEXT_BYTES];

    money_format(amount, text);
    return notice_give(c, kind, person, claim, text);
}

bool
notice_words(struct call *c, const struct notice *notice, const char **title, const char **text)
{
    for (size_t i = 0; i < COUNT(notices); i++) {
        const char *words = notices[i].text, *at = strstr(words, "%s");
        if (strcmp(notices[i].kind, notice->kind) != 0)
            continue;
        *title = notices[i].title;
        *text = at ? arena_printf(c->arena, "%.*s%s%s", (int) (at - words), words, notice->detail,
                                  at + 2)
                   : words;
        return *text != NULL;
    }
    return false;
}
