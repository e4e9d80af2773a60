/* rules_programme.c - whether a programme is sound.  Errors stop it, warnings are worth a look;
 * both name the requirement and the exact figures.  Pure.
 *
 * "In principle" is a setting with a reason (8.2 b), never a number in the code. */
#include "rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct finding *add(struct findings *out, enum severity severity, const char *requirement,
                           const char *reason, const char *path, const char *fmt, ...) PRINTF(6, 7);

static struct finding *
add(struct findings *out, enum severity severity, const char *requirement, const char *reason,
    const char *path, const char *fmt, ...)
{
    static const size_t last = FINDINGS_MAX - 1;
    struct finding *f = &out->list[out->count < last ? out->count : last];
    va_list args;

    if (out->count < FINDINGS_MAX)
        out->count++;
    *f = (struct finding){
        .severity = severity, .requirement = requirement, .reason = reason, .path = path
    };
    out->errors += severity == FINDING_ERROR;
    va_start(args, fmt);
    (void) vsnprintf(f->text, sizeof f->text, fmt, args);
    va_end(args);
    return f;
}
#define ERROR(...) add(out, FINDING_ERROR, __VA_ARGS__)
#define WARNING(...) add(out, FINDING_WARNING, __VA_ARGS__)

struct yuan_text {
    char text[MONEY_TEXT_BYTES];
};
static struct yuan_text
yuan_of(int64_t fen)
{
    struct yuan_text out;

    money_format((money_t){ fen }, out.text);
    return out;
}
#define YUAN(fen) (yuan_of(fen).text)

void
window_default(date_t starts_on, instant_t *from, instant_t *until)
{
    *from = date_start((date_t){ starts_on.days - 45 });
    *until = (instant_t){ date_start(starts_on).us - US_PER_SECOND };
}

const Contributions__Programme__Share *
share_of(const programme_t *p, int kind)
{
    for (size_t i = 0; i < p->n_shares; i++)
        if ((int) p->shares[i]->source == kind)
            return p->shares[i];
    return NULL;
}

static void
check_frame(const programme_t *p, struct findings *out)
{
    const date_t starts = day_of(p->starts_on), ends = day_of(p->ends_on);
    int year = 0, month, day;
    struct err err;

    if (rule_text(p->name, 100, "", "", &err) != ERR_OK)
        ERROR("7.1.1", PROGRAMME_NAME, "$.programme.name", "a programme has a name of 1 to 100");
    if (!p->starts_on || !p->ends_on || starts.days >= ends.days || ends.days - starts.days > 366)
        ERROR("7.1.1", PROGRAMME_DAYS, "$.programme.startsOn",
              "protection lasts from a first to a last day, 366 days at most");
    else
        date_to_civil(starts, &year, &month, &day);
    if (year != 0 && p->year != (uint32_t) year)
        ERROR("003-3", PROGRAMME_YEAR, "$.programme.year", "year %u, but it starts in %d", p->year,
              year);
    if (p->mode != CONTRIBUTIONS__PROGRAMME__MODE__BY_TOWNSHIP &&
        p->mode != CONTRIBUTIONS__PROGRAMME__MODE__BY_VILLAGE)
        ERROR("5.4a", PROGRAMME_MODE, "$.programme.mode", "by township or by village");
    if ((p->mode == CONTRIBUTIONS__PROGRAMME__MODE__BY_VILLAGE) == id_is_nil(id_of(p->village_id)))
        ERROR("5.4a", PROGRAMME_VILLAGE, "$.programme.villageId",
              "a programme by village names its village, one by township none");
    if (p->custodian == CONTRIBUTIONS__PROGRAMME__CUSTODIAN__CUSTODIAN_UNSPECIFIED ||
        rule_text(p->custodian_account, 100, "", "", &err) != ERR_OK)
        ERROR("5.3b", PROGRAMME_CUSTODIAN, "$.programme.custodian",
              "who keeps the money, and in which special account");
    if (id_is_nil(id_of(p->responsible_account_id)))
        ERROR("6.1.1", PROGRAMME_RESPONSIBLE, "$.programme.responsibleAccountId",
              "somebody is responsible");
    if (p->eligibility == CONTRIBUTIONS__PROGRAMME__ELIGIBILITY__ELIGIBILITY_UNSPECIFIED ||
        p->household_rule == CONTRIBUTIONS__PROGRAMME__HOUSEHOLD_RULE__HOUSEHOLD_RULE_UNSPECIFIED)
        ERROR("5.4b", PROGRAMME_ELIGIBILITY, "$.programme.eligibility",
              "who may join, and whether households join as a whole");
    if (p->year_by == CONTRIBUTIONS__PROGRAMME__YEAR_BY__YEAR_BY_UNSPECIFIED)
        ERROR("003-8", PROGRAMME_YEAR_BY, "$.programme.yearBy",
              "which day of a stay decides the year");
}

static void
check_window(const programme_t *p, date_t today, struct findings *out)
{
    const instant_t from = at_of(p->window_from), until = at_of(p->window_until);
    instant_t usual_from, usual_until;
    struct err err;

    if (!p->starts_on)
        return;
    window_default(day_of(p->starts_on), &usual_from, &usual_until);
    if (!p->window_from || !p->window_until || from.us >= until.us)
        ERROR("7.2.1c", PROGRAMME_WINDOW, "$.programme.windowFrom",
              "payments are taken from an instant to a later one");
    else if ((from.us != usual_from.us || until.us != usual_until.us) &&
             rule_text(p->window_reason, 200, "", "", &err) != ERR_OK)
        ERROR("7.2.1c", PROGRAMME_WINDOW_REASON, "$.programme.windowReason",
              "the window is not the 45 days before the start; the reason is missing");
    if (until.us >= date_start(day_of(p->starts_on)).us)
        WARNING("7.2.1c", PROGRAMME_CALENDAR, "$.programme.windowUntil",
                "payments are still taken when protection has begun");
    if (date_start(today).us > until.us)
        WARNING("13.2", PROGRAMME_CALENDAR, "$.programme.windowUntil",
                "the window is over before the programme is open");
    else if (date_start(today).us > from.us)
        WARNING("13.2", PROGRAMME_CALENDAR, "$.programme.windowFrom",
                "the window had begun %d days ago", days_between(date_of(from), today));
}

static void
check_standard(const programme_t *p, struct findings *out)
{
    const int64_t standard = fen_of(p->standard), minimum = fen_of(p->standard_minimum);
    int64_t sum = 0;

    if (standard <= 0 || standard > MONEY_FEN_MAX)
        ERROR("8.2a", PROGRAMME_STANDARD, "$.programme.standard", "a standard above zero, in fen");
    else if (standard < minimum)
        WARNING("002-1", PROGRAMME_STANDARD_MINIMUM, "$.programme.standard",
                "%s yuan; the region asks for %s at least", YUAN(standard), YUAN(minimum))
            ->shortfall = (money_t){ minimum - standard };
    for (size_t i = 0; i < p->n_shares; i++) {
        const int64_t fen = fen_of(p->shares[i]->per_head);
        if (!source_code((int) p->shares[i]->source) || fen < 0 || fen > MONEY_FEN_MAX)
            ERROR("A.2a", PROGRAMME_SHARE, "$.programme.shares",
                  "share %zu has no source or amount", i + 1);
        else if (share_of(p, (int) p->shares[i]->source) != p->shares[i])
            ERROR("A.2a", PROGRAMME_SHARE, "$.programme.shares", "%s appears twice",
                  source_code((int) p->shares[i]->source));
        else
            sum = sum > MONEY_FEN_MAX ? sum : sum + fen;
    }
    if (sum != standard)
        ERROR("A.2a", PROGRAMME_SHARES_SUM, "$.programme.shares",
              "the shares sum to %s yuan, the standard is %s", YUAN(sum), YUAN(standard))
            ->shortfall = (money_t){ standard - sum };
}

/* 8.2 b both ways: whose share it is decides, who really pays it is shown. */
static void
check_personal_share(const programme_t *p, struct findings *out)
{
    const Contributions__Programme__Share *share = share_of(p, SOURCE(PERSONAL));
    const int64_t personal = share ? fen_of(share->per_head) : 0, standard = fen_of(p->standard);
    struct err err;

    if (p->personal_share_least > SHARE_WHOLE) {
        ERROR("8.2b", PROGRAMME_SHARE_BOUNDS, "$.programme.personalShareLeast",
              "%u is more than the whole", p->personal_share_least);
        return;
    }
    if (standard <= 0 || standard > MONEY_FEN_MAX)
        return;
    const int64_t least =
        (int64_t) (((__int128) standard * p->personal_share_least + SHARE_WHOLE - 1) / SHARE_WHOLE);
    if (personal < least) {
        const bool reasoned = rule_text(p->personal_share_reason, 200, "", "", &err) == ERR_OK;
        add(out, reasoned ? FINDING_WARNING : FINDING_ERROR, "8.2b", PROGRAMME_PERSONAL_SHARE,
            "$.programme.shares", "the personal part is %s of %s yuan; %s more make %u/10000",
            YUAN(personal), YUAN(standard), YUAN(least - personal), p->personal_share_least)
            ->shortfall = (money_t){ least - personal };
    }
    for (size_t i = 0; i < p->n_subsidised; i++) {
        const int64_t by_other = fen_of(p->subsidised[i]->per_head);
        const int64_t paid = personal > by_other ? personal - by_other : 0;
        if (paid < least)
            WARNING("8.2b", PROGRAMME_REALLY_PAID, "$.programme.subsidised",
                    "of %s yuan a person of %.40s really pays %s; %s pays the rest", YUAN(personal),
                    p->subsidised[i]->category, YUAN(paid),
                    source_code((int) p->subsidised[i]->source)
                        ? source_code((int) p->subsidised[i]->source)
                        : "nobody")
                ->shortfall = (money_t){ least - paid };
    }
}

static void
check_categories(const programme_t *p, struct findings *out)
{
    const Contributions__Programme__Share *share = share_of(p, SOURCE(PERSONAL));
    const int64_t personal = share ? fen_of(share->per_head) : 0;

    for (size_t i = 0; i < p->n_subsidised; i++) {
        const Contributions__Programme__Subsidised *s = p->subsidised[i];
        if (s->category[0] == '\0' || strpbrk(s->category, ",;") || !s->as_of ||
            !source_code((int) s->source) || s->source == SOURCE(PERSONAL) ||
            fen_of(s->per_head) <= 0 || fen_of(s->per_head) > personal)
            ERROR("003-6", PROGRAMME_SUBSIDISED, "$.programme.subsidised",
                  "row %zu needs a category, its day, another source and at most %s yuan", i + 1,
                  YUAN(personal));
        for (size_t k = 0; k < p->n_excluded_categories; k++)
            if (strcmp(p->excluded_categories[k], s->category) == 0)
                ERROR("13.5", PROGRAMME_CATEGORY_TWICE, "$.programme.excludedCategories",
                      "%.40s is both helped in and kept out", s->category);
    }
    for (size_t k = 0; k < p->n_excluded_categories; k++)
        if (p->excluded_categories[k][0] == '\0' || strpbrk(p->excluded_categories[k], ",;\"\\{}"))
            ERROR("004-3", PROGRAMME_CATEGORY, "$.programme.excludedCategories",
                  "category %zu is no code", k + 1);
}

static bool
has_paper(const Contributions__Programme__Papers *papers, int kind)
{
    for (size_t i = 0; i < papers->n_kinds; i++)
        if ((int) papers->kinds[i] == kind)
            return true;
    return false;
}

static void
check_papers_for(const programme_t *p, int insurance, struct findings *out)
{
    const bool insured = insurance == CONTRIBUTIONS__INSURANCE__KIND__RESIDENT ||
                         insurance == CONTRIBUTIONS__INSURANCE__KIND__EMPLOYEE;

    for (size_t i = 0; i < p->n_papers; i++) {
        const Contributions__Programme__Papers *papers = p->papers[i];
        if ((int) papers->insurance != insurance)
            continue;
        if (!has_paper(papers, CONTRIBUTIONS__PAPER__KIND__DISCHARGE_RECORD) ||
            !has_paper(papers, CONTRIBUTIONS__PAPER__KIND__COST_LIST) ||
            (insured && !has_paper(papers, CONTRIBUTIONS__PAPER__KIND__SETTLEMENT)))
            ERROR("7.2.2", PROGRAMME_PAPERS, "$.programme.papers",
                  "discharge record, cost list and (if insured) the settlement are needed");
        return;
    }
    ERROR("7.2.2", PROGRAMME_PAPERS, "$.programme.papers", "insurance %d has no list of papers",
          insurance);
}

static void
check_claims(const programme_t *p, struct findings *out)
{
    const int64_t least = fen_of(p->claim_least), most = fen_of(p->claim_most),
                  person = fen_of(p->person_most);

    if (p->n_thresholds == 0)
        ERROR("5.1c", PROGRAMME_THRESHOLD, "$.programme.thresholds",
              "larger burdens are relieved: a threshold is missing");
    for (size_t i = 0; i < p->n_thresholds; i++) {
        const Contributions__Programme__Threshold *t = p->thresholds[i];
        if (t->insurance == CONTRIBUTIONS__INSURANCE__KIND__KIND_UNSPECIFIED ||
            t->basis == CONTRIBUTIONS__PROGRAMME__THRESHOLD__BASIS__BASIS_UNSPECIFIED ||
            fen_of(t->at_least) <= 0)
            ERROR("5.1c", PROGRAMME_THRESHOLD, "$.programme.thresholds",
                  "threshold %zu needs an insurance, a basis and an amount", i + 1);
        for (size_t k = 0; k < i; k++)
            if (p->thresholds[k]->insurance == t->insurance)
                ERROR("5.1c", PROGRAMME_THRESHOLD, "$.programme.thresholds",
                      "insurance %d has two thresholds", (int) t->insurance);
        check_papers_for(p, (int) t->insurance, out);
    }
    if (least < 0 || most < 0 || person < 0 || (p->claim_most && most < least) ||
        (p->claim_most && p->person_most && person < most))
        ERROR("A.1", PROGRAMME_LIMITS, "$.programme.claimMost",
              "least %s, most %s, a person's year %s yuan are out of order", YUAN(least),
              YUAN(most), YUAN(person));
    if (p->decision_workdays == 0)
        ERROR("7.2.3a", PROGRAMME_WORKDAYS, "$.programme.decisionWorkdays",
              "a decision takes some working days");
    else if (p->decision_workdays > 5)
        WARNING("7.2.3a", PROGRAMME_WORKDAYS, "$.programme.decisionWorkdays",
                "%u working days; the draft gives 5", p->decision_workdays);
    if (p->list_day < 1 || p->list_day > 28 || p->pay_before_day <= p->list_day ||
        p->pay_before_day > 28)
        ERROR("003-20", PROGRAMME_PAY_DAYS, "$.programme.listDay",
              "the list comes on day %u, and is paid before day %u of the month", p->list_day,
              p->pay_before_day);
    if (p->scheme_checksum[0] == '\0')
        WARNING("0-2b", PROGRAMME_SCHEME, "$.programme.schemeChecksum",
                "the year's grouping scheme is not named yet");
}

static void
check_fund(const programme_t *p, struct findings *out)
{
    const bool from_fund = p->fee_source == CONTRIBUTIONS__PROGRAMME__FEE_SOURCE__FROM_FUND;

    if (!programme_may_use(p, CONTRIBUTIONS__PROGRAMME__USE__SUBSIDY))
        ERROR("5.1a", PROGRAMME_USES, "$.programme.uses", "the fund is for subsidies");
    if (p->overspend == CONTRIBUTIONS__PROGRAMME__OVERSPEND__OVERSPEND_UNSPECIFIED ||
        fen_of(p->reserve) < 0)
        ERROR("8.1b", PROGRAMME_OVERSPEND, "$.programme.overspend",
              "what happens when the money runs out, and what is kept back");
    else if (p->overspend != CONTRIBUTIONS__PROGRAMME__OVERSPEND__STOP)
        WARNING("8.1b", PROGRAMME_OVERSPEND_BY_HAND, "$.programme.overspend",
                "recorded alone: a list beyond the fund is refused with its shortfall, and people "
                "carry out what was agreed");
    if (p->fee_source == CONTRIBUTIONS__PROGRAMME__FEE_SOURCE__FEE_SOURCE_UNSPECIFIED ||
        p->fee_most > SHARE_WHOLE ||
        from_fund != programme_may_use(p, CONTRIBUTIONS__PROGRAMME__USE__SERVICE_FEE) ||
        (from_fund && (p->fee_most == 0 || fen_of(p->fee_agreed) <= 0)) ||
        (p->fee_source == CONTRIBUTIONS__PROGRAMME__FEE_SOURCE__NO_FEE &&
         (p->fee_most > 0 || fen_of(p->fee_agreed) != 0)))
        ERROR("6.1.4", PROGRAMME_FEE, "$.programme.feeSource",
              "a fee from the fund needs a use, an agreed amount and a ceiling; no fee has none");
    if (p->keep_years < 10)
        ERROR("9.3.4", PROGRAMME_KEEP, "$.programme.keepYears", "%u years; 10 at least",
              p->keep_years);
    if (p->small_cell < 3)
        ERROR("7.2.5", PROGRAMME_SMALL_CELL, "$.programme.smallCell",
              "a published group of %u gives persons away; 3 at least", p->small_cell);
    if (p->publish_days == 0)
        ERROR("7.2.5", PROGRAMME_PUBLISH, "$.programme.publishDays",
              "published pages stay up for some days");
}

static void
check_gates(const programme_t *p, struct findings *out)
{
    static const char *const reports[] = { "monthly", "quarterly", "yearly", "evaluation-11-30" };
    bool outpatient = false;

    if (p->people_warning > SHARE_WHOLE || p->household_gate > SHARE_WHOLE ||
        p->household_target > SHARE_WHOLE || p->village_target > SHARE_WHOLE)
        ERROR("13.3", PROGRAMME_SHARE_BOUNDS, "$.programme.householdGate",
              "a gate above the whole is never reached");
    if (p->people_warning == 0)
        WARNING("7.3.1a", PROGRAMME_WARNING, "$.programme.peopleWarning",
                "nobody is warned when few people take part");
    for (size_t i = 0; i < p->n_exclusions; i++)
        outpatient |= p->exclusions[i] == CONTRIBUTIONS__PROGRAMME__EXCLUSION__OUTPATIENT;
    if (!outpatient)
        WARNING("0-3.1", PROGRAMME_OUTPATIENT, "$.programme.exclusions",
                "the draft helps inpatients alone; outpatient care is not excluded");
    for (size_t i = 0; i < p->n_reports; i++) {
        size_t k = 0;
        while (k < COUNT(reports) && strcmp(reports[k], p->reports[i]) != 0)
            k++;
        if (k == COUNT(reports))
            ERROR("002-12", PROGRAMME_REPORT, "$.programme.reports", "report %zu is not known",
                  i + 1);
    }
}

void
programme_check(const programme_t *p, date_t today, struct findings *out)
{
    *out = (struct findings){ .count = 0 };
    check_frame(p, out);
    check_window(p, today, out);
    check_standard(p, out);
    check_personal_share(p, out);
    check_categories(p, out);
    check_claims(p, out);
    check_fund(p, out);
    check_gates(p, out);
}

err_t
rule_resolution(const Contributions__Resolution *in, date_t today, const char **why_not,
                struct err *err)
{
    const int64_t entitled = in->entitled, attended = in->attended, votes_for = in->votes_for;
    const int64_t votes = votes_for + in->against + in->abstained;
    bool quorum;

    if (in->entitled == 0 || in->entitled > 100000 || attended > entitled)
        return err_at(err, ERR_INVALID, "$.resolution.attended", RESOLUTION_FIGURES,
                      "%u of %u attended", in->attended, in->entitled);
    if (votes != attended)
        return err_at(err, ERR_INVALID, "$.resolution.votesFor", RESOLUTION_VOTES,
                      "the votes sum to %lld, %u attended", (long long) votes, in->attended);
    if (in->met_on && day_of(in->met_on).days > today.days)
        return err_at(err, ERR_INVALID, "$.resolution.metOn", RESOLUTION_DAY,
                      "the meeting lies ahead");
    if (in->n_upload_ids == 0)
        return err_at(err, ERR_INVALID, "$.resolution.uploadIds", RESOLUTION_PAPERS,
                      "the sheet of signatures is missing");
    switch (in->meeting) {
    case CONTRIBUTIONS__RESOLUTION__MEETING__REPRESENTATIVES:
    case CONTRIBUTIONS__RESOLUTION__MEETING__HOUSEHOLDS:
        quorum = attended * 3 >= entitled * 2;
        break;
    case CONTRIBUTIONS__RESOLUTION__MEETING__ADULTS:
        quorum = attended * 2 > entitled;
        break;
    default:
        return err_at(err, ERR_INVALID, "$.resolution.meeting", RESOLUTION_FIGURES,
                      "who met: representatives, adults or households");
    }
    *why_not = !quorum ? RESOLUTION_QUORUM : votes_for * 2 <= attended ? RESOLUTION_MAJORITY : "";
    return ERR_OK;
}
