/* rule.h - the rule language of a pack: text to tree, and the tree's truth when only part is known.
 */
#ifndef HUZHU_DRG_RULE_H
#define HUZHU_DRG_RULE_H

#include "arena/arena.h"
#include "hzs.h"

enum rule_kind { RULE_ATOM, RULE_ALWAYS, RULE_NEVER, RULE_NOT, RULE_AND, RULE_OR };

struct rule {
    enum rule_kind kind;
    struct rule *first, *next; /* of NOT, AND, OR: their terms; next: the term after this one */
    /* of an ATOM */
    enum hzs_op op;
    enum hzs_cmp cmp;
    int32_t number;
    const char *word; /* the list of the slots and of parts; the text of sex, leave and dept */
    uint32_t list;    /* number of that list, filled in by who knows the lists */
};

struct rule_fault {
    size_t at; /* byte of the text, counted from 1 */
    const char *zh, *en;
};

/* NULL after a fault.  The tree and its words live in the arena. */
struct rule *rule_parse(const char *text, struct arena *arena, struct rule_fault *fault) MUST_CHECK;

static inline bool
rule_reads_list(const struct rule *rule)
{
    return rule->kind == RULE_ATOM && rule->op <= HZS_PARTS;
}
static inline bool
rule_reads_procedures(const struct rule *rule)
{
    return rule->op >= HZS_POP && rule->op <= HZS_OP;
}

/* Calls visit for every atom, in the order of the text. */
void rule_each_atom(struct rule *rule, void (*visit)(struct rule *atom, void *context),
                    void *context);

/* Three-valued logic: what a rule is worth while some of its atoms are unknown.  An answer other
 * than UNKNOWN holds whatever the unknown atoms turn out to be. */
enum truth { TRUTH_FALSE, TRUTH_UNKNOWN, TRUTH_TRUE };
enum truth rule_truth(const struct rule *rule,
                      enum truth (*atom)(const struct rule *atom, const void *context),
                      const void *context);

static inline enum truth
truth_of(bool value)
{
    return value ? TRUTH_TRUE : TRUTH_FALSE;
}

static inline bool
compare_numbers(enum hzs_cmp cmp, int64_t a, int64_t b)
{
    switch (cmp) {
    case HZS_EQ:
        return a == b;
    case HZS_NE:
        return a != b;
    case HZS_LT:
        return a < b;
    case HZS_LE:
        return a <= b;
    case HZS_GT:
        return a > b;
    case HZS_GE:
        return a >= b;
    case HZS_CMP_COUNT:
        break;
    }
    return false;
}

#endif
