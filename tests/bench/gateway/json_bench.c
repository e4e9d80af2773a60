/* json_bench - our transcoder (text to message to text) against jansson (text to tree to text), the
 * same document of about 1 KiB, interleaved in one run.  Prints medians and the ratio (aim: 6). */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock/clock.h"
#include "gateway_sample.pb-c.h"
#include "transcode.h"

enum { REPEATS = 15, ROUNDS = 4000 };

static const char document[] =
    "{\"visitId\":\"0190a5e0-7c1a-7000-8000-0123456789ab\",\"patientName\":\"张三丰\",\"village\":"
    "\"石桥镇柳树村第三村民小组\","
    "\"hospital\":\"县人民医院\",\"department\":\"普通外科\",\"admittedOn\":\"2026-03-02\","
    "\"dischargedOn\":\"2026-03-11\","
    "\"mainDiagnosis\":\"K35.800 急性阑尾炎\",\"otherDiagnoses\":[\"I10.x00 "
    "原发性高血压\",\"E11.900 2型糖尿病\"],"
    "\"procedures\":[\"47.0100 "
    "腹腔镜下阑尾切除术\"],\"temperature\":38.6,\"weightKg\":61.25,\"drgWeight\":0.8734,"
    "\"rate\":0.65,\"latitude\":30.274085,\"longitude\":120.15507,\"billedFen\":\"1234567\","
    "\"paidFen\":\"890123\","
    "\"days\":9,\"emergency\":true,\"kind\":\"OPERATION\",\"items\":[{\"itemName\":\"床位费\","
    "\"kind\":\"BED\","
    "\"priceFen\":\"4500\",\"pieces\":9},{\"itemName\":\"头孢曲松钠\",\"kind\":\"DRUG\","
    "\"priceFen\":\"2380\",\"pieces\":14}],"
    "\"remark\":\"患者一般情况良好，伤口愈合佳，\\\"按期\\\"出院。\",\"filedAt\":\"2026-03-12T01:"
    "02:03.000000Z\"}";

static int
compare(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}

static double
ours(const struct shape *shape, struct arena *arena, struct text *out)
{
    const int64_t from = clock_monotonic_us();
    struct err err;

    for (int i = 0; i < ROUNDS; i++) {
        struct filling f;
        out->used = 0;
        if (transcode_open(shape, arena, &f, &err) != ERR_OK ||
            transcode_read(&f, document, sizeof document - 1, &err) != ERR_OK) {
            printf("refused: %s %s\n", err.reason, err.path);
            exit(EXIT_FAILURE);
        }
        transcode_write(shape, f.message, out);
        arena_reset(arena);
    }
    return (double) (clock_monotonic_us() - from) / ROUNDS;
}

static double
theirs(void)
{
    const int64_t from = clock_monotonic_us();

    for (int i = 0; i < ROUNDS; i++) {
        json_error_t why;
        json_t *tree = json_loadb(document, sizeof document - 1, JSON_REJECT_DUPLICATES, &why);
        char *text = json_dumps(tree, JSON_COMPACT);
        free(text);
        json_decref(tree);
    }
    return (double) (clock_monotonic_us() - from) / ROUNDS;
}

int
main(void)
{
    struct shapes *shapes = shapes_create();
    struct arena *arena = arena_create(16 << 20);
    const struct shape *shape;
    struct text out = { 0 };
    struct err err;
    double a[REPEATS], b[REPEATS], ratio[REPEATS];

    if (!shapes || !arena || shapes_get(shapes, &sample__visit__descriptor, &shape, &err) != ERR_OK)
        return EXIT_FAILURE;
    for (int i = 0; i < REPEATS; i++) {
        a[i] = ours(shape, arena, &out);
        b[i] = theirs();
        ratio[i] = b[i] / a[i];
    }
    if (out.used != sizeof document - 1 || memcmp(out.bytes, document, out.used) != 0) {
        printf("the document did not come back:\n%.*s\n", (int) out.used, out.bytes);
        return EXIT_FAILURE;
    }
    qsort(a, REPEATS, sizeof *a, compare);
    qsort(b, REPEATS, sizeof *b, compare);
    qsort(ratio, REPEATS, sizeof *ratio, compare);
    printf("json %zu bytes, parse and dump, us: transcoder %.2f [%.2f..%.2f], jansson %.2f "
           "[%.2f..%.2f], ratio %.1f [%.1f..%.1f] (aim 6)\n",
           sizeof document - 1, a[REPEATS / 2], a[0], a[REPEATS - 1], b[REPEATS / 2], b[0],
           b[REPEATS - 1], ratio[REPEATS / 2], ratio[0], ratio[REPEATS - 1]);
    text_free(&out);
    arena_destroy(arena);
    shapes_destroy(shapes);
    return EXIT_SUCCESS;
}
