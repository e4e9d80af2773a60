/* rule.c - a recursive-descent parser; the grammar is FORMAT.md's. */
#include "rule.h"

#include <stdlib.h>
#include <string.h>

/* Nesting of parentheses and nots: the deepest of the known schemes is 3, the stack bears
 * thousands. */
enum { DEPTH_MAX = 200 };

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_CMP, TOKEN_BAD };

struct parser {
    const char *text, *at, *token_at;
    struct arena *arena;
    struct rule_fault *fault;
    enum token_kind token;
    enum hzs_cmp cmp;
    const char *word;
    int depth;
};

static void
next_token(struct parser *p)
{
    static const struct {
        char text[3];
        enum hzs_cmp cmp;
    } signs[] = { { "!=", HZS_NE }, { "<=", HZS_LE }, { ">=", HZS_GE },
                  { "=", HZS_EQ },  { "<", HZS_LT },  { ">", HZS_GT } };

    while (*p->at == ' ')
        p->at++;
    p->token_at = p->at;
    if (*p->at == '\0') {
        p->token = TOKEN_END;
        return;
    }
    if (*p->at == '(' || *p->at == ')') {
        p->token = *p->at++ == '(' ? TOKEN_OPEN : TOKEN_CLOSE;
        return;
    }
    for (size_t i = 0; i < COUNT(signs); i++) {
        const size_t size = strlen(signs[i].text);
        if (strncmp(p->at, signs[i].text, size) == 0) {
            p->at += size;
            p->token = TOKEN_CMP;
            p->cmp = signs[i].cmp;
            return;
        }
    }
    /* A lone "!" is a character like others: only "!=" is a sign. */
    while (*p->at != '\0' && !strchr(" ()=<>", *p->at) && !(p->at[0] == '!' && p->at[1] == '='))
        p->at++;
    const size_t size = (size_t) (p->at - p->token_at);
    char *word = arena_alloc(p->arena, size + 1);
    if (!word) {
        p->token = TOKEN_BAD;
        return;
    }
    memcpy(word, p->token_at, size);
    p->word = word;
    p->token = TOKEN_WORD;
}

static struct rule *
fail(struct parser *p, const char *zh, const char *en)
{
    if (p->fault->zh == NULL) { /* the first one is the cause */
        p->fault->at = (size_t) (p->token_at - p->text) + 1;
        p->fault->zh = zh;
        p->fault->en = en;
    }
    return NULL;
}

static bool
is_word(const struct parser *p, const char *word)
{
    return p->token == TOKEN_WORD && strcmp(p->word, word) == 0;
}

static struct rule *
new_rule(struct parser *p, enum rule_kind kind)
{
    struct rule *rule = arena_alloc(p->arena, sizeof *rule);

    if (!rule)
        return fail(p, "内存不足", "out of memory");
    rule->kind = kind;
    return rule;
}

/* cmp NUMBER */
static struct rule *
parse_comparison(struct parser *p, struct rule *atom)
{
    int64_t number = 0;

    if (p->token != TOKEN_CMP)
        return fail(p, "此处应为比较符号", "a comparison is expected here");
    atom->cmp = p->cmp;
    next_token(p);
    if (p->token != TOKEN_WORD)
        return fail(p, "此处应为数字", "a number is expected here");
    for (const char *c = p->word; *c; c++) {
        if (*c < '0' || *c > '9')
            return fail(p, "不是非负整数", "is no whole decimal number");
        number = number * 10 + (*c - '0');
        if (number > INT32_MAX)
            return fail(p, "数字过大", "the number is too large");
    }
    atom->number = (int32_t) number;
    next_token(p);
    return atom;
}

/* The list that an atom reads. */
static struct rule *
parse_list(struct parser *p, struct rule *atom)
{
    if (p->token != TOKEN_WORD)
        return fail(p, "此处应为编码表名称", "the name of a list is expected here");
    atom->word = p->word;
    next_token(p);
    return atom;
}

static struct rule *
parse_text_test(struct parser *p, struct rule *atom)
{
    if (p->token != TOKEN_CMP || (p->cmp != HZS_EQ && p->cmp != HZS_NE))
        return fail(p, "此处应为 = 或 !=", "= or != is expected here");
    atom->cmp = p->cmp;
    next_token(p);
    if (p->token != TOKEN_WORD)
        return fail(p, "此处应为文字", "a word is expected here");
    atom->word = p->word;
    next_token(p);
    return atom;
}

static struct rule *
parse_atom(struct parser *p)
{
    static const struct {
        const char *word;
        enum hzs_op op;
    } atoms[] = {
        { "pdx", HZS_PDX }, { "sdx", HZS_SDX },     { "dx", HZS_DX },
        { "pop", HZS_POP }, { "sop", HZS_SOP },     { "op", HZS_OP },
        { "age", HZS_AGE }, { "days", HZS_DAYS },   { "weight", HZS_WEIGHT },
        { "los", HZS_LOS }, { "icu", HZS_ICU },     { "parts", HZS_PARTS },
        { "sex", HZS_SEX }, { "leave", HZS_LEAVE }, { "dept", HZS_DEPT },
        { "mcc", HZS_MCC }, { "cc", HZS_CC },
    };
    const bool always = is_word(p, "always");
    struct rule *atom;

    if (always || is_word(p, "never")) {
        atom = new_rule(p, always ? RULE_ALWAYS : RULE_NEVER);
        next_token(p);
        return atom;
    }
    for (size_t i = 0; i < COUNT(atoms); i++) {
        if (!is_word(p, atoms[i].word))
            continue;
        if (!(atom = new_rule(p, RULE_ATOM)))
            return NULL;
        atom->op = atoms[i].op;
        next_token(p);
        if (atom->op <= HZS_OP) {
            if (!is_word(p, "in"))
                return fail(p, "此处应为 in", "\"in\" is expected here");
            next_token(p);
            return parse_list(p, atom);
        }
        if (atom->op == HZS_PARTS)
            return parse_list(p, atom) ? parse_comparison(p, atom) : NULL;
        if (atom->op <= HZS_ICU)
            return parse_comparison(p, atom);
        return atom->op <= HZS_DEPT ? parse_text_test(p, atom) : atom;
    }
    return p->token == TOKEN_END ? fail(p, "规则不完整", "the rule ends too early")
                                 : fail(p, "无法识别的条件", "no condition of the rule language");
}

/* DEPTH_MAX bounds the recursion of all that follows. */
/* NOLINTBEGIN(misc-no-recursion) */
static struct rule *parse_or(struct parser *p);

static struct rule *
parse_unary(struct parser *p)
{
    struct rule *rule, *term;

    if (++p->depth > DEPTH_MAX)
        return fail(p, "嵌套过深", "nested too deeply");
    if (is_word(p, "not")) {
        next_token(p);
        if (!(rule = new_rule(p, RULE_NOT)) || !(term = parse_unary(p)))
            return NULL;
        rule->first = term;
    } else if (p->token == TOKEN_OPEN) {
        next_token(p);
        if (!(rule = parse_or(p)))
            return NULL;
        if (p->token != TOKEN_CLOSE)
            return fail(p, "缺少右括号", "a closing parenthesis is missing");
        next_token(p);
    } else if (!(rule = parse_atom(p))) {
        return NULL;
    }
    p->depth--;
    return rule;
}

/* term { word term } */
static struct rule *
parse_chain(struct parser *p, enum rule_kind kind, const char *word,
            struct rule *(*parse_term)(struct parser *) )
{
    struct rule *first = parse_term(p), *chain, *last;

    if (!first || !is_word(p, word))
        return first;
    if (!(chain = new_rule(p, kind)))
        return NULL;
    chain->first = last = first;
    while (is_word(p, word)) {
        next_token(p);
        if (!(last->next = parse_term(p)))
            return NULL;
        last = last->next;
    }
    return chain;
}

static struct rule *
parse_and(struct parser *p)
{
    return parse_chain(p, RULE_AND, "and", parse_unary);
}

static struct rule *
parse_or(struct parser *p)
{
    return parse_chain(p, RULE_OR, "or", parse_and);
}

struct rule *
rule_parse(const char *text, struct arena *arena, struct rule_fault *fault)
{
    struct parser p = {
        .text = text, .at = text, .token_at = text, .arena = arena, .fault = fault
    };

    *fault = (struct rule_fault){ 0 };
    next_token(&p);
    struct rule *rule = parse_or(&p);
    if (rule && p.token != TOKEN_END)
        return fail(&p, "规则之后有多余内容", "something follows the end of the rule");
    return rule;
}

void
rule_each_atom(struct rule *rule, void (*visit)(struct rule *atom, void *context), void *context)
{
    if (rule->kind == RULE_ATOM)
        visit(rule, context);
    for (struct rule *term = rule->first; term; term = term->next)
        rule_each_atom(term, visit, context);
}

enum truth
rule_truth(const struct rule *rule,
           enum truth (*atom)(const struct rule *atom, const void *context), const void *context)
{
    if (rule->kind == RULE_ATOM)
        return atom(rule, context);
    if (rule->kind == RULE_ALWAYS || rule->kind == RULE_NEVER)
        return truth_of(rule->kind == RULE_ALWAYS);
    if (rule->kind == RULE_NOT)
        return TRUTH_TRUE - rule_truth(rule->first, atom, context);

    /* "and" is the least of its terms, "or" the greatest. */
    const enum truth strongest = rule->kind == RULE_AND ? TRUTH_FALSE : TRUTH_TRUE;
    enum truth result = TRUTH_TRUE - strongest;
    for (const struct rule *term = rule->first; term && result != strongest; term = term->next) {
        const enum truth one = rule_truth(term, atom, context);
        if (rule->kind == RULE_AND ? one < result : one > result)
            result = one;
    }
    return result;
}
/* NOLINTEND(misc-no-recursion) */
