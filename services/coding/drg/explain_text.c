/* explain_text.c - the path of a stay as sentences, in Chinese or English.
 *
 * Rows that failed for the same reason one after another are told in one line, because an organiser
 * wants to know why the stay went where it went and not read forty times that an operation was not
 * made. */
#include <string.h>

#include "drg.h"

struct teller {
    FILE *out;
    bool zh;
};

static const char *
member(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static bool
flag(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

static const char *
pick(const struct teller *t, const char *zh, const char *en)
{
    return t->zh ? zh : en;
}

static void
say(const struct teller *t, const char *text)
{
    (void) fputs(text, t->out);
}

/* A list of texts with the language's comma. */
static void
say_list(const struct teller *t, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        say(t, i > 0 ? pick(t, "、", ", ") : "");
        say(t, json_string_value(json_array_get(list, i)));
    }
}

/* ---- tests ---- */

static void
say_list_test(const struct teller *t, const json_t *test, bool each)
{
    static const struct {
        const char *test, *zh_in, *zh_out, *en_in, *en_out;
    } slots[] = {
        { "pdx", "主要诊断属于", "主要诊断不属于", "the principal diagnosis is in",
          "the principal diagnosis is not in" },
        { "sdx", "有其他诊断属于", "没有其他诊断属于", "another diagnosis is in",
          "no other diagnosis is in" },
        { "dx", "有诊断属于", "没有诊断属于", "a diagnosis is in", "no diagnosis is in" },
        { "pop", "主要手术操作属于", "主要手术操作不属于（或没有手术操作）",
          "the principal procedure is in", "the principal procedure (if any) is not in" },
        { "sop", "有其他手术操作属于", "没有其他手术操作属于", "a further procedure is in",
          "no further procedure is in" },
        { "op", "有手术操作属于", "没有手术操作属于", "a procedure is in", "no procedure is in" },
    };
    const bool holds = flag(test, "holds");

    for (size_t i = 0; i < COUNT(slots); i++) {
        if (strcmp(slots[i].test, member(test, "test")) != 0)
            continue;
        say(t, holds ? pick(t, slots[i].zh_in, slots[i].en_in)
                     : pick(t, slots[i].zh_out, slots[i].en_out));
        if (each)
            say(t, pick(t, "各自要求的编码表", " the list that each of them asks for"));
        else if (strcmp(member(test, "list"), "VALID") == 0)
            say(t, pick(t, "本方案认可的手术操作", " the scheme's valid procedures"));
        else
            (void) fprintf(t->out, t->zh ? "编码表 %s" : " list %s", member(test, "list"));
    }
    if (!each && json_array_size(json_object_get(test, "by")) > 0) {
        say(t, pick(t, "（", " ("));
        say_list(t, json_object_get(test, "by"));
        say(t, pick(t, "）", ")"));
    }
}

static void
say_value(const struct teller *t, const json_t *value)
{
    if (json_is_integer(value))
        (void) fprintf(t->out, "%lld", (long long) json_integer_value(value));
    else if (json_is_string(value))
        say(t, json_string_value(value));
    else
        say(t, pick(t, "缺失", "missing"));
}

static void
say_value_test(const struct teller *t, const json_t *test)
{
    static const struct {
        const char *test, *zh, *en;
    } fields[] = {
        { "age", "年龄（岁）", "age in years" },
        { "days", "日龄（天）", "age in days" },
        { "weight", "出生体重（克）", "birth weight in grams" },
        { "los", "住院天数", "days in hospital" },
        { "icu", "重症监护小时数", "hours in intensive care" },
        { "sex", "性别", "sex" },
        { "leave", "离院方式", "way of leaving" },
        { "dept", "科室", "department" },
    };

    for (size_t i = 0; i < COUNT(fields); i++) {
        if (strcmp(fields[i].test, member(test, "test")) == 0)
            say(t, pick(t, fields[i].zh, fields[i].en));
    }
    say(t, pick(t, "为", " is "));
    say_value(t, json_object_get(test, "is"));
    say(t, flag(test, "holds") ? pick(t, "，满足 ", ", as wanted: ")
                               : pick(t, "，不满足 ", ", but wanted: "));
    say(t, member(test, "sign"));
    say(t, " ");
    say_value(t, json_object_get(test, "wanted"));
}

/* each: the test stands for several rows that ask the same of different lists. */
static void
say_test(const struct teller *t, const json_t *test, bool each)
{
    const char *name = member(test, "test");
    const bool holds = flag(test, "holds");
    const json_t *by = json_object_get(test, "by");

    if (json_object_get(test, "list")) {
        say_list_test(t, test, each);
    } else if (strcmp(name, "parts") == 0) {
        (void) fprintf(
            t->out, t->zh ? "诊断涉及 %zu 个身体部位" : "the diagnoses touch %zu parts of the body",
            json_array_size(json_object_get(test, "parts")));
        if (json_array_size(json_object_get(test, "parts")) > 0) {
            say(t, pick(t, "（", " ("));
            say_list(t, json_object_get(test, "parts"));
            say(t, pick(t, "）", ")"));
        }
        say(t, pick(t, "，要求 ", ", wanted: "));
        say(t, member(test, "sign"));
        say(t, " ");
        say_value(t, json_object_get(test, "wanted"));
    } else if (strcmp(name, "mcc") == 0 || strcmp(name, "cc") == 0) {
        const bool severe = name[0] == 'm';
        if (holds)
            say(t, severe ? pick(t, "有严重并发症或合并症（MCC）",
                                 "there is a major complication (MCC)")
                          : pick(t, "有并发症或合并症（CC）", "there is a complication (CC)"));
        else
            say(t, severe
                       ? pick(t, "没有计入的严重并发症或合并症（MCC）",
                              "no major complication (MCC) counts")
                       : pick(t, "没有计入的并发症或合并症（CC）", "no complication (CC) counts"));
        if (json_array_size(by) > 0) {
            say(t, pick(t, "：", ": "));
            say_list(t, by);
        }
    } else {
        say_value_test(t, test);
    }
}

/* Whether a test tells why: if any alone would have turned the rule, those do; else all. */
static bool
any_decisive(const json_t *item)
{
    const json_t *tests = json_object_get(item, "tests");

    for (size_t i = 0; i < json_array_size(tests); i++) {
        if (flag(json_array_get(tests, i), "decisive"))
            return true;
    }
    return false;
}

static void
say_why(const struct teller *t, const json_t *item, bool each)
{
    const json_t *tests = json_object_get(item, "tests");
    const bool choose = any_decisive(item);
    bool first = true;

    for (size_t i = 0; i < json_array_size(tests); i++) {
        const json_t *test = json_array_get(tests, i);
        if (choose && !flag(test, "decisive"))
            continue;
        say(t, first ? "" : pick(t, "；", "; "));
        say_test(t, test, each);
        first = false;
    }
    if (first)
        say(t, flag(item, "holds") ? pick(t, "无条件", "no condition")
                                   : pick(t, "方案规定永不成立", "the scheme says never"));
}

/* ---- rows of the same fate ---- */

static bool
same_value(const json_t *a, const json_t *b, const char *key)
{
    const json_t *x = json_object_get(a, key), *y = json_object_get(b, key);

    return (!x && !y) || (x && y && json_equal(x, y));
}

/* Two failed items whose reasons differ by no more than the list that was asked for. */
static bool
same_reason(const json_t *a, const json_t *b)
{
    static const char *const keys[] = { "test", "holds", "decisive", "sign", "wanted", "is" };
    const json_t *x = json_object_get(a, "tests"), *y = json_object_get(b, "tests");

    if (flag(a, "holds") || flag(b, "holds"))
        return false;
    const bool choose = any_decisive(a);
    if (choose != any_decisive(b))
        return false;
    size_t i = 0, j = 0;
    for (;; i++, j++) {
        while (choose && i < json_array_size(x) && !flag(json_array_get(x, i), "decisive"))
            i++;
        while (choose && j < json_array_size(y) && !flag(json_array_get(y, j), "decisive"))
            j++;
        if (i >= json_array_size(x) || j >= json_array_size(y))
            return i >= json_array_size(x) && j >= json_array_size(y);
        for (size_t k = 0; k < COUNT(keys); k++) {
            if (!same_value(json_array_get(x, i), json_array_get(y, j), keys[k]))
                return false;
        }
    }
}

/* Tells the failed items from first on that share a reason; returns the one after them. */
static size_t
say_failed(const struct teller *t, const json_t *items, size_t first, const char *key,
           const char *indent)
{
    size_t end = first + 1;

    while (end < json_array_size(items) &&
           same_reason(json_array_get(items, first), json_array_get(items, end)))
        end++;
    (void) fprintf(t->out, "%s✗ ", indent);
    for (size_t i = first; i < end; i++) {
        say(t, i > first ? pick(t, "、", ", ") : "");
        say(t, member(json_array_get(items, i), key));
    }
    const json_t *item = json_array_get(items, first);
    if (end == first + 1)
        (void) fprintf(t->out, " %s", member(item, "name"));
    say(t, pick(t, "：", ": "));
    say_why(t, item, end > first + 1);
    say(t, "\n");
    return end;
}

static void
say_held(const struct teller *t, const json_t *item, const char *key, const char *indent)
{
    (void) fprintf(t->out, "%s✓ %s %s", indent, member(item, key), member(item, "name"));
    say(t, pick(t, "：", ": "));
    say_why(t, item, false);
    say(t, "\n");
}

static void
say_rows(const struct teller *t, const json_t *rows)
{
    for (size_t i = 0; i < json_array_size(rows);) {
        const json_t *row = json_array_get(rows, i);
        const json_t *refinements = json_object_get(row, "refinements");
        if (!flag(row, "holds")) {
            i = say_failed(t, rows, i, "key", "      ");
            continue;
        }
        say_held(t, row, "key", "      ");
        for (size_t j = 0; j < json_array_size(refinements);) {
            if (flag(json_array_get(refinements, j), "holds"))
                say_held(t, json_array_get(refinements, j++), "drg", "          ");
            else
                j = say_failed(t, refinements, j, "drg", "          ");
        }
        if (flag(row, "ambiguous"))
            say(t, pick(t, "          有认可的手术操作，但本MDC没有手术组收它：歧义病案\n",
                        "          a valid procedure that no surgical group of this MDC took: "
                        "ambiguous\n"));
        else if (!flag(row, "taken"))
            say(t, pick(t, "          其下没有DRG成立，继续尝试下一个ADRG\n",
                        "          none of its DRGs holds; the next ADRG is tried\n"));
        i++;
    }
}

static void
say_pass(const struct teller *t, const json_t *pass)
{
    const json_t *mdcs = json_object_get(pass, "mdcs");
    const char *only = member(pass, "only_procedure");

    if (only[0] != '\0')
        (void) fprintf(t->out,
                       t->zh ? "仍未入组：改用手术操作 %s 作为唯一手术操作再试一遍\n"
                             : "no group yet: once more with %s as the only procedure\n",
                       only);
    else
        say(t, pick(t, "依次检查主要诊断大类（MDC）：\n",
                    "the major diagnostic categories (MDC), in order:\n"));
    for (size_t i = 0; i < json_array_size(mdcs);) {
        const json_t *mdc = json_array_get(mdcs, i);
        if (!flag(mdc, "holds")) {
            i = say_failed(t, mdcs, i, "mdc", "  ");
            continue;
        }
        say_held(t, mdc, "mdc", "  ");
        say_rows(t, json_object_get(mdc, "rows"));
        if (!flag(mdc, "taken"))
            say(t, pick(t, "      本MDC没有ADRG收入此病例，继续检查下一个MDC\n",
                        "      no ADRG of this MDC took the stay; the next MDC is looked at\n"));
        i++;
    }
}

/* ---- the stay ---- */

static void
say_complication(const struct teller *t, const json_t *one, const char *kind)
{
    if (!one)
        return;
    (void) fprintf(t->out, t->zh ? "；是%s" : "; is %s", kind);
    if (flag(one, "excluded"))
        (void) fprintf(
            t->out,
            t->zh
                ? "，但主要诊断属于同一排除表 %s，不计入"
                : ", but the principal diagnosis stands in its exclusion table %s: does not count",
            member(one, "table"));
    else
        say(t, pick(t, "，计入", ", counts"));
}

static void
say_codes(const struct teller *t, const json_t *codes, const char *principal)
{
    for (size_t i = 0; i < json_array_size(codes); i++) {
        const json_t *code = json_array_get(codes, i);
        (void) fprintf(t->out, "  %zu. %s", i + 1, member(code, "given"));
        if (flag(code, "dropped"))
            say(t, pick(t, "：转换后删除", ": dropped by the conversion"));
        else if (!flag(code, "known"))
            say(t, pick(t, "：本方案没有此编码，不参与分组",
                        ": unknown to the scheme, matches nothing"));
        if (strcmp(member(code, "code"), member(code, "given")) != 0 && flag(code, "known"))
            (void) fprintf(t->out, " → %s", member(code, "code"));
        (void) fprintf(t->out, " %s", member(code, "name"));
        if (flag(code, "principal"))
            say(t, principal);
        say_complication(t, json_object_get(code, "mcc"),
                         pick(t, "严重并发症或合并症（MCC）", "a major complication (MCC)"));
        say_complication(t, json_object_get(code, "cc"),
                         pick(t, "并发症或合并症（CC）", "a complication (CC)"));
        say(t, "\n");
    }
    if (json_array_size(codes) == 0)
        say(t, pick(t, "  无\n", "  none\n"));
}

static void
say_stay(const struct teller *t, const json_t *stay)
{
    static const struct {
        const char *key, *zh, *en;
    } fields[] = {
        { "age", "岁", "years" },
        { "days", "天（日龄）", "days old" },
        { "weight", "克（出生体重）", "g at birth" },
        { "los", "天住院", "days in hospital" },
        { "icu", "小时重症监护", "hours in intensive care" },
    };
    const char *sex = member(stay, "sex");

    say(t, pick(t, "病例：", "stay: "));
    say(t, sex[0] == 'M'   ? pick(t, "男", "male")
           : sex[0] == 'F' ? pick(t, "女", "female")
                           : pick(t, "性别不详", "sex unknown"));
    for (size_t i = 0; i < COUNT(fields); i++) {
        const json_t *value = json_object_get(stay, fields[i].key);
        if (json_is_integer(value))
            (void) fprintf(t->out, t->zh ? "，%lld%s" : ", %lld %s",
                           (long long) json_integer_value(value),
                           pick(t, fields[i].zh, fields[i].en));
    }
    say(t, "\n");
}

static void
say_result(const struct teller *t, const json_t *trace)
{
    const json_t *result = json_object_get(trace, "result");
    const char *status = member(result, "status");

    for (int i = 0; i < DRG_STATUS_COUNT; i++) {
        if (strcmp(status, drg_status_wire((enum drg_status) i)) == 0)
            (void) fprintf(t->out, t->zh ? "结果：%s" : "result: %s",
                           t->zh ? drg_status_zh((enum drg_status) i)
                                 : drg_status_en((enum drg_status) i));
    }
    if (member(result, "drg")[0] != '\0')
        (void) fprintf(t->out, t->zh ? "，DRG %s %s" : ", DRG %s %s", member(result, "drg"),
                       member(result, "drg_name"));
    if (member(result, "why")[0] != '\0')
        (void) fprintf(t->out, t->zh ? "（%s）" : " (%s)",
                       t->zh ? member(result, "why_zh") : member(result, "why_en"));
    say(t, "\n");
    if (!flag(trace, "agrees"))
        say(t, pick(t, "警告：分组器给出了不同的结果，请报告此缺陷\n",
                    "warning: the grouper came to another answer; please report this defect\n"));
}

err_t
drg_explain_text(const json_t *trace, enum drg_language language, FILE *out)
{
    const struct teller teller = { out, language == DRG_ZH }, *t = &teller;
    const json_t *scheme = json_object_get(trace, "scheme");
    const json_t *passes = json_object_get(trace, "passes");

    (void) fprintf(out,
                   t->zh ? "方案：%s（版本 %s，校验 %.12s）\n"
                         : "scheme: %s (version %s, checksum %.12s)\n",
                   member(scheme, "name"), member(scheme, "version"), member(scheme, "checksum"));
    say_stay(t, json_object_get(trace, "stay"));
    if (flag(json_object_get(trace, "stay"), "converted"))
        say(t,
            pick(t, "编码已按方案的转换表转换\n", "codes are converted by the scheme's tables\n"));
    say(t, pick(t, "诊断：\n", "diagnoses:\n"));
    say_codes(t, json_object_get(trace, "diagnoses"), pick(t, "（主要诊断）", " (principal)"));
    say(t, pick(t, "手术操作：\n", "procedures:\n"));
    say_codes(t, json_object_get(trace, "procedures"), pick(t, "（主要手术操作）", " (principal)"));
    for (size_t i = 0; i < json_array_size(passes); i++)
        say_pass(t, json_array_get(passes, i));
    say_result(t, trace);
    return ferror(out) ? ERR_UNAVAILABLE : ERR_OK;
}
