/* page.c - what the villagers' meeting reads: plain Chinese, large figures, the whole table. */
#include "output.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define BARS 56

static void
html(FILE *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            (void) fputs("&amp;", out);
            break;
        case '<':
            (void) fputs("&lt;", out);
            break;
        case '>':
            (void) fputs("&gt;", out);
            break;
        case '"':
            (void) fputs("&quot;", out);
            break;
        default:
            (void) fputc(*text, out);
        }
}

/* 1,234,567 */
static const char *
grouped(double value, char text[static 32])
{
    char digits[24];
    size_t n = 0;

    (void) snprintf(digits, sizeof digits, "%.0f", fabs(rint(value)));
    if (rint(value) < 0)
        text[n++] = '-';
    for (size_t i = 0, length = strlen(digits); i < length && n < 30; i++) {
        if (i && (length - i) % 3 == 0)
            text[n++] = ',';
        text[n++] = digits[i];
    }
    text[n] = '\0';
    return text;
}

static double
yuan_of(money_t amount)
{
    return (double) amount.fen / 100;
}

static const char style[] =
    "<style>body{font:16px/1.7 \"Noto Sans CJK SC\",\"Source Han Sans SC\",\"PingFang SC\","
    "\"Microsoft YaHei\",sans-serif;color:#1d2b2a;background:#fff;max-width:60rem;margin:2rem auto;"
    "padding:0 1rem}h1{font-size:1.7rem;line-height:1.3;margin:0}h2{font-size:1.2rem;margin:2.2rem "
    "0 .6rem;border-left:.3rem solid #0b6e63;padding-left:.6rem}.en{color:#5a6b69;font-size:.85em}"
    ".facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.8rem;"
    "padding:0;list-style:none}.facts li{background:#eef5f3;border-radius:.5rem;padding:.7rem "
    ".9rem}.facts b{display:block;font-size:1.45rem;font-variant-numeric:tabular-nums}table{"
    "border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{padding:.3rem "
    ".5rem;border-bottom:1px solid #d8e2e0;text-align:right}th{background:#eef5f3;font-weight:600}"
    "td.t,th.t{text-align:left}tbody tr:nth-child(even){background:#f8fbfa}.amount{font-weight:700;"
    "color:#0b6e63}svg{width:100%;height:auto}.warn{background:#fff3d6;padding:.7rem .9rem;"
    "border-radius:.5rem}.alarm{background:#fde2dd;padding:.7rem .9rem;border-radius:.5rem}"
    "@media print{body{margin:0;font-size:12px}.facts li,th{background:none;border:1px solid "
    "#bbb}thead{display:table-header-group}tr{break-inside:avoid}}</style>\n";

static void
open_page(FILE *out, const struct input *in, const char *chinese, const char *english)
{
    (void) fputs("<!doctype html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\">\n<meta "
                 "name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>",
                 out);
    html(out, in->settings.title);
    (void) fprintf(out, "%s</title>\n%s</head><body>\n<h1>", chinese, style);
    html(out, in->settings.title);
    html(out, in->settings.year);
    (void) fprintf(out, "%s</h1>\n<p class=\"en\" lang=\"en\">%s</p>\n", chinese, english);
}

static void
fact(FILE *out, const char *label, const char *english, const char *value)
{
    (void) fprintf(out, "<li>%s<b>%s</b><span class=\"en\" lang=\"en\">%s</span></li>\n", label,
                   value, english);
}

/* --- the distribution as bars --- */

static void
chart(FILE *out, const struct year_dist *d, double pool)
{
    const double from = year_quantile(d, 0.0005), far = year_quantile(d, 0.9995);
    const double to = far > pool ? far : pool + (pool - from) * 0.03;
    const double width = (to - from) / BARS, x = 900 * (pool - from) / (to - from);
    double bars[BARS], top = 0;
    char text[32];

    if (!(to > from))
        return;
    for (int i = 0; i < BARS; i++) {
        bars[i] = year_above(d, from + i * width) - year_above(d, from + (i + 1) * width);
        top = bars[i] > top ? bars[i] : top;
    }
    (void) fputs("<svg viewBox=\"0 0 900 230\" role=\"img\" aria-label=\"全年补助总额的可能分布\">"
                 "<title>全年补助总额的可能分布 / distribution of the year's payouts</title>\n",
                 out);
    for (int i = 0; i < BARS && top > 0; i++) {
        const double h = 170 * bars[i] / top, left = 900.0 * i / BARS;
        (void) fprintf(out,
                       "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>",
                       left + 1, 190 - h, 900.0 / BARS - 2, h,
                       from + (i + 0.5) * width > pool ? "#c2412d" : "#0b6e63");
    }
    (void) fprintf(out,
                   "\n<path d=\"M0 190H900\" stroke=\"#1d2b2a\"/><path d=\"M%.1f 12V190\" "
                   "stroke=\"#c2412d\" stroke-dasharray=\"5 4\"/>",
                   x);
    (void) fprintf(
        out, "<text x=\"%.1f\" y=\"24\" text-anchor=\"end\" font-size=\"15\">资金池 %s 元</text>",
        x > 160 ? x - 8 : 160, grouped(pool, text));
    (void) fprintf(out, "<text x=\"0\" y=\"212\" font-size=\"14\">%s 元</text>",
                   grouped(from, text));
    (void) fprintf(
        out, "<text x=\"900\" y=\"212\" text-anchor=\"end\" font-size=\"14\">%s 元</text></svg>\n",
        grouped(to, text));
    (void) fputs("<p>柱子越高，全年补助总额落在那里的可能性越大；红色部分是钱不够用的情形。"
                 "<span class=\"en\" lang=\"en\">Red: the payouts exceed the pool.</span></p>\n",
                 out);
}

/* --- the plan --- */

static void
headline(FILE *out, const struct design_plan *plan)
{
    char a[32], b[64];

    (void) fputs("<ul class=\"facts\">\n", out);
    fact(out, "参加人数", "participants", grouped(plan->persons, a));
    (void) snprintf(b, sizeof b, "%s 元", grouped(yuan_of(plan->pool), a));
    fact(out, "可用资金池", "pool", b);
    (void) snprintf(b, sizeof b, "%s 元", grouped(plan->total.mean, a));
    fact(out, "预计全年补助", "expected payout", b);
    (void) snprintf(b, sizeof b, "%s 人次", grouped(plan->claims, a));
    fact(out, "预计补助", "expected claims", b);
    (void) snprintf(b, sizeof b, "%.2f%%", 100 * plan->reach_persons);
    fact(out, "受益面（人）", "share of persons helped", b);
    (void) snprintf(b, sizeof b, "%.2f%%", 100 * plan->relief);
    fact(out, "起付线以上平均减负", "relief above the threshold", b);
    (void) snprintf(b, sizeof b, "%.2f%%", 100 * plan->total.overspend);
    fact(out, "全年超支的可能性", "probability of overspending", b);
    (void) fputs("</ul>\n", out);
}

static void
plain_words(FILE *out, const struct input *in, const struct design_plan *plan)
{
    static const char *const binds[] = { "预算用足", "超支可能性达到上限", "各组都已到最高额" };
    const double p = plan->total.overspend;
    char a[32], b[32];

    (void) fputs("<h2>这份方案是什么意思</h2>\n<p>", out);
    (void) fprintf(out, "每 1000 名参加人当中，一年大约有 %.0f 人能拿到补助。",
                   1000 * plan->reach_persons);
    (void) fprintf(out, "平常年景全年补助约 %s 元；二十年一遇的坏年景约 %s 元；",
                   grouped(plan->total.p50, a), grouped(plan->total.p95, b));
    (void) fprintf(out, "百年一遇的坏年景约 %s 元，资金池有 %s 元。", grouped(plan->total.p99, a),
                   grouped(yuan_of(plan->pool), b));
    if (p >= 1e-6)
        (void) fprintf(out, "钱不够用的年份平均每 %s 年一次（允许的上限是 %.2f%%）。",
                       grouped(1 / p, a), 100 * in->design.goals.alpha);
    else
        (void) fputs("钱不够用的可能性小于百万分之一。", out);
    (void) fprintf(out, "补助额没有定得更高，是因为%s。</p>\n<p>起付线：", binds[plan->binding]);
    for (size_t k = 0; k < in->design.class_count; k++) {
        (void) fputs(k ? "；" : "", out);
        html(out, in->design.classes[k].name);
        (void) fprintf(out, " %s 元", grouped(yuan_of(plan->thresholds[k]), a));
    }
    (void) fprintf(out, "。每次最低 %s 元、", grouped(yuan_of(in->design.goals.lowest), a));
    (void) fprintf(out, "最高 %s 元", grouped(yuan_of(in->design.goals.highest), a));
    if (in->design.goals.yearly_cap.fen)
        (void) fprintf(out, "，每人全年累计不超过 %s 元",
                       grouped(yuan_of(in->design.goals.yearly_cap), a));
    (void) fprintf(out, "%s。病情越重的组，补助绝不会更少。</p>\n",
                   in->design.goals.limit_to_own ? "，且不超过本次自付费用" : "");
    (void) fprintf(out,
                   "<p class=\"en\" lang=\"en\">About %.0f of 1,000 participants are helped in a "
                   "year. P50, P95 and P99 of the year's payouts stand beside the pool; the plan "
                   "overspends with probability %.4f (limit %.4g). What binds: %s.</p>\n",
                   1000 * plan->reach_persons, p < 1e-12 ? 0 : p, in->design.goals.alpha,
                   binding_name(plan->binding));
}

static void
what_ifs(FILE *out, const struct design_plan *plan)
{
    static const char *const names[DESIGN_WHAT_IFS] = { "参加人数少一成", "参加人数多一成",
                                                        "住院少一成", "住院多一成" };
    char a[32], b[32], c[32];

    (void) fputs("<h2>如果情况有变 <span class=\"en\" lang=\"en\">sensitivity</span></h2>\n<table>"
                 "<thead><tr><th class=\"t\">情形</th><th>资金池（元）</th><th>预计补助（元）</th>"
                 "<th>百年一遇（元）</th><th>超支可能性</th></tr></thead><tbody>\n",
                 out);
    for (size_t i = 0; i < DESIGN_WHAT_IFS; i++) {
        const struct design_what_if *w = &plan->what_ifs[i];
        (void) fprintf(out,
                       "<tr><td class=\"t\">%s</td><td>%s</td><td>%s</td><td>%s</td><td>%.2f%%</td>"
                       "</tr>\n",
                       names[i], grouped(yuan_of(w->pool), a), grouped(w->total.mean, b),
                       grouped(w->total.p99, c), 100 * w->total.overspend);
    }
    (void) fputs(
        "</tbody></table>\n<h2>大病减负 <span class=\"en\" lang=\"en\">relief by own "
        "payment</span></h2>\n<table><thead><tr><th class=\"t\">自付费用（元）</th>"
        "<th>预计人次</th><th>预计补助（元）</th><th>起付线以上减负</th></tr></thead><tbody>\n",
        out);
    for (size_t i = 0; i < DESIGN_BANDS; i++) {
        const struct design_band *band = &plan->bands[i];
        if (band->claims < 0.005)
            continue;
        (void) fprintf(out, "<tr><td class=\"t\">%s 起", grouped(band->from, a));
        if (band->to < INFINITY)
            (void) fprintf(out, "，不到 %s", grouped(band->to, b));
        (void) fprintf(out, "</td><td>%.1f</td><td>%s</td><td>%.2f%%</td></tr>\n", band->claims,
                       grouped(band->paid, c), 100 * band->relief);
    }
    (void) fprintf(
        out,
        "</tbody></table>\n<p>减负比例的基尼系数 %.3f（0 表示人人一样，越大越不均）。"
        "<span class=\"en\" lang=\"en\">Gini coefficient of the relief ratio over claims; "
        "bands are before a yearly cap.</span></p>\n",
        plan->gini);
}

static void
credibility(FILE *out, const struct input *in)
{
    if (!in->block_count)
        return;
    (void) fputs(
        "<h2>发生率从哪里来 <span class=\"en\" lang=\"en\">credibility</span></h2>\n<table>"
        "<thead><tr><th class=\"t\">病组</th><th>地区（每千人年）</th><th>本地</th>"
        "<th>本地可信度</th><th>采用</th></tr></thead><tbody>\n",
        out);
    for (size_t b = 0; b < in->block_count; b++) {
        (void) fputs("<tr><td class=\"t\">", out);
        html(out, in->blocks[b].code);
        (void) fprintf(out, "</td><td>%.3f</td><td>%.3f</td><td>%.1f%%</td><td>%.3f</td></tr>\n",
                       1000 * in->blocks[b].regional, 1000 * in->blocks[b].own,
                       100 * in->blocks[b].z, 1000 * in->blocks[b].blended);
    }
    (void) fputs("</tbody></table>\n", out);
}

static void
amounts(FILE *out, const struct input *in, const struct design_plan *plan)
{
    char a[32], b[32];

    (void) fputs(
        "<h2>病种定额补助表 <span class=\"en\" lang=\"en\">fixed amounts, heaviest first"
        "</span></h2>\n<table><thead><tr><th class=\"t\">DRG</th><th class=\"t\">名称</th>"
        "<th>预计人次</th><th>补助额（元）</th><th>平均自付（元）</th><th>补助占自付</th></tr>"
        "</thead><tbody>\n",
        out);
    for (size_t r = in->design.group_count; r-- > 0;) {
        const size_t g = plan->order[r];
        const struct design_row *row = &plan->rows[g];
        (void) fputs("<tr><td class=\"t\">", out);
        html(out, in->design.groups[g].code);
        if (in->design.groups[g].parent[0]) {
            (void) fputs("（", out);
            html(out, in->design.groups[g].parent);
            (void) fputs("）", out);
        }
        (void) fputs("</td><td class=\"t\">", out);
        html(out, in->design.groups[g].name);
        (void) fprintf(out,
                       "</td><td>%.1f</td><td class=\"amount\">%s</td><td>%s</td><td>%.1f%%</td>"
                       "</tr>\n",
                       row->claims, grouped(yuan_of(row->amount), a), grouped(row->typical, b),
                       100 * row->share);
    }
    (void) fputs("</tbody></table>\n", out);
}

void
page_plan(FILE *out, const struct input *in, const struct design_plan *plan)
{
    open_page(out, in, "病种定额补助方案（会议讨论稿）",
              "Fixed subsidies per DRG - draft for the villagers' meeting");
    headline(out, plan);
    chart(out, &plan->year, yuan_of(plan->pool));
    plain_words(out, in, plan);
    what_ifs(out, plan);
    credibility(out, in);
    amounts(out, in, plan);
    (void) fputs(
        "<h2>怎么算的</h2>\n<p>先按病情轻重把病组排好，再让补助额与平均负担成比例；在预算、最低额、"
        "最高额之间用一个统一的系数放大或缩小，取整到规定的位数，最后把全年可能的补助总额逐一算出"
        "概率，直到超支的可能性不超过上限。同样的数据，任何人重算都得到同一张表。</p>\n"
        "<p class=\"en\" lang=\"en\">One scale for all groups, bounded, rounded, and checked "
        "against the exact distribution of the year's payouts (Panjer's recursion and a "
        "Fourier transform check each other). Same input, same table.</p>\n</body></html>\n",
        out);
}

/* --- the year under way --- */

void
page_forecast(FILE *out, const struct input *in, const struct forecast *f)
{
    static const char *const classes[] = { "", "warn", "alarm" };
    static const char *const words[] = {
        "资金运行平稳，无需采取措施。", "预警：年底超支的可能性偏高，请组织方研究并书面确认。",
        "警报：年底超支的可能性很高，请立即报告并启动超支处理办法。"
    };
    static const char *const english[] = { "Calm: nothing to do.",
                                           "Warning: overspending has become likely; acknowledge.",
                                           "Alarm: report at once and apply the overspend rule." };
    char a[32], b[64];

    open_page(out, in, "资金运行预测", "Forecast of the year-end balance");
    (void) fprintf(out, "<p class=\"%s\">%s <span class=\"en\" lang=\"en\">%s</span></p>\n",
                   classes[f->level], words[f->level], english[f->level]);
    (void) fputs("<ul class=\"facts\">\n", out);
    (void) snprintf(b, sizeof b, "%.2f%%", 100 * f->overspend);
    fact(out, "年底超支的可能性", "probability of overspending", b);
    (void) snprintf(b, sizeof b, "%s 元", grouped(yuan_of(f->paid), a));
    fact(out, "已补助", "paid so far", b);
    (void) snprintf(b, sizeof b, "%" PRId64 " 人次", f->claims);
    fact(out, "已收到", "claims so far", b);
    (void) snprintf(b, sizeof b, "%.1f 人次", f->expected_so_far);
    fact(out, "按方案此时应有", "expected by now", b);
    (void) snprintf(b, sizeof b, "%s 元", grouped(f->balance_p50, a));
    fact(out, "年底结余（一般情形）", "year-end balance, median", b);
    (void) snprintf(b, sizeof b, "%s 元", grouped(f->balance_p05, a));
    fact(out, "年底结余（二十年一遇的坏情形）", "year-end balance, 5 %", b);
    (void) snprintf(b, sizeof b, "%.1f%%", 100 * f->incidence_factor);
    fact(out, "今年发病水平（正常为 100%）", "level of incidence", b);
    (void) fputs("</ul>\n</body></html>\n", out);
}
