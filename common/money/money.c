/* money.c - splitting without losing a fen, and yuan as text. */
#include "money/money.h"

#include <ctype.h>
#include <stdio.h>

/* Whether part i, with the larger remainder, comes before part j when the left-over fen are given
 * out. */
static bool
comes_first(const __int128 *remainders, size_t i, size_t j)
{
    return remainders[i] > remainders[j] || (remainders[i] == remainders[j] && i < j);
}

/* Gives one fen each to the `left` parts of the largest remainders.  Quadratic in the worst case;
 * the splits of a fund have tens of parts. */
static void
give_out(int64_t left, const __int128 *remainders, size_t count, money_t *parts)
{
    for (size_t i = 0; i < count; i++) {
        int64_t before = 0;
        for (size_t j = 0; j < count && before < left; j++)
            before += j != i && comes_first(remainders, j, i);
        if (before < left)
            parts[i].fen++;
    }
}

void
money_split(money_t amount, const int64_t *weights, size_t count, money_t *parts)
{
    enum { PARTS_MAX = 4096 }; /* 64 KiB of stack; a fund has at most a few hundred villages */
    __int128 remainders[PARTS_MAX];
    __int128 sum = 0;
    int64_t left = amount.fen;

    assert(amount.fen >= 0 && count >= 1 && count <= PARTS_MAX);
    for (size_t i = 0; i < count; i++) {
        assert(weights[i] >= 0);
        sum += weights[i];
    }
    assert(sum > 0);
    for (size_t i = 0; i < count; i++) {
        const __int128 exact = (__int128) amount.fen * weights[i];
        parts[i].fen = (int64_t) (exact / sum);
        remainders[i] = exact % sum;
        left -= parts[i].fen;
    }
    give_out(left, remainders, count, parts);
}

void
money_format(money_t amount, char text[static MONEY_TEXT_BYTES])
{
    const int64_t fen = amount.fen < 0 ? -amount.fen : amount.fen;

    (void) snprintf(text, MONEY_TEXT_BYTES, "%s%lld.%02d", amount.fen < 0 ? "-" : "",
                    (long long) (fen / 100), (int) (fen % 100));
}

bool
money_parse(const char *text, money_t *amount)
{
    const bool negative = *text == '-';
    int64_t fen = 0;
    int decimals = -1; /* no point yet */

    text += negative;
    if (!isdigit((unsigned char) *text))
        return false;
    for (; *text; text++) {
        if (*text == '.' && decimals < 0) {
            decimals = 0;
            continue;
        }
        if (!isdigit((unsigned char) *text) || decimals == 2 || fen > MONEY_FEN_MAX / 10)
            return false;
        fen = fen * 10 + (*text - '0');
        decimals += decimals >= 0;
    }
    if (decimals == 0)
        return false;
    for (int i = decimals < 0 ? 0 : decimals; i < 2; i++)
        fen *= 10;
    if (fen > MONEY_FEN_MAX)
        return false;
    amount->fen = negative ? -fen : fen;
    return true;
}
