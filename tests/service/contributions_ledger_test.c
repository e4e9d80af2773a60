/* Goal: no history of the ledger leaves books that do not balance, an account below zero, or money
 * that moved twice; and rules, database and a model of a dozen lines agree on every step.
 * Method: random sequences of setting aside, posting, voiding, interest, fees, gifts, hand-ins and
 * repeats of all of them, from printed seeds; after each step the service's trial balance is
 * compared with the model. */
#include "contributions_rig.h"

#include "contributions/rules.h"

enum { STEPS = 150, LINES_MAX = 512 };

/* What must be true, by itself. */
static struct model {
    long long bank, cash, set_aside;
    int lines, list, next; /* lines: all that were ever made */
    struct {
        int no;
        long long fen;
        enum { LINE_OPEN, LINE_POSTED, LINE_VOIDED } state;
    } line[LINES_MAX];
} model;

static uint64_t seed;

/* xorshift64*: the same history for the same seed, everywhere. */
static int
below(int n)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (int) ((seed * UINT64_C(2685821657736338717) >> 33) % (uint64_t) n);
}

static void
set_aside(void)
{
    char text[4096];
    const int count = 1 + below(4), first = model.lines;
    const long long free = model.bank - model.set_aside;
    long long total = 0;
    size_t used = 0;

    if (first + count > LINES_MAX)
        return;
    for (int i = 0; i < count; i++) {
        /* Every third list wants more than there is. */
        const long long fen = 1 + below((int) (free / count + (below(3) == 0 ? free : 0)) + 1);
        model.line[first + i].no = 1000 + first + i;
        model.line[first + i].fen = fen;
        model.line[first + i].state = LINE_OPEN;
        total += fen;
        used += (size_t) snprintf(text + used, sizeof text - used,
                                  "%s{\"lineId\":\"%s\",\"claimId\":\"%s\",\"personId\":\"%s\","
                                  "\"villageId\":\"%s\",\"amount\":{\"fen\":\"%lld\"}}",
                                  i ? "," : "", uid('l', 1000 + first + i),
                                  uid('c', 1000 + first + i), uid('p', 0), uid('v', 0), fen);
    }
    model.list++;
    for (int twice = 0; twice < 1 + (below(4) == 0); twice++)
        tell("disbursement", &disbursement__list_approved__descriptor,
             "{\"listId\":\"%s\",\"programmeId\":\"%s\",\"total\":{\"fen\":\"%lld\"},\"lines\":[%s]"
             "}",
             uid('k', model.list), uid('g', 1), total, text);
    if (total > free)
        return; /* refused whole: its lines never were */
    model.lines += count;
    model.set_aside += total;
}

static void
settle(bool confirm)
{
    if (model.lines == 0)
        return;
    const int i = below(model.lines); /* settled ones, too: nothing may happen again */
    if (confirm)
        tell("disbursement", &disbursement__payout_confirmed__descriptor,
             "{\"lineId\":\"%s\",\"programmeId\":\"%s\",\"amount\":{\"fen\":\"%lld\"},\"paidOn\":"
             "\"2024-09-05\"}",
             uid('l', model.line[i].no), uid('g', 1), model.line[i].fen);
    else
        tell("disbursement", &disbursement__payout_voided__descriptor,
             "{\"lineId\":\"%s\",\"programmeId\":\"%s\",\"amount\":{\"fen\":\"%lld\"}}",
             uid('l', model.line[i].no), uid('g', 1), model.line[i].fen);
    if (model.line[i].state != LINE_OPEN)
        return;
    model.line[i].state = confirm ? LINE_POSTED : LINE_VOIDED;
    model.set_aside -= model.line[i].fen;
    model.bank -= confirm ? model.line[i].fen : 0;
}

static void
money_in(void)
{
    const long long fen = 1 + below(100000);
    const bool gift = below(2);
    const int id = ++model.next;

    if (gift)
        EXPECT_OK(ask(&rig.officer, "RecordFunds",
                      "{\"programmeId\":\"%s\",\"funds\":{\"fundsId\":\"%s\",\"kind\":\"CHARITY\","
                      "\"giver\":\"慈善总会\",\"amount\":{\"fen\":\"%lld\"},\"on\":\"2024-08-01\","
                      "\"uploadId\":\"%s\"}}",
                      uid('g', 1), uid('f', id), fen, uid('u', 1)));
    else
        EXPECT_OK(ask(&rig.officer, "RecordInterest",
                      "{\"programmeId\":\"%s\",\"transferId\":\"%s\",\"amount\":{\"fen\":\"%lld\"},"
                      "\"on\":\"2024-08-01\"}",
                      uid('g', 1), uid('t', id), fen));
    model.bank += fen;
}

static void
fee(void)
{
    const long long fen = 1 + below(50000), free = model.bank - model.set_aside;
    const struct answer answer =
        ask(&rig.officer, "RecordBankFee",
            "{\"programmeId\":\"%s\",\"transferId\":\"%s\",\"amount\":{\"fen\":\"%lld\"},"
            "\"on\":\"2024-08-01\",\"use\":\"BANK_FEE\"}",
            uid('g', 1), uid('t', ++model.next), fen);

    if (fen > free)
        EXPECT(answer, REFUSED, FUNDS_SHORT);
    else
        EXPECT_OK(answer);
    model.bank -= fen > free ? 0 : fen;
}

static void
compare(int step, uint64_t first)
{
    const json_t *body =
        EXPECT_OK(ask(&rig.auditor, "GetTrialBalance", "{\"programmeId\":\"%s\"}", uid('g', 1)));
    const long long balance = fen_at(body, "trialBalance.balance"),
                    available = fen_at(body, "trialBalance.available");

    if (fen_at(body, "trialBalance.difference") != 0 || balance != model.bank + model.cash ||
        available != model.bank - model.set_aside || available < 0)
        fail_msg("seed %llu step %d: balance %lld, available %lld; the model has %lld and %lld",
                 (unsigned long long) first, step, balance, available, model.bank + model.cash,
                 model.bank - model.set_aside);
}

static void
history(uint64_t first)
{
    seed = first;
    model = (struct model){ .next = (int) (first % 1000) * 1000 };
    model.bank = 200LL * 12000;
    for (int step = 0; step < STEPS; step++) {
        switch (below(6)) {
        case 0:
        case 1:
            set_aside();
            break;
        case 2:
            settle(true);
            break;
        case 3:
            settle(false);
            break;
        case 4:
            money_in();
            break;
        default:
            fee();
            break;
        }
        compare(step, first);
    }
    assert_int_equal(sql("SELECT count(*) FROM contributions.parked"), 0);
    assert_int_equal(cluster_broken_invariants(rig.cluster), 0);
}

static int
in_force(void **state)
{
    if (rig_clean(state) != 0)
        return -1;
    open_programme(1, "yishan_2024", "");
    for (int v = 0; v < 2; v++) {
        open_book(&rig.officer, 1, 1 + v, v);
        EXPECT_OK(enrol_bulk(&rig.officer, 1, v * 100, 100, 4));
        EXPECT_OK(pay_cash(&rig.officer, 1 + v, v * 100, 100, 12000));
        EXPECT_OK(hand_in(&rig.officer, 1 + v, 1 + v, 1200000));
    }
    now_is("2024-08-01T00:00:00+08:00");
    EXPECT_OK(ask(&rig.officer, "CloseWindow", "{\"programmeId\":\"%s\"}", uid('g', 1)));
    return 0;
}

static void
req_6_1_3_random_histories_keep_the_books_balanced(void **state)
{
    (void) state;
    history(20240801);
}

static void
req_6_1_3_another_history_keeps_the_books_balanced(void **state)
{
    (void) state;
    history(74565);
}

static void
the_database_and_the_rules_allow_the_same_pairs(void **state)
{
    static const char *const whys[] = { "payment.personal", "void",       "hand_in", "grant",
                                        "interest",         "carry_over", "payout",  "service_fee",
                                        "bank_fee",         "audit_cost", "refund",  "loan" };
    static const char *accounts[64];
    size_t count = 0;
    long long allowed = 0;

    (void) state;
#define ACCOUNT(code, grows, chinese) accounts[count++] = code;
#include "contributions/accounts.def"
#undef ACCOUNT
    for (int kind = 1; kind <= SOURCE(TWINNED_HELP); kind++)
        accounts[count++] = income_account(kind);
    for (size_t w = 0; w < COUNT(whys); w++)
        for (size_t d = 0; d < count; d++)
            for (size_t k = 0; k < count; k++) {
                if (!rule_pair_is_allowed(whys[w], accounts[d], accounts[k]))
                    continue;
                allowed++;
                if (sql("SELECT count(*) FROM contributions.allowed_pair WHERE why = '%s' AND "
                        "debit "
                        "= '%s' AND credit = '%s'",
                        whys[w], accounts[d], accounts[k]) != 1)
                    fail_msg("%s: %s to %s", whys[w], accounts[d], accounts[k]);
            }
    assert_int_equal(sql("SELECT count(*) FROM contributions.allowed_pair"), allowed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(req_6_1_3_random_histories_keep_the_books_balanced, in_force),
        cmocka_unit_test_setup(req_6_1_3_another_history_keeps_the_books_balanced, in_force),
        cmocka_unit_test_setup(the_database_and_the_rules_allow_the_same_pairs, rig_clean),
    };

    return cmocka_run_group_tests(tests, rig_open, rig_close);
}
