/* stay.h - what the grouper knows of one stay while it works; explain looks at the same facts. */
#ifndef HUZHU_DRG_STAY_H
#define HUZHU_DRG_STAY_H

#include "rule.h"
#include "scheme.h"

struct facts {
    const struct drg_stay *stay;
    const uint64_t
        *set[HZS_OP + 1]; /* list memberships by slot; the wide ones only for sdx, dx, sop, op */
    int32_t number[HZS_ICU - HZS_AGE + 1]; /* negative: missing */
    uint32_t pdx_class, pop_class;
    uint32_t op_kept; /* procedures that conversion left */
    uint32_t unknown_dx, unknown_op;
    uint16_t pdx_table;
    bool mcc, cc;
    uint64_t sdx[HZS_WIDE_WORDS_MAX], dx[HZS_WIDE_WORDS_MAX];
    uint64_t sop[HZS_WIDE_WORDS_MAX], op[HZS_WIDE_WORDS_MAX];
};

/* What became of one code of a stay; code is NULL when the scheme does not know it. */
struct found {
    const struct hzs_code *code;
    bool dropped; /* the conversion takes it out of the record */
};
enum drg_reason stay_find_dx(const struct drg_scheme *s, const struct drg_stay *stay, size_t i,
                             struct found *found);
enum drg_reason stay_find_op(const struct drg_scheme *s, const struct drg_stay *stay, size_t i,
                             struct found *found);

/* DRG_OK, or the status that stops the grouping before any rule is looked at. */
enum drg_status facts_gather(const struct drg_scheme *s, const struct drg_stay *stay,
                             struct facts *f, enum drg_reason *why);
/* Puts one procedure (NULL: an unknown one) in the place of all. */
void facts_one_procedure(const struct drg_scheme *s, const struct hzs_code *code, struct facts *f);
/* Whether one step's atom is true. */
bool facts_step(const struct drg_scheme *s, const struct hzs_step *step, const struct facts *f);

const char *drg_reason_zh(enum drg_reason reason);
const char *drg_reason_en(enum drg_reason reason);

#endif
