/* year_bench.c - the year's work in figures, each pair in one run: the register against COPY,
 * payments and claims against pgbench with the same statements, every rpc at a million people.
 *
 *   bench.year [register|payments|claims|scale]... [REPEATS]
 *
 * Without words all four, in less than ten minutes on two cores.  HUZHU_BENCH_ROWS sets the rows of
 * the register (100000), HUZHU_BENCH_TOWNS the townships of 100,000 people each (10). */
#include <stdlib.h>
#include <string.h>

#include "year.h"

static int
number_of(const char *name, int fallback)
{
    const char *text = getenv(name);
    const long n = text ? strtol(text, NULL, 10) : fallback;

    return n > 0 && n < 1000000 ? (int) n : fallback;
}

static void
small_load(void)
{
    (void) printf("a township to work with\n");
    load_year(&(const struct load){
        .tenants = 1, .villages = 8, .households = 1000, .claims = 800, .enrolled_next = 10 });
}

static void
run_part(const char *part, int repeats)
{
    const struct load county = { .tenants = number_of("HUZHU_BENCH_TOWNS", 10),
                                 .villages = 25,
                                 .households = 1000,
                                 .claims = 10000,
                                 .enrolled_next = 2 };
    const double from = seconds_now();

    (void) printf("--- %s\n", part);
    world_open();
    services_migrate();
    if (strcmp(part, "register") == 0)
        bench_register(number_of("HUZHU_BENCH_ROWS", 100000), repeats);
    else if (strcmp(part, "scale") == 0)
        bench_scale(&county, 30);
    else {
        small_load();
        if (strcmp(part, "payments") == 0)
            bench_payments(repeats);
        else
            bench_claims(repeats);
    }
    world_close();
    (void) printf("  %s took %.0f s\n", part, seconds_now() - from);
    (void) fflush(stdout);
}

int
main(int argc, char **argv)
{
    static const char *const parts[] = { "register", "payments", "claims", "scale" };
    const long last = argc > 1 ? strtol(argv[argc - 1], NULL, 10) : 0;
    const int repeats = last > 0 && last <= 15 ? (int) last : 3, words = argc - 1 - (last > 0);
    bool any = words == 0;

    /* By lines also into a file: a child that is forked later must not find half of one. */
    (void) setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < COUNT(parts); i++)
        for (int k = 1; k <= words; k++)
            any |= strcmp(argv[k], parts[i]) == 0;
    if (!any)
        return fprintf(stderr, "usage: bench.year [register|payments|claims|scale]... [REPEATS]\n"),
               2;
    for (size_t i = 0; i < COUNT(parts); i++) {
        bool wanted = words == 0;
        for (int k = 1; k <= words; k++)
            wanted |= strcmp(argv[k], parts[i]) == 0;
        if (wanted)
            run_part(parts[i], repeats);
    }
    return 0;
}
