/* shape.c - isotonic repair, water filling and largest-remainder rounding. */
#include "shape.h"

#include <math.h>
#include <stdlib.h>

void
shape_repair(const double *g, const double *weight, size_t n, struct pool *stack, double *fit)
{
    size_t depth = 0, next = 0;

    for (size_t i = 0; i < n; i++) {
        if (weight[i] <= 0)
            continue;
        stack[depth++] = (struct pool){ g[i], weight[i], 1 };
        while (depth > 1 && stack[depth - 2].value > stack[depth - 1].value) {
            const struct pool b = stack[--depth], a = stack[depth - 1];
            const double both = a.weight + b.weight;
            stack[depth - 1] = (struct pool){ (a.value * a.weight + b.value * b.weight) / both,
                                              both, a.count + b.count };
        }
    }
    for (size_t d = 0; d < depth; d++)
        for (size_t left = stack[d].count; left > 0; next++)
            if (weight[next] > 0) {
                fit[next] = stack[d].value;
                left--;
            }

    /* The weightless stay between the neighbours that carry weight and keep their own order. */
    double ceiling = INFINITY, floor_value = 0;
    for (size_t i = n; i-- > 0;) {
        if (weight[i] > 0)
            ceiling = fit[i];
        else
            fit[i] = g[i] < ceiling ? g[i] : ceiling;
    }
    for (size_t i = 0; i < n; i++) {
        fit[i] = fit[i] > floor_value ? fit[i] : floor_value;
        floor_value = fit[i];
    }
}

double
schedule_amount(const struct schedule *s, size_t i, double scale)
{
    const double wanted = scale == INFINITY ? INFINITY : scale * s->fit[i];

    return wanted < s->lowest ? s->lowest : wanted > s->highest[i] ? s->highest[i] : wanted;
}

double
schedule_cost(const struct schedule *s, double scale)
{
    double sum = 0;

    for (size_t i = 0; i < s->n; i++)
        if (s->claims[i] > 0)
            sum += s->cost(s->context, i, schedule_amount(s, i, scale));
    return sum;
}

/* False position that halves the stale end (Illinois) until the bracket is a rounding error wide:
 * the cost is piecewise linear where payments are fixed, so a dozen steps usually do. */
double
schedule_scale(const struct schedule *s, double budget)
{
    double low = 0, high = 0;

    for (size_t i = 0; i < s->n; i++)
        if (s->claims[i] > 0 && s->fit[i] > 0 && s->highest[i] / s->fit[i] > high)
            high = s->highest[i] / s->fit[i];
    double below = schedule_cost(s, 0) - budget, above = schedule_cost(s, high) - budget;
    if (above <= 0)
        return above < 0 ? INFINITY : high;
    if (below >= 0)
        return 0;
    for (int i = 0, side = 0; i < 400; i++) {
        double middle =
            i % 3 == 2 ? (low + high) / 2 : (low * above - high * below) / (above - below);
        if (!(middle > low && middle < high))
            middle = (low + high) / 2;
        if (middle <= low || middle >= high)
            break;
        const double value = schedule_cost(s, middle) - budget;
        if (value == 0)
            return middle;
        if (value < 0) {
            low = middle, below = value;
            above = side == -1 ? above / 2 : above;
            side = -1;
        } else {
            high = middle, above = value;
            below = side == 1 ? below / 2 : below;
            side = 1;
        }
        if (high - low < high * 1e-15)
            break;
    }
    return low;
}

static int
by_need(const void *a, const void *b)
{
    const struct run *x = a, *y = b;

    if (x->remainder != y->remainder)
        return x->remainder < y->remainder ? 1 : -1;
    return x->first < y->first ? 1 : -1;
}

/* Groups with the same exact amount form one run, so that equal severity gets equal money. */
static size_t
runs_of(const struct schedule *s, double scale, int64_t *steps, struct run *runs)
{
    size_t count = 0, last = 0;
    double amount = NAN;

    for (size_t i = 0; i < s->n; i++) {
        if (s->claims[i] <= 0)
            continue;
        const double exact = schedule_amount(s, i, scale);
        if (count && fabs(exact - amount) <= 1e-12 * exact) {
            runs[count - 1].past = i + 1;
            steps[i] = steps[last];
            continue;
        }
        /* a ten-billionth of a step is arithmetic, not money */
        steps[i] = (int64_t) floor(exact / s->step + 1e-9);
        const double rest = exact - (double) steps[i] * s->step;
        runs[count++] = (struct run){ i, i + 1, rest > 1e-9 ? rint(rest * 1e9) * 1e-9 : 0 };
        amount = exact;
        last = i;
    }
    return count;
}

static double
run_cost(const struct schedule *s, const struct run *run, int64_t steps)
{
    double sum = 0;

    for (size_t i = run->first; i < run->past; i++)
        if (s->claims[i] > 0)
            sum += s->cost(s->context, i, (double) steps * s->step);
    return sum;
}

static int64_t
steps_of_next(const struct schedule *s, const struct run *run, const int64_t *steps)
{
    for (size_t i = run->past; i < s->n; i++)
        if (s->claims[i] > 0)
            return steps[i];
    return INT64_MAX;
}

static bool
run_fits(const struct schedule *s, const struct run *run, int64_t wanted)
{
    for (size_t i = run->first; i < run->past; i++)
        if (s->claims[i] > 0 && (double) wanted * s->step > s->highest[i] + 1e-9)
            return false;
    return true;
}

/* Groups without claims follow their neighbours and cost nothing. */
static void
place_weightless(const struct schedule *s, double scale, int64_t *steps)
{
    int64_t ceiling = INT64_MAX, below = 0;

    for (size_t i = s->n; i-- > 0;) {
        if (s->claims[i] > 0) {
            ceiling = steps[i];
            continue;
        }
        steps[i] = (int64_t) floor(schedule_amount(s, i, scale) / s->step + 1e-9);
        steps[i] = steps[i] < ceiling ? steps[i] : ceiling;
    }
    for (size_t i = 0; i < s->n; i++) {
        steps[i] = steps[i] > below ? steps[i] : below;
        below = steps[i];
    }
}

double
schedule_round(const struct schedule *s, double scale, double budget, int64_t *steps, bool *raised,
               struct run *runs)
{
    const size_t count = runs_of(s, scale, steps, runs);
    double cost = 0;

    for (size_t i = 0; i < s->n; i++)
        raised[i] = false;
    for (size_t r = 0; r < count; r++)
        cost += run_cost(s, &runs[r], steps[runs[r].first]);
    qsort(runs, count, sizeof *runs, by_need);
    for (size_t r = 0; r < count && runs[r].remainder > 0; r++) {
        const struct run *run = &runs[r];
        const int64_t now = steps[run->first];
        if (now + 1 > steps_of_next(s, run, steps) || !run_fits(s, run, now + 1))
            continue;
        const double more = run_cost(s, run, now + 1) - run_cost(s, run, now);
        if (cost + more > budget * (1 + 1e-12) + 1e-9)
            continue;
        cost += more;
        for (size_t i = run->first; i < run->past; i++)
            if (s->claims[i] > 0) {
                steps[i] = now + 1;
                raised[i] = true;
            }
    }
    place_weightless(s, scale, steps);
    return cost;
}
