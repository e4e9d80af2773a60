/* money.h - fen in a struct of its own, so that it cannot be added to anything but money. */
#ifndef HUZHU_MONEY_H
#define HUZHU_MONEY_H

#include "base/base.h"

typedef struct {
    int64_t fen;
} money_t;
typedef struct {
    int32_t ppm;
} rate_t; /* 1 000 000 ppm = 100 % */

/* A trillion yuan: far above any pool, and nine hundred times below int64, so sums of two are safe.
 */
#define MONEY_FEN_MAX INT64_C(100000000000000)
#define MONEY_MAX ((money_t){ MONEY_FEN_MAX })
#define MONEY_TEXT_BYTES 24

static inline money_t
yuan(int64_t n)
{
    return (money_t){ n * 100 };
}

static inline int
money_cmp(money_t a, money_t b)
{
    return (a.fen > b.fen) - (a.fen < b.fen);
}

static inline money_t
money_min(money_t a, money_t b)
{
    return money_cmp(a, b) <= 0 ? a : b;
}

static inline bool
money_is_valid(money_t a)
{
    return a.fen >= -MONEY_FEN_MAX && a.fen <= MONEY_FEN_MAX;
}

/* Both amounts are within ±MONEY_MAX, so the sum cannot overflow; a result outside is a defect. */
static inline money_t
money_add(money_t a, money_t b)
{
    const money_t sum = { a.fen + b.fen };

    assert(money_is_valid(sum));
    return sum;
}

static inline money_t
money_sub(money_t a, money_t b)
{
    return money_add(a, (money_t){ -b.fen });
}

/* The fund never pays out a part of a fen: the share is rounded towards zero. */
static inline money_t
money_share_floor(money_t amount, rate_t rate)
{
    assert(rate.ppm >= 0 && rate.ppm <= 1000000);
    return (money_t){ (int64_t) ((__int128) amount.fen * rate.ppm / 1000000) };
}

/* Splits a sum in the proportion of the weights (largest remainder, earlier part first on a tie),
 * so that the parts add up to it exactly.  amount >= 0; weights >= 0 and not all zero; count >= 1.
 */
void money_split(money_t amount, const int64_t *weights, size_t count, money_t *parts);

/* "-1234.50": yuan with exactly two decimals.  Parse takes an optional sign, digits, and at most
 * two decimals; false when it is anything else or above MONEY_MAX. */
void money_format(money_t amount, char text[static MONEY_TEXT_BYTES]);
bool money_parse(const char *text, money_t *amount) MUST_CHECK;

#endif
