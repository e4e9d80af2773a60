/* access.c - one line per request, in log.h's form but written in batches: a line of its own for
 * each would cost a system call per request, a tenth of what the request costs.
 *
 * No personal data: the route's template in place of the path, a keyed hash of the address that
 * dies with the process. */
#include <unistd.h>

#include "call.h"
#include "log/log.h"
#include "loop.h"

void
access_flush(struct loop *loop)
{
    /* One write per batch of at most PIPE_BUF, so that lines of several threads do not mix. */
    if (loop->log.used > 0)
        (void) !write(STDERR_FILENO, loop->log.bytes, loop->log.used);
    loop->log.used = 0;
    loop->log.failed = false;
}

static void
count(struct loop *loop, int status, size_t bytes, int64_t us)
{
    struct counters *counters = &loop->counters;
    size_t slot = 0;

    COUNT_UP(counters->requests, 1);
    COUNT_UP(counters->bytes_out, bytes);
    if (status >= 100 && status < 600)
        COUNT_UP(counters->by_class[status / 100], 1);
    COUNT_UP(counters->duration_us, us);
    for (int64_t bound = 1000; slot < COUNT(counters->slow) - 1 && us >= bound; bound *= 4)
        slot++;
    COUNT_UP(counters->slow[slot], 1);
}

void
access_log(struct conn *conn, int status, size_t bytes)
{
    struct loop *loop = conn->loop;
    struct text *log = &loop->log;
    char at[INSTANT_TEXT_BYTES];
    const int64_t us = conn->http.begun ? loop->now_us - conn->begun_us : 0;

    count(loop, status, bytes, us);
    if (!loop->gateway->conf.access_log)
        return;
    if (log->used > LOG_BYTES - 512)
        access_flush(loop);
    /* date_format is cheap, instant_format prints: the seconds of the Date header will do. */
    const int64_t in_day = loop->wall_us / US_PER_SECOND % 86400;
    date_format((date_t){ (int32_t) (loop->wall_us / US_PER_DAY) }, at);
    at[10] = 'T';
    const int parts[3] = { (int) (in_day / 3600), (int) (in_day / 60 % 60), (int) (in_day % 60) };
    for (int i = 0; i < 3; i++) {
        at[11 + 3 * i] = (char) ('0' + parts[i] / 10);
        at[12 + 3 * i] = (char) ('0' + parts[i] % 10);
        at[13 + 3 * i] = i < 2 ? ':' : 'Z';
    }
    TEXT_LITERAL(log, "{\"at\":\"");
    text_add(log, at, 20);
    TEXT_LITERAL(
        log,
        "\",\"level\":\"info\",\"process\":\"gateway\",\"event\":\"http.request\",\"trace\":\"");
    text_add(log, conn->trace, strlen(conn->trace));
    TEXT_LITERAL(log, "\",\"verb\":\"");
    text_puts(log, conn->http.head_done ? verb_name(conn->http.verb) : "-");
    TEXT_LITERAL(log, "\",\"route\":\"");
    text_puts(log, conn->route ? conn->route->path : conn->label ? conn->label : "-");
    TEXT_LITERAL(log, "\",\"status\":");
    text_int(log, status);
    TEXT_LITERAL(log, ",\"us\":");
    text_int(log, us);
    TEXT_LITERAL(log, ",\"in\":");
    text_uint(log, conn->received);
    TEXT_LITERAL(log, ",\"out\":");
    text_uint(log, bytes);
    TEXT_LITERAL(log, ",\"peer\":\"");
    static const char hex[] = "0123456789abcdef";
    char peer[8];
    for (int i = 0; i < 8; i++)
        peer[i] = hex[conn->address_short >> (28 - 4 * i) & 15];
    text_add(log, peer, sizeof peer);
    TEXT_LITERAL(log, "\"}\n");
}
