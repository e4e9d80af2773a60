/* rules_price.c - from the table's amount to what is paid, step by step, each with its words. */
#include <stdio.h>

#include "rules.h"

static struct price_step *
step(struct price *price, const char *name, money_t after)
{
    struct price_step *s = &price->steps[price->step_count++];

    assert(price->step_count <= PRICE_STEPS_MAX);
    s->name = name;
    s->before = price->payable;
    s->after = after;
    price->payable = after;
    return s;
}

static money_t
not_below_zero(money_t amount)
{
    return amount.fen < 0 ? (money_t){ 0 } : amount;
}

static void
limit_claim(const struct programme *p, struct price *price)
{
    char text[MONEY_TEXT_BYTES];

    if (p->claim_most.fen < 0)
        return;
    struct price_step *s = step(price, "claim_most", money_min(price->payable, p->claim_most));
    money_format(p->claim_most, text);
    (void) snprintf(s->why, sizeof s->why, "每次住院最高补助%s元", text);
}

static void
limit_person(const struct price_input *in, struct price *price)
{
    char most[MONEY_TEXT_BYTES], sum[MONEY_TEXT_BYTES];
    const money_t limit = in->programme->person_most;

    if (limit.fen < 0)
        return;
    const money_t left = not_below_zero(money_sub(limit, in->person_sum));
    struct price_step *s = step(price, "person_most", money_min(price->payable, left));
    money_format(limit, most);
    money_format(in->person_sum, sum);
    (void) snprintf(s->why, sizeof s->why, "每人每年最高补助%s元，本年度其他住院已核定%s元", most,
                    sum);
}

/* Last, so that what the limits left too small is not paid either. */
static void
require_least(const struct programme *p, struct price *price)
{
    char text[MONEY_TEXT_BYTES];

    if (p->claim_least.fen < 0)
        return;
    const bool below = money_cmp(price->payable, p->claim_least) < 0;
    struct price_step *s = step(price, "claim_least", below ? (money_t){ 0 } : price->payable);
    money_format(p->claim_least, text);
    (void) snprintf(s->why, sizeof s->why,
                    below ? "低于每次最低补助%s元，不予补助" : "不低于每次最低补助%s元", text);
}

void
rule_price(const struct price_input *in, struct price *price)
{
    char text[MONEY_TEXT_BYTES];

    *price = (struct price){ .due = in->row->amount, .payable = in->row->amount };
    struct price_step *s = step(price, "table", in->row->amount);
    money_format(in->row->amount, text);
    (void) snprintf(s->why, sizeof s->why, "补助标准：%.40s %.200s，定额%s元", in->row->drg,
                    in->row->name, text);
    if (in->programme->own_payment_limits) {
        const money_t own = not_below_zero(in->own_payment);
        s = step(price, "own_payment", money_min(price->payable, own));
        money_format(own, text);
        (void) snprintf(s->why, sizeof s->why, "不超过基本医保报销后个人自付%s元", text);
    }
    limit_claim(in->programme, price);
    limit_person(in, price);
    require_least(in->programme, price);
}
