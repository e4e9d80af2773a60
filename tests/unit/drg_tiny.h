/* drg_tiny.h - a pack of a few rows with every kind of rule, as text, for tests that break it. */
#ifndef HUZHU_TEST_DRG_TINY_H
#define HUZHU_TEST_DRG_TINY_H

#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "drg.h"
#include "pack.h"

struct tiny_file {
    const char *name, *text;
};

/* In the order of enum pack_file; scheme.json is the last. */
static const struct tiny_file tiny[PACK_FILE_COUNT + 1] = {
    { "mdc.tsv", "seq\tmdc\tname\trule\n1\tA\tfirst\tpop in VALID or pop in "
                 "A.Px\n2\tP\tnewborn\tpdx in P.D and age = 0\n"
                 "3\tZ\ttrauma\tpdx in Z.D and parts Z.D >= 2\n4\tG\tbelly\tpdx in G.D\n" },
    { "adrg.tsv",
      "seq\tmdc\tkey\tadrg\tkind\tname\trule\n1\tA\tAH1\tAH1\tgroup\tventilator\tpop in A.Px\n"
      "2\tP\tPS1\tPS1\tgroup\tsmall\tpdx in P.D and weight < 1500 and days <= 28\n"
      "3\tP\tPV1\tPV1\tgroup\tother\talways\n4\tZ\tZZ1\tZZ1\tgroup\tmany\tnot op in VALID\n"
      "5\tG\tGE1\tGE1\tgroup\tappendix\tpop in GE1.P and (not sdx in Z.D or sop in GE1.P)\n"
      "6\tG\tGQY\tGQY\tambiguous\tunclear\top in VALID\n7\tG\tGZ1\tGZ1\tgroup\tmedical\tdx in "
      "G.D\n" },
    { "drg.tsv",
      "seq\tkey\tdrg\tname\trule\n1\tAH1\tAH19\tventilator\talways\n2\tPS1\tPS19\tsmall\talways\n"
      "3\tPV1\tPV19\tother\talways\n4\tZZ1\tZZ19\tmany\talways\n5\tGE1\tGE11\twith MCC\tmcc\n"
      "6\tGE1\tGE13\twith CC\tmcc or cc\n7\tGE1\tGE15\twithout\talways\n8\tGZ1\tGZ17\tyoung\tage < "
      "17\n"
      "9\tGZ1\tGZ18\tlong\tlos > 60 or icu >= 10 or leave = 5 or dept != ICU and sex = F\n"
      "10\tGZ1\tGZ19\tmedical\talways\n" },
    { "lists.tsv",
      "list\tcode\tpart\nA.Px\t96.7201\t\nP.D\tP07.300\t\nP.D\tP22.000\t\nZ.D\tS06.000\thead\n"
      "Z.D\tS72.000\tleg\nG.D\tK35.800\t\nG.D\tK35.900+A00.0x0*J\t\nGE1.P\t47.0900\t\n" },
    { "mcc.tsv", "code\ttable\nJ96.000\t1\nK65.000\t2\n" },
    { "cc.tsv", "code\ttable\nE87.600\t1\n" },
    { "exclusions.tsv", "principal\ttable\nK35.800\t2\nS06.000\t1\n" },
    { "dx.tsv",
      "code\tname\nE87.600\tpotassium\nJ96.000\tfailure\nK35.800\tappendicitis\nK35.900+A00.0x0*"
      "J\tlong code\n"
      "K65.000\tperitonitis\nP07.300\tpreterm\nP22.000\tdistress\nS06.000\thead\nS72.000\tleg\n" },
    { "proc.tsv", "code\tname\tvalid\n47.0900\tappendectomy\t1\n51.2300\tgall "
                  "bladder\t1\n96.7201\tventilation\t0\n" },
    { "dx_map.tsv", "from\tto\nK35.801\tK35.800\nK35.800\tK65.000\nX00.000\t\nJ96.000\tJ96.000\n" },
    { "proc_map.tsv", "from\tto\n47.0901\t47.0900\n" },
    { "scheme.json",
      "{\"format\":\"huzhu-drg-pack/1\",\"id\":\"tiny\",\"name\":\"tiny\",\"version\":\"3\","
      "\"newborn_days\":28,\"retry_other_procedures\":true}" },
};

/* One file replaced (NULL: none); the bytes are copied, because reading cuts them up. */
static inline struct pack_source
tiny_source(struct arena *arena, const char *replaced, const char *text)
{
    struct pack_source source;

    for (int i = 0; i <= PACK_FILE_COUNT; i++) {
        const char *from = replaced && strcmp(replaced, tiny[i].name) == 0 ? text : tiny[i].text;
        const struct tsv_bytes bytes = { from ? arena_strdup(arena, from) : NULL,
                                         from ? strlen(from) : 0 };
        if (i == PACK_FILE_COUNT)
            source.json = bytes;
        else
            source.files[i] = bytes;
    }
    return source;
}

/* The tiny pack as a compiled image; NULL when it fails. */
static inline void *
tiny_image(size_t *size)
{
    struct arena *arena = arena_create(PACK_ARENA_BYTES);
    const struct pack_source source = tiny_source(arena, NULL, NULL);
    struct findings findings;
    struct pack pack;
    struct err err;
    void *image = NULL;

    findings_init(&findings);
    if (pack_read(arena, &source, &pack, &findings) &&
        compile_pack(&pack, &image, size, &err) != ERR_OK)
        image = NULL;
    pack_close(&pack);
    findings_done(&findings);
    return image;
}

/* A few stays that reach every kind of rule. */
static inline size_t
tiny_stays(struct drg_stay stays[8])
{
    static const struct drg_text appendix[] = {
        { "K35.800", 7 }, { "J96.000", 7 }, { "K65.000", 7 }, { "?", 1 }
    };
    static const struct drg_text trauma[] = { { "S06.000", 7 }, { "S72.000", 7 } };
    static const struct drg_text baby[] = { { "P07.300", 7 } };
    static const struct drg_text longer[] = { { "K35.900+A00.0x0*J", 17 }, { "", 0 } };
    static const struct drg_text foreign[] = { { "K35.801", 7 }, { "X00.000", 7 } };
    static const struct drg_text ops[] = { { "51.2300", 7 }, { "47.0900", 7 }, { "96.7201", 7 } };
    const struct drg_stay base = { .sex = DRG_FEMALE,
                                   .age = 40,
                                   .days = -1,
                                   .weight = -1,
                                   .los = 70,
                                   .icu = 0,
                                   .dept = { "ICU", 3 },
                                   .leave = { "5", 1 } };

    for (int i = 0; i < 8; i++)
        stays[i] = base;
    stays[0].dx = appendix, stays[0].dx_count = 4, stays[0].op = ops + 1, stays[0].op_count = 1;
    stays[1].dx = trauma, stays[1].dx_count = 2;
    stays[2].dx = baby, stays[2].dx_count = 1, stays[2].age = 0, stays[2].days = 3,
    stays[2].weight = 1200;
    stays[3].dx = longer, stays[3].dx_count = 2;
    stays[4].dx = foreign, stays[4].dx_count = 2, stays[4].convert = true;
    stays[5].dx = appendix, stays[5].dx_count = 1, stays[5].op = ops, stays[5].op_count = 3;
    stays[6].dx = appendix + 3, stays[6].dx_count = 1, stays[6].op = ops, stays[6].op_count = 3;
    return 8;
}

/* Groups and explains them all; returns how many were grouped. */
static inline size_t
tiny_run(const struct drg_scheme *scheme)
{
    struct drg_stay stays[8];
    const size_t count = tiny_stays(stays);
    struct drg_result results[8];
    size_t grouped = 0;

    drg_group_many(scheme, stays, count, results);
    for (size_t i = 0; i < count; i++) {
        json_t *trace = drg_explain(scheme, &stays[i]);
        FILE *nowhere = fopen("/dev/null", "w");
        if (trace && nowhere && drg_explain_text(trace, i % 2 ? DRG_ZH : DRG_EN, nowhere) != ERR_OK)
            abort();
        if (nowhere)
            (void) fclose(nowhere);
        json_decref(trace);
        grouped += results[i].status == DRG_OK;
    }
    return grouped;
}

#endif
