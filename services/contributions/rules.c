/* rules.c - shapes, the life of a programme, the chart of accounts.  Pure: no clock, no database,
 * no allocation, no log. */
#include "rules.h"

#include <string.h>

#include "check/text.h"

int64_t
fen_of(const Huzhu__Money *in)
{
    return in ? in->fen : 0;
}

date_t
day_of(const Huzhu__Date *in)
{
    return (date_t){ in ? in->days : 0 };
}

instant_t
at_of(const Huzhu__Instant *in)
{
    return (instant_t){ in ? in->us : 0 };
}

struct id
id_of(const Huzhu__Id *in)
{
    struct id id = { { 0 } };

    if (in && in->value.len == sizeof id.bytes)
        memcpy(id.bytes, in->value.data, sizeof id.bytes);
    return id;
}

err_t
rule_amount(const Huzhu__Money *in, const char *path, money_t *amount, struct err *err)
{
    if (!in)
        return err_at(err, ERR_INVALID, path, MONEY_AMOUNT, "an amount is missing");
    if (in->fen <= 0 || in->fen > MONEY_FEN_MAX)
        return err_at(err, ERR_INVALID, path, MONEY_AMOUNT,
                      "the amount of %lld fen is not between 1 fen and a trillion yuan",
                      (long long) in->fen);
    *amount = (money_t){ in->fen };
    return ERR_OK;
}

err_t
rule_text(const char *text, size_t most, const char *path, const char *reason, struct err *err)
{
    const size_t characters = text_characters(text);

    if (text_has_control(text))
        return err_at(err, ERR_INVALID, path, reason, "the text holds a control character");
    if (characters < 1 || characters > most)
        return err_at(err, ERR_INVALID, path, reason, "the text has 1 to %zu characters, not %zu",
                      most, characters);
    return ERR_OK;
}

err_t
rule_day(const Huzhu__Date *in, const char *path, date_t *day, struct err *err)
{
    if (!in || in->days < date_from_civil(2000, 1, 1).days ||
        in->days > date_from_civil(2100, 12, 31).days)
        return err_at(err, ERR_INVALID, path, DATE_BOUNDS,
                      "a day between 2000-01-01 and 2100-12-31 is needed");
    *day = (date_t){ in->days };
    return ERR_OK;
}

/* --- the life of a programme --- */

static const struct move {
    Contributions__Programme__State from;
    enum programme_event on;
    Contributions__Programme__State to;
} moves[] = {
#define MOVE(from, on, to, why) { PROGRAMME(from), ON_##on, PROGRAMME(to) },
#include "moves.def"
#undef MOVE
};

err_t
programme_move(programme_t *p, enum programme_event on, struct err *err)
{
    for (size_t i = 0; i < COUNT(moves); i++) {
        if (moves[i].from == p->state && moves[i].on == on) {
            p->state = moves[i].to;
            return ERR_OK;
        }
    }
    return err_set(err, ERR_CONFLICT, PROGRAMME_MOVED_ON,
                   "a programme that is %s does not allow it", state_name(p->state));
}

const char *
state_name(Contributions__Programme__State state)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
        &contributions__programme__state__descriptor, (int) state);

    return value ? value->name : "";
}

/* --- sources and accounts --- */

static const struct origin {
    const char *code, *chinese, *income;
    int kind;
    bool given;
} origins[] = {
#define ORIGIN(kind, code, chinese, given) { code, chinese, "income." code, SOURCE(kind), given },
#include "sources.def"
#undef ORIGIN
};

static const struct origin *
origin_of(int kind)
{
    for (size_t i = 0; i < COUNT(origins); i++)
        if (origins[i].kind == kind)
            return &origins[i];
    return NULL;
}

const char *
source_code(int kind)
{
    const struct origin *origin = origin_of(kind);

    return origin ? origin->code : NULL;
}

bool
source_is_given(int kind)
{
    const struct origin *origin = origin_of(kind);

    return origin && origin->given;
}

const char *
income_account(int kind)
{
    const struct origin *origin = origin_of(kind);

    return origin ? origin->income : NULL;
}

const char *
account_name(const char *code)
{
    static const struct {
        const char *code, *chinese;
    } accounts[] = {
#define ACCOUNT(code, grows, chinese) { code, chinese },
#include "accounts.def"
#undef ACCOUNT
    };

    for (size_t i = 0; i < COUNT(accounts); i++)
        if (strcmp(accounts[i].code, code) == 0)
            return accounts[i].chinese;
    for (size_t i = 0; i < COUNT(origins); i++)
        if (strcmp(origins[i].income, code) == 0)
            return origins[i].chinese;
    return NULL;
}

enum whose { WHOSE_NONE, WHOSE_GIVEN, WHOSE_ANY };

static bool
side_matches(const char *pattern, enum whose whose, const char *code)
{
    if (strcmp(pattern, "income.*") != 0)
        return strcmp(pattern, code) == 0;
    for (size_t i = 0; i < COUNT(origins); i++)
        if (strcmp(origins[i].income, code) == 0)
            return whose == WHOSE_ANY || origins[i].given;
    return false;
}

bool
rule_pair_is_allowed(const char *why, const char *debit, const char *credit)
{
    static const struct {
        const char *why, *debit, *credit;
        enum whose whose;
    } pairs[] = {
#define PAIR(why, debit, credit, whose) { why, debit, credit, WHOSE_##whose },
#include "pairs.def"
#undef PAIR
    };

    for (size_t i = 0; i < COUNT(pairs); i++)
        if (strcmp(pairs[i].why, why) == 0 && side_matches(pairs[i].debit, pairs[i].whose, debit) &&
            side_matches(pairs[i].credit, pairs[i].whose, credit))
            return true;
    return false;
}
