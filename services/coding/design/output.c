/* output.c - the table and the figures. */
#include "output.h"

#include <jansson.h>
#include <math.h>

const char *
bound_name(enum design_bound bound)
{
    static const char *const names[] = { "free", "lowest", "highest", "relief" };

    return names[bound];
}

const char *
binding_name(enum design_binding binding)
{
    static const char *const names[] = { "budget", "overspend", "highest" };

    return names[binding];
}

void
output_table(FILE *out, const struct input *in, const struct design_plan *plan)
{
    char amount[MONEY_TEXT_BYTES];

    (void) fputs("drg\tname\tparent\texpected_stays\texpected_claims\tamount\ttypical_own_payment\t"
                 "share_of_typical\tseverity\tshape\tfitted\texact\tbound\trounded\n",
                 out);
    for (size_t r = in->design.group_count; r-- > 0;) {
        const size_t g = plan->order[r];
        const struct design_row *row = &plan->rows[g];
        const struct design_group *group = &in->design.groups[g];
        money_format(row->amount, amount);
        (void) fprintf(out,
                       "%s\t%s\t%s\t%.3f\t%.3f\t%s\t%.2f\t%.4f\t%.6g\t%.6g\t%.6g\t%.4f\t%s\t%s\n",
                       group->code, group->name, group->parent, row->stays, row->claims, amount,
                       row->typical, row->share, row->severity, row->shape, row->fitted, row->exact,
                       bound_name(row->bound), row->raised ? "up" : "down");
    }
}

/* ---- JSON --------------------------------------------------------------------------------------
 */

/* Transforms leave a noise of 1e-13, which must not print as digits. */
static json_t *
chance(double p)
{
    return json_real(p < 1e-12 ? 0 : rint(p * 1e12) / 1e12);
}

static json_t *
fen(money_t amount)
{
    return json_integer(amount.fen);
}

static json_t *
yuans(double amount)
{
    return json_real(rint(amount * 100) / 100);
}

static json_t *
total_json(const struct design_total *t)
{
    json_t *o = json_object();

    json_object_set_new(o, "expected_yuan", yuans(t->mean));
    json_object_set_new(o, "sd_yuan", yuans(t->sd));
    json_object_set_new(o, "p50_yuan", yuans(t->p50));
    json_object_set_new(o, "p95_yuan", yuans(t->p95));
    json_object_set_new(o, "p99_yuan", yuans(t->p99));
    json_object_set_new(o, "overspend_probability", chance(t->overspend));
    return o;
}

static json_t *
money_json(const struct design_plan *plan)
{
    json_t *o = json_object();

    json_object_set_new(o, "raised_fen", fen(plan->raised));
    json_object_set_new(o, "service_fee_fen", fen(plan->service_fee));
    json_object_set_new(o, "pool_fen", fen(plan->pool));
    json_object_set_new(o, "reserve_fen", fen(plan->reserve));
    json_object_set_new(o, "budget_fen", fen(plan->budget));
    json_object_set_new(o, "spent_share_of_pool",
                        json_real(plan->total.mean * 100 / (double) plan->pool.fen));
    return o;
}

static json_t *
thresholds_json(const struct input *in, const struct design_plan *plan)
{
    json_t *o = json_object();

    for (size_t k = 0; k < in->design.class_count; k++)
        json_object_set_new(o, in->design.classes[k].name, fen(plan->thresholds[k]));
    return o;
}

static json_t *
fairness_json(const struct design_plan *plan)
{
    json_t *o = json_object(), *bands = json_array();

    json_object_set_new(o, "beneficiary_rate_persons", chance(plan->reach_persons));
    json_object_set_new(o, "claims_per_person", chance(plan->reach_claims));
    json_object_set_new(o, "relief_above_threshold", chance(plan->relief));
    json_object_set_new(o, "gini_of_relief", chance(plan->gini));
    json_object_set_new(o, "theil_of_relief", chance(plan->theil));
    json_object_set_new(o, "groups_at_lowest", json_integer((json_int_t) plan->at_lowest));
    json_object_set_new(o, "groups_at_highest", json_integer((json_int_t) plan->at_highest));
    json_object_set_new(o, "persons_over_yearly_cap", json_real(plan->persons_over_cap));
    for (size_t b = 0; b < DESIGN_BANDS; b++) {
        const struct design_band *band = &plan->bands[b];
        json_t *item = json_object();
        json_object_set_new(item, "own_payment_from_yuan", yuans(band->from));
        json_object_set_new(item, "own_payment_to_yuan",
                            band->to < INFINITY ? yuans(band->to) : json_null());
        json_object_set_new(item, "claims", json_real(band->claims));
        json_object_set_new(item, "paid_yuan", yuans(band->paid));
        json_object_set_new(item, "relief_above_threshold", chance(band->relief));
        json_array_append_new(bands, item);
    }
    json_object_set_new(o, "bands", bands);
    return o;
}

static json_t *
what_ifs_json(const struct design_plan *plan)
{
    json_t *o = json_object();

    for (size_t i = 0; i < DESIGN_WHAT_IFS; i++) {
        json_t *item = total_json(&plan->what_ifs[i].total);
        json_object_set_new(item, "pool_fen", fen(plan->what_ifs[i].pool));
        json_object_set_new(o, plan->what_ifs[i].name, item);
    }
    return o;
}

static json_t *
credibility_json(const struct input *in)
{
    json_t *blocks = json_array();

    for (size_t b = 0; b < in->block_count; b++) {
        const struct block *block = &in->blocks[b];
        json_t *item = json_object();
        json_object_set_new(item, "block", json_string(block->code));
        json_object_set_new(item, "regional_rate", json_real(block->regional));
        json_object_set_new(item, "own_rate", json_real(block->own));
        json_object_set_new(item, "collective_rate", json_real(block->collective));
        json_object_set_new(item, "credibility", json_real(block->z));
        json_object_set_new(item, "blended_rate", json_real(block->blended));
        json_array_append_new(blocks, item);
    }
    return blocks;
}

static json_t *
method_json(const struct input *in, const struct design_plan *plan)
{
    json_t *o = json_object();

    json_object_set_new(o, "binding", json_string(binding_name(plan->binding)));
    json_object_set_new(o, "scale", json_real(plan->scale));
    json_object_set_new(o, "alpha", json_real(in->design.goals.alpha));
    json_object_set_new(o, "dispersion", json_real(in->design.goals.dispersion));
    json_object_set_new(o, "lattice_yuan", yuans(plan->year.lattice));
    json_object_set_new(o, "normal_power_overspend", chance(plan->normal_power_overspend));
    json_object_set_new(o, "panjer_equals_fourier_within",
                        json_real(plan->check_gap < 1e-10 ? 1e-10 : 1e-9));
    json_object_set_new(o, "check_lattice_yuan", yuans(plan->check_lattice));
    return o;
}

static bool
dump(FILE *out, json_t *root)
{
    const int bad = json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9));

    json_decref(root);
    return !bad && fputc('\n', out) != EOF;
}

bool
output_figures(FILE *out, const struct input *in, const struct design_plan *plan)
{
    json_t *o = json_object();

    json_object_set_new(o, "title", json_string(in->settings.title));
    json_object_set_new(o, "year", json_string(in->settings.year));
    json_object_set_new(o, "persons", json_integer((json_int_t) plan->persons));
    json_object_set_new(o, "groups", json_integer((json_int_t) in->design.group_count));
    json_object_set_new(o, "expected_stays", json_real(plan->stays));
    json_object_set_new(o, "expected_claims", json_real(plan->claims));
    json_object_set_new(o, "money", money_json(plan));
    json_object_set_new(o, "thresholds_fen", thresholds_json(in, plan));
    json_object_set_new(o, "year_total", total_json(&plan->total));
    json_object_set_new(o, "fairness", fairness_json(plan));
    json_object_set_new(o, "sensitivity", what_ifs_json(plan));
    json_object_set_new(o, "credibility", credibility_json(in));
    json_object_set_new(o, "method", method_json(in, plan));
    return dump(out, o);
}

bool
output_forecast(FILE *out, const struct input *in, const struct forecast *f)
{
    static const char *const levels[] = { "calm", "warn", "alarm" };
    json_t *o = json_object();

    json_object_set_new(o, "title", json_string(in->settings.title));
    json_object_set_new(o, "level", json_string(levels[f->level]));
    json_object_set_new(o, "overspend_probability", chance(f->overspend));
    json_object_set_new(o, "reported_share", json_real(f->reported_share));
    json_object_set_new(o, "claims", json_integer(f->claims));
    json_object_set_new(o, "claims_expected_by_now", json_real(f->expected_so_far));
    json_object_set_new(o, "incidence_factor", json_real(f->incidence_factor));
    json_object_set_new(o, "paid_fen", fen(f->paid));
    json_object_set_new(o, "rest_expected_yuan", yuans(f->rest_mean));
    json_object_set_new(o, "rest_sd_yuan", yuans(f->rest_sd));
    json_object_set_new(o, "balance_expected_yuan", yuans(f->balance_mean));
    json_object_set_new(o, "balance_p05_yuan", yuans(f->balance_p05));
    json_object_set_new(o, "balance_p50_yuan", yuans(f->balance_p50));
    json_object_set_new(o, "balance_p95_yuan", yuans(f->balance_p95));
    json_object_set_new(o, "shortfall_expected_yuan", yuans(f->shortfall_mean));
    return dump(out, o);
}

bool
output_simulation(FILE *out, const struct simulation *s)
{
    json_t *o = json_object();

    json_object_set_new(o, "years", json_integer(s->years));
    json_object_set_new(o, "overspent_years", json_integer(s->overspent));
    json_object_set_new(o, "overspend_frequency", json_real(s->overspend));
    json_object_set_new(o, "overspend_standard_error", json_real(s->overspend_error));
    json_object_set_new(o, "mean_yuan", yuans(s->mean));
    json_object_set_new(o, "mean_standard_error_yuan", yuans(s->mean_error));
    json_object_set_new(o, "sd_yuan", yuans(s->sd));
    json_object_set_new(o, "p50_yuan", yuans(s->p50));
    json_object_set_new(o, "p95_yuan", yuans(s->p95));
    json_object_set_new(o, "p99_yuan", yuans(s->p99));
    return dump(out, o);
}
