/* log.h - one line, one fact: a fixed event name and typed fields, as a JSON object on stderr.
 *
 *   LOG(INFO, &c->log, "disbursement.sent", L_ID("claim", claim), L_MONEY("amount", amount));
 *
 * The trace comes from the context.  Personal data has no way in: a struct secret fits nothing but
 * L_MASKED(), which prints its length class and never its text.  Lines are written whole (one
 * write), so threads do not mix.  common/ (but svc) and rules.c never log. */
#ifndef HUZHU_LOG_H
#define HUZHU_LOG_H

#include "id/id.h"
#include "money/money.h"

/* Names, national ids, phone and bank numbers, keys, tokens. */
struct secret {
    const char *text;
};

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* Where a line belongs.  NULL stands for the process itself. */
struct log_ctx {
    char trace[33]; /* W3C trace id, 32 hex digits; "" when there is none */
};

struct log_field {
    const char *key;
    enum { LOG_TEXT, LOG_NUMBER, LOG_ID_FIELD, LOG_SECRET } kind;
    union {
        const char *text; /* NULL prints as null */
        int64_t number;
        struct id id;
        struct secret secret;
    };
};

#define L_TEXT(k, v) ((struct log_field){ (k), LOG_TEXT, .text = (v) })
#define L_INT(k, v) ((struct log_field){ (k), LOG_NUMBER, .number = (v) })
#define L_MONEY(k, v) ((struct log_field){ k "_fen", LOG_NUMBER, .number = (v).fen })
#define L_ID(k, v) ((struct log_field){ (k), LOG_ID_FIELD, .id = (v) })
#define L_MASKED(k, v) ((struct log_field){ (k), LOG_SECRET, .secret = (v) })

/* Once, before threads: who is logging, and from which level on. */
void log_open(const char *process, enum log_level lowest);
bool log_level_parse(const char *name, enum log_level *level) MUST_CHECK;

void log_write(enum log_level level, const struct log_ctx *ctx, const char *event,
               const struct log_field *fields, size_t field_count);

#define LOG(level, ctx, event, ...)                                                                \
    log_write(LOG_##level, (ctx), (event), (const struct log_field[]){ __VA_ARGS__ },              \
              COUNT(((const struct log_field[]){ __VA_ARGS__ })))
/* The same for a line without fields. */
#define LOG0(level, ctx, event) log_write(LOG_##level, (ctx), (event), NULL, 0)

#endif
