/* rules_eligibility.c - whether a stay is helped.  Pure: no clock, no database, no allocation. */
#include "rules_eligibility.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *reason, *requirement;
} refusals[] = {
#define REFUSAL(symbol, requirement) { symbol, requirement },
#include "refusals.def"
#undef REFUSAL
};

const char *
requirement_of(const char *reason)
{
    for (size_t i = 0; i < COUNT(refusals); i++)
        if (strcmp(refusals[i].reason, reason) == 0)
            return refusals[i].requirement;
    return "";
}

static void refuse(struct verdict *verdict, const char *reason, const char *fmt, ...) PRINTF(3, 4);

static void
refuse(struct verdict *verdict, const char *reason, const char *fmt, ...)
{
    va_list args;

    verdict->accepted = false;
    verdict->reason = reason;
    verdict->requirement = requirement_of(reason);
    va_start(args, fmt);
    (void) vsnprintf(verdict->words, sizeof verdict->words, fmt, args);
    va_end(args);
}

/* --- the year --- */

static date_t
day_that_counts(const struct stay *stay, const struct programme *programme)
{
    return programme->by_discharge ? stay->discharged : stay->admitted;
}

static bool
takes_claims(const struct programme *programme)
{
    return programme->state == PROGRAMME_IN_FORCE || programme->state == PROGRAMME_SETTLING;
}

static bool
is_of_village(const struct programme *programme, struct id village)
{
    return id_is_nil(programme->village) || id_cmp(programme->village, village) == 0;
}

/* A plan that was never adopted is none. */
static bool
holds(const struct stay_question *question, const struct candidate *candidate)
{
    const struct programme *programme = &candidate->programme;
    const date_t day = day_that_counts(question->stay, programme);

    return programme->state >= PROGRAMME_OPEN && is_of_village(programme, question->village) &&
           day.days >= programme->starts.days && day.days <= programme->ends.days;
}

static int
preference(const struct candidate *candidate)
{
    return candidate->is_member * 4 + takes_claims(&candidate->programme) * 2 +
           !id_is_nil(candidate->programme.village);
}

const struct candidate *
programme_of_stay(const struct stay_question *question)
{
    const struct candidate *best = NULL;

    for (size_t i = 0; i < question->candidate_count; i++) {
        const struct candidate *candidate = &question->candidates[i];
        if (holds(question, candidate) && (!best || preference(candidate) > preference(best)))
            best = candidate;
    }
    return best;
}

/* The programme whose year is nearest to the stay: it gives the words their dates. */
static const struct programme *
nearest(const struct stay_question *question)
{
    const struct programme *best = NULL;
    int32_t best_distance = INT32_MAX;

    for (size_t i = 0; i < question->candidate_count; i++) {
        const struct programme *programme = &question->candidates[i].programme;
        if (programme->state < PROGRAMME_OPEN || !is_of_village(programme, question->village))
            continue;
        const date_t day = day_that_counts(question->stay, programme);
        const int32_t distance = day.days < programme->starts.days
                                     ? days_between(day, programme->starts)
                                     : days_between(programme->ends, day);
        if (distance < best_distance) {
            best_distance = distance;
            best = programme;
        }
    }
    return best;
}

static void
refuse_outside(const struct stay_question *question, struct verdict *verdict)
{
    const struct programme *near = nearest(question);
    char day[DATE_TEXT_BYTES], from[DATE_TEXT_BYTES], until[DATE_TEXT_BYTES];

    if (!near) {
        date_format(question->stay->admitted, day);
        refuse(verdict, CLAIM_OUTSIDE_YEAR, "入院日期 %s 不在任何互助年度内，不予受理", day);
        return;
    }
    date_format(day_that_counts(question->stay, near), day);
    date_format(near->starts, from);
    date_format(near->ends, until);
    refuse(verdict, CLAIM_OUTSIDE_YEAR, "%s日期 %s 不在互助年度 %s 至 %s 内，不予受理",
           near->by_discharge ? "出院" : "入院", day, from, until);
}

/* --- state and membership --- */

static bool
programme_takes_it(const struct candidate *candidate, struct verdict *verdict)
{
    if (takes_claims(&candidate->programme))
        return true;
    if (candidate->programme.state == PROGRAMME_CLOSED)
        refuse(verdict, CLAIM_YEAR_OVER, "%u 年度互助基金已结转，不再受理该年度的申请",
               candidate->programme.year);
    else if (candidate->programme.state == PROGRAMME_OPEN)
        refuse(verdict, CLAIM_NOT_RUNNING, "%u 年度互助项目尚未开始运行，暂不受理",
               candidate->programme.year);
    else
        refuse(verdict, CLAIM_NOT_RUNNING, "%u 年度互助项目已终止并退款，不予受理",
               candidate->programme.year);
    return false;
}

static bool
is_protected(const struct stay *stay, const struct candidate *candidate, struct verdict *verdict)
{
    char from[DATE_TEXT_BYTES], admitted[DATE_TEXT_BYTES];

    if (!candidate->is_member) {
        refuse(verdict, CLAIM_NOT_MEMBER, "患者未参加 %u 年度互助，不予受理",
               candidate->programme.year);
        return false;
    }
    if (stay->admitted.days >= candidate->from.days)
        return true;
    date_format(candidate->from, from);
    date_format(stay->admitted, admitted);
    refuse(verdict, CLAIM_BEFORE_FROM, "保障自 %s 开始，入院日期 %s 早于该日，不予受理", from,
           admitted);
    return false;
}

/* --- exclusions --- */

enum exclusion
exclusion_of(const struct stay *stay)
{
    if (stay->outpatient)
        return EXCLUDED_OUTPATIENT;
    switch (stay->purpose) {
    case PURPOSE_COSMETIC:
        return EXCLUDED_COSMETIC;
    case PURPOSE_PLASTIC:
        return EXCLUDED_PLASTIC;
    case PURPOSE_CHECK_UP:
        return EXCLUDED_CHECK_UP;
    case PURPOSE_TREATMENT:
        break;
    }
    switch (stay->cause) {
    case CAUSE_WORK:
        return EXCLUDED_WORK_INJURY;
    case CAUSE_CRIME:
        return EXCLUDED_CRIME;
    case CAUSE_THIRD_PARTY:
        return EXCLUDED_THIRD_PARTY;
    /* 003-14 excludes what a third party answers for in full; a share of the fault does not. */
    case CAUSE_SHARED:
    case CAUSE_OWN_ACCIDENT:
    case CAUSE_NONE:
        break;
    }
    return (enum exclusion) 0;
}

const char *
exclusion_in_words(enum exclusion exclusion)
{
    static const char *const words[EXCLUSION_COUNT] = {
        [EXCLUDED_COSMETIC] = "美容",     [EXCLUDED_PLASTIC] = "整形",
        [EXCLUDED_CHECK_UP] = "健康体检", [EXCLUDED_WORK_INJURY] = "工伤",
        [EXCLUDED_CRIME] = "违法犯罪",    [EXCLUDED_THIRD_PARTY] = "第三方负全责的意外伤害",
        [EXCLUDED_OUTPATIENT] = "门诊",
    };

    return (unsigned) exclusion < EXCLUSION_COUNT && words[exclusion] ? words[exclusion] : "";
}

static bool
is_not_excluded(const struct stay *stay, const struct programme *programme, struct verdict *verdict)
{
    const enum exclusion exclusion = exclusion_of(stay);

    if (exclusion == 0 || !(programme->exclusions & (UINT32_C(1) << exclusion)))
        return true;
    refuse(verdict, CLAIM_EXCLUDED, "属于方案列明的不予补助情形（%s），不予受理",
           exclusion_in_words(exclusion));
    return false;
}

/* --- thresholds --- */

static bool
reaches(const struct stay *stay, const struct threshold *threshold, struct verdict *verdict)
{
    const money_t has = threshold->on_total_cost ? stay->total_cost : stay->own_payment;
    char is[MONEY_TEXT_BYTES], least[MONEY_TEXT_BYTES], lacks[MONEY_TEXT_BYTES];

    if (money_cmp(has, threshold->at_least) >= 0)
        return true;
    money_format(has, is);
    money_format(threshold->at_least, least);
    money_format(money_sub(threshold->at_least, has), lacks);
    refuse(verdict, threshold->on_total_cost ? CLAIM_TOTAL_COST : CLAIM_OWN_PAYMENT,
           "单次住院%s %s 元，起付线 %s 元，还差 %s 元，不予受理；多次住院不能相加",
           threshold->on_total_cost ? "总费用" : "个人自付", is, least, lacks);
    return false;
}

/* Every threshold of the patient's insurance must be reached.  5.1 c: a programme has some; one
 * that names others' insurance alone helps those alone. */
static bool
is_large_enough(const struct stay *stay, const struct programme *programme, struct verdict *verdict)
{
    bool found = programme->threshold_count == 0;

    for (size_t i = 0; i < programme->threshold_count; i++) {
        if (programme->thresholds[i].insurance != stay->insurance)
            continue;
        found = true;
        if (!reaches(stay, &programme->thresholds[i], verdict))
            return false;
    }
    if (!found)
        refuse(verdict, CLAIM_INSURANCE, "本方案未规定该参保类型的补助条件，不予受理");
    return found;
}

/* --- all --- */

static bool
same_hospital(const struct stay *a, const struct stay *b)
{
    if (a->hospital_code[0] && b->hospital_code[0])
        return strcmp(a->hospital_code, b->hospital_code) == 0;
    return strcmp(a->hospital, b->hospital) == 0;
}

bool
stays_overlap(const struct stay *a, const struct stay *b)
{
    if (a->admitted.days == b->admitted.days && same_hospital(a, b))
        return true;
    return a->admitted.days < b->discharged.days && b->admitted.days < a->discharged.days;
}

void
rule_stay_is_helped(const struct stay_question *question, struct verdict *verdict)
{
    const struct stay *stay = question->stay;

    *verdict = (struct verdict){ .reason = "", .requirement = "" };
    verdict->candidate = programme_of_stay(question);
    if (stay->outpatient) {
        refuse(verdict, CLAIM_OUTPATIENT, "门诊费用不在补助范围，只补助住院，不予受理");
        return;
    }
    if (!verdict->candidate) {
        refuse_outside(question, verdict);
        return;
    }
    if (!programme_takes_it(verdict->candidate, verdict) ||
        !is_protected(stay, verdict->candidate, verdict) ||
        !is_not_excluded(stay, &verdict->candidate->programme, verdict) ||
        !is_large_enough(stay, &verdict->candidate->programme, verdict))
        return;
    if (question->overlaps) {
        refuse(verdict, CLAIM_DUPLICATE, "与申请 %s 的住院日期重复，同一次住院只能申请一次",
               question->overlaps);
        return;
    }
    verdict->accepted = true;
}
