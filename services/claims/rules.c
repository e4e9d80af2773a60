/* rules.c - what may be done with an upload and with a claim.  Pure: no clock, no database, no
 * allocation, no log. */
#include "rules.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "check/check.h"
#include "check/utf8.h"

const char *
content_type_of(const uint8_t *bytes, size_t size)
{
    static const struct {
        const char *type, *magic;
        size_t size;
    } types[] = {
        { "image/jpeg", "\xff\xd8\xff", 3 },
        { "image/png", "\x89PNG\r\n\x1a\n", 8 },
        { "application/pdf", "%PDF-", 5 },
    };

    for (size_t i = 0; i < COUNT(types); i++)
        if (size >= types[i].size && memcmp(bytes, types[i].magic, types[i].size) == 0)
            return types[i].type;
    return NULL;
}

err_t
rule_piece_is_sound(const struct piece *piece, struct err *err)
{
    if (piece->start < 0 || piece->start > UPLOAD_BYTES_MAX)
        return err_at(err, ERR_INVALID, "$.offset", UPLOAD_PIECE, "the offset is out of bounds");
    if (piece->size > PIECE_BYTES_MAX || piece->size == 0 ||
        (piece->size < PIECE_BYTES_MIN && !piece->last))
        return err_at(err, ERR_INVALID, "$.data", UPLOAD_PIECE,
                      "a piece has %zu to %zu bytes (the last one 1 at least), not %zu",
                      PIECE_BYTES_MIN, PIECE_BYTES_MAX, piece->size);
    if (piece->start + (int64_t) piece->size > UPLOAD_BYTES_MAX)
        return err_at(err, ERR_INVALID, "$.data", UPLOAD_TOO_LARGE,
                      "a document has at most %d bytes", (int) UPLOAD_BYTES_MAX);
    return ERR_OK;
}

err_t
rule_piece_place(const struct upload *upload, const struct piece *piece, enum piece_place *place,
                 struct err *err)
{
    if (piece->start > upload->sent)
        return err_at(err, ERR_CONFLICT, "$.offset", UPLOAD_GAP,
                      "%lld bytes are there; the next piece begins at them",
                      (long long) upload->sent);
    if (piece->start == upload->sent && upload->finished)
        return err_set(err, ERR_CONFLICT, UPLOAD_FINISHED, "the upload is complete");
    *place = piece->start == upload->sent ? PIECE_NEXT : PIECE_AGAIN;
    return ERR_OK;
}

/* --- the life of a claim --- */

const char *const claim_state_names[CLAIM_STATE_COUNT] = {
    [CLAIM_DRAFT] = "DRAFT",
    [CLAIM_ACCEPTED] = "ACCEPTED",
    [CLAIM_PAPERS_REQUESTED] = "PAPERS_REQUESTED",
    [CLAIM_DECIDED] = "DECIDED",
    [CLAIM_LISTED] = "LISTED",
    [CLAIM_PAID] = "PAID",
    [CLAIM_PAYMENT_FAILED] = "PAYMENT_FAILED",
    [CLAIM_REFUSED] = "REFUSED",
    [CLAIM_WITHDRAWN] = "WITHDRAWN",
    [CLAIM_UNPAID] = "UNPAID",
    [CLAIM_SUBMITTED] = "SUBMITTED",
};

static const struct {
    enum claim_state from;
    enum claim_event on;
    enum claim_state to;
    const char *why;
} moves[] = {
#define MOVE(from, on, to, why) { CLAIM_##from, ON_##on, CLAIM_##to, why },
#include "moves.def"
#undef MOVE
};

const char *
claim_event_name(enum claim_event on)
{
    static const char *const names[] = {
        [ON_FILE] = "FILE",         [ON_SUBMIT] = "SUBMIT",   [ON_ACCEPT] = "ACCEPT",
        [ON_REFUSE] = "REFUSE",     [ON_REQUEST] = "REQUEST", [ON_COMPLETE] = "COMPLETE",
        [ON_WITHDRAW] = "WITHDRAW", [ON_EXCLUDE] = "EXCLUDE", [ON_PRICE] = "PRICE",
        [ON_RETURN] = "RETURN",     [ON_LIST] = "LIST",       [ON_PAY] = "PAY",
        [ON_FAIL] = "FAIL",         [ON_VOID] = "VOID",
    };

    return names[on];
}

err_t
claim_move(struct claim *claim, enum claim_event on, const char **why, struct err *err)
{
    for (size_t i = 0; i < COUNT(moves); i++) {
        if (moves[i].from != claim->state || moves[i].on != on)
            continue;
        claim->state = moves[i].to;
        *why = moves[i].why;
        return ERR_OK;
    }
    return err_set(err, ERR_CONFLICT, CLAIM_MOVE, "%s does not fit a claim that is %s",
                   claim_event_name(on), claim_state_names[claim->state]);
}

/* --- form --- */

bool
text_is_sound(const char *text, size_t least, size_t most)
{
    const char *end = text + strlen(text);
    size_t count = 0;

    while (text < end) {
        uint32_t code;
        if (!utf8_next(&text, end, &code) || code < 0x20 || (code >= 0x7f && code < 0xa0))
            return false;
        count++;
    }
    return count >= least && count <= most;
}

static err_t
field(struct err *err, const char *path, const char *says)
{
    return err_at(err, ERR_INVALID, path, CLAIM_FIELD, "%s", says);
}

static err_t
texts_are_sound(const struct stay *stay, struct err *err)
{
    if (!text_is_sound(stay->hospital, 1, HOSPITAL_CHARS_MAX))
        return field(err, "$.stay.hospital", "a hospital's name has 1 to 100 characters");
    for (const char *p = stay->hospital_code; *p; p++)
        if (!isalnum((unsigned char) *p))
            return field(err, "$.stay.hospitalCode", "a hospital's code has letters and digits");
    if (strlen(stay->hospital_code) > 32)
        return field(err, "$.stay.hospitalCode", "a hospital's code has at most 32 characters");
    if (stay->hospital_level[0] &&
        (stay->hospital_level[1] || !strchr("123", stay->hospital_level[0])))
        return field(err, "$.stay.hospitalLevel", "a hospital's level is 1, 2 or 3");
    if (!text_is_sound(stay->cause_text, 0, WORDS_CHARS_MAX))
        return field(err, "$.stay.causeText", "the words have at most 500 characters");
    return ERR_OK;
}

static err_t
costs_are_sound(const struct stay *stay, struct err *err)
{
    static const money_t nothing = { 0 };
    const money_t *const all[] = { &stay->total_cost, &stay->basic_paid, &stay->own_payment };
    static const char *const paths[] = { "$.stay.totalCost", "$.stay.basicPaid",
                                         "$.stay.ownPayment" };

    for (size_t i = 0; i < COUNT(all); i++)
        if (money_cmp(*all[i], nothing) < 0 || money_cmp(*all[i], yuan(100000000)) > 0)
            return err_at(err, ERR_INVALID, paths[i], CLAIM_COSTS,
                          "an amount is 0 to 100 million yuan");
    if (money_cmp(stay->total_cost, nothing) == 0)
        return err_at(err, ERR_INVALID, paths[0], CLAIM_COSTS, "the total cost is zero");
    if (money_cmp(money_add(stay->basic_paid, stay->own_payment), stay->total_cost) > 0)
        return err_at(err, ERR_INVALID, paths[2], CLAIM_COSTS,
                      "what insurance and the patient paid is more than the total");
    if (stay->insurance >= INSURED_NOT && stay->basic_paid.fen != 0)
        return err_at(err, ERR_INVALID, paths[1], CLAIM_COSTS,
                      "without basic insurance it paid nothing");
    return ERR_OK;
}

err_t
rule_stay_is_sound(const struct stay *stay, date_t today, struct err *err)
{
    if (stay->discharged.days < stay->admitted.days)
        return err_at(err, ERR_INVALID, "$.stay.discharged", CLAIM_DATES,
                      "the discharge is before the admission");
    if (stay->discharged.days > today.days)
        return err_at(err, ERR_INVALID, "$.stay.discharged", CLAIM_DATES,
                      "the discharge lies in the future");
    if (stay->admitted.days < date_from_civil(2000, 1, 1).days)
        return err_at(err, ERR_INVALID, "$.stay.admitted", CLAIM_DATES,
                      "the admission lies before 2000");
    if (stay->insurance < INSURED_RESIDENT || stay->insurance >= INSURANCE_COUNT)
        return field(err, "$.stay.insurance", "how the patient is insured must be said");
    if (stay->purpose < PURPOSE_TREATMENT || stay->purpose > PURPOSE_CHECK_UP)
        return field(err, "$.stay.purpose", "what the stay was for must be said");
    TRY(texts_are_sound(stay, err));
    return costs_are_sound(stay, err);
}

err_t
rule_payee_is_sound(struct payee *payee, const char *card_again, char digits[static 20],
                    struct err *err)
{
    struct bank_card card, again;

    if (!text_is_sound(payee->holder, 1, HOLDER_CHARS_MAX))
        return field(err, "$.payee.holder", "the holder's name has 1 to 50 characters");
    if (!text_is_sound(payee->bank, 1, HOSPITAL_CHARS_MAX))
        return field(err, "$.payee.bank", "the bank's name has 1 to 100 characters");
    if (payee->relation < RELATION_SELF || payee->relation > RELATION_AGENT)
        return field(err, "$.payee.relation", "who the holder is must be said");
    const enum check_result result = check_bank_card(payee->card, &card);
    if (result != CHECK_OK)
        return err_at(err, ERR_INVALID, "$.payee.card", CLAIM_CARD, "%s", check_says_en(result));
    if ((card.warn_luhn || card_again[0]) &&
        (check_bank_card(card_again, &again) != CHECK_OK || strcmp(card.digits, again.digits) != 0))
        return err_at(err, ERR_INVALID, "$.payee.cardAgain", CLAIM_CARD_AGAIN,
                      "the number's check digit is wrong, or the two numbers differ");
    memcpy(digits, card.digits, sizeof card.digits);
    payee->card = digits;
    payee->card_unsure = card.warn_luhn;
    return ERR_OK;
}

err_t
rule_payee_fits(const struct payee *payee, const struct register_person *patient, struct err *err)
{
    if (payee->relation == RELATION_SELF && strcmp(payee->holder, patient->name) != 0)
        return err_at(err, ERR_REFUSED, "$.payee.holder", CLAIM_PAYEE,
                      "the holder is not the patient, and the relation is SELF");
    return ERR_OK;
}

/* --- papers --- */

bool
payee_needs_mandate(enum relation relation, date_t birth, date_t today)
{
    /* A guardian is one by law for a child; for a grown person it must be shown. */
    if (relation == RELATION_GUARDIAN)
        return check_age_years(birth, today) >= 18;
    return relation != RELATION_SELF;
}

paper_set_t
papers_needed(const struct claim *claim, const struct programme *programme, bool mandate)
{
    static const paper_set_t usual = PAPER_BIT(PAPER_DISCHARGE_RECORD) | PAPER_BIT(PAPER_COST_LIST);
    paper_set_t needed = programme ? programme->papers[claim->stay.insurance] : 0;

    /* Who has no basic insurance has no settlement of it (003-11). */
    if (needed == 0)
        needed = usual | (claim->stay.insurance < INSURED_NOT ? PAPER_BIT(PAPER_SETTLEMENT) : 0);
    if (claim->by_agent || mandate)
        needed |= PAPER_BIT(PAPER_MANDATE);
    if (claim->stay.cause != CAUSE_NONE)
        needed |= PAPER_BIT(PAPER_CAUSE_STATEMENT);
    return needed;
}

void
papers_in_words(paper_set_t kinds, char *text, size_t size)
{
    static const char *const words[PAPER_COUNT] = {
        [PAPER_DISCHARGE_RECORD] = "出院记录",        [PAPER_COST_LIST] = "住院费用清单",
        [PAPER_SETTLEMENT] = "基本医保结算单",        [PAPER_MANDATE] = "委托书",
        [PAPER_CAUSE_STATEMENT] = "意外伤害原因说明", [PAPER_OTHER] = "其他材料",
    };
    size_t used = 0;

    text[0] = '\0';
    for (int kind = 1; kind < PAPER_COUNT; kind++) {
        if (!(kinds & PAPER_BIT(kind)))
            continue;
        const int wrote = snprintf(text + used, size - used, "%s%s", used ? "、" : "", words[kind]);
        if (wrote < 0 || (size_t) wrote >= size - used) {
            text[used] = '\0';
            return;
        }
        used += (size_t) wrote;
    }
}

/* --- who --- */

#define CLERKS ((role_set_t) (ROLE_VILLAGE_CLERK | ROLE_TOWNSHIP_OFFICER))
#define WATCHERS ((role_set_t) (ROLE_APPROVER | ROLE_REVIEWER | ROLE_AUDITOR))

bool
rule_may_see_loose_upload(role_set_t roles)
{
    return (roles & (CLERKS | WATCHERS)) != 0;
}

static bool
is_own(const struct claim *claim, const struct onlooker *who)
{
    if (!(who->roles & ((role_set_t) ROLE_MEMBER | CLERKS)))
        return false;
    return id_cmp(claim->filed_by, who->account) == 0 ||
           (!id_is_nil(who->household) && id_cmp(claim->household, who->household) == 0);
}

bool
rule_may_see_claim(const struct claim *claim, const struct onlooker *who)
{
    if (is_own(claim, who))
        return true;
    return who->covers && (who->roles & (CLERKS | WATCHERS)) != 0;
}

bool
rule_may_act_on_claim(const struct claim *claim, const struct onlooker *who)
{
    return is_own(claim, who) || (who->covers && (who->roles & CLERKS) != 0);
}
