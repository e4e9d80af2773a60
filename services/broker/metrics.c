/* metrics.c - one table of totals, one of figures for each service. */
#include "metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct text {
    char *out;
    size_t size, used;
};

static void PRINTF(2, 3) put(struct text *text, const char *fmt, ...)
{
    const size_t room = text->size - text->used;
    va_list ap;

    va_start(ap, fmt);
    const int length = vsnprintf(text->out + text->used, room, fmt, ap);
    va_end(ap);
    if (length > 0 && (size_t) length < room)
        text->used += (size_t) length;
}

static void
put_total(struct text *text, const char *name, const char *kind, uint64_t value, const char *says)
{
    put(text, "# HELP huzhu_broker_%s %s\n# TYPE huzhu_broker_%s %s\nhuzhu_broker_%s %" PRIu64 "\n",
        name, says, name, kind, name, value);
}

static const struct {
    const char *name, *kind, *says;
} per_service[] = {
    { "service_requests_total", "counter", "requests accepted" },
    { "service_answers_total", "counter", "last answers forwarded" },
    { "service_redelivered_total", "counter", "requests handed to another worker" },
    { "service_returned_total", "counter", "requests given back for want of any worker" },
    { "service_queue_full_total", "counter", "requests refused for want of room" },
    { "service_late_total", "counter", "requests whose deadline passed" },
    { "service_queue_requests", "gauge", "requests that wait" },
    { "service_queue_bytes", "gauge", "bytes of the requests that wait" },
    { "service_queue_age_seconds", "gauge", "how long the first of them has waited" },
    { "service_workers", "gauge", "registered workers" },
    { "service_credit", "gauge", "requests that the workers can hold" },
    { "service_in_hand", "gauge", "requests that workers hold" },
};

static double
figure(const struct core_service *s, size_t row)
{
    const double figures[COUNT(per_service)] = {
        (double) s->requests,
        (double) s->answers,
        (double) s->redelivered,
        (double) s->returned,
        (double) s->queue_full,
        (double) s->late,
        s->queued,
        (double) s->queued_bytes,
        (double) s->oldest_us / 1e6,
        s->workers,
        s->credit,
        s->in_hand,
    };
    return figures[row];
}

size_t
metrics_write(const struct core *core, const struct audit_figures *refusals, char *out, size_t size)
{
    const struct core_totals t = core_totals(core);
    struct text text = { out, size, 0 };

    put_total(&text, "requests_total", "counter", t.requests, "requests accepted");
    put_total(&text, "answers_total", "counter", t.answers, "last answers forwarded");
    put_total(&text, "parts_total", "counter", t.parts, "parts of answers forwarded");
    put_total(&text, "redelivered_total", "counter", t.redelivered,
              "requests handed to another worker");
    put_total(&text, "returned_total", "counter", t.returned,
              "requests given back for want of any worker");
    put_total(&text, "queue_full_total", "counter", t.queue_full,
              "requests refused for want of room");
    put_total(&text, "late_total", "counter", t.late, "requests whose deadline passed");
    put_total(&text, "unwanted_total", "counter", t.lost, "answers that nobody waited for");
    put_total(&text, "malformed_total", "counter", t.malformed, "frames that broke the protocol");
    put_total(&text, "refused_total", "counter", refusals->refused,
              "connections, registrations and calls the table forbids");
    put_total(&text, "refused_suppressed_total", "counter", refusals->suppressed,
              "refusals above the rate that is logged");
    put_total(&text, "refused_recorded_total", "counter", refusals->recorded,
              "refusals that the audit service has");
    put_total(&text, "refused_lost_total", "counter", refusals->lost,
              "refusals that the audit service will not get");
    put_total(&text, "refused_waiting", "gauge", refusals->waiting,
              "refusals on their way to the audit service");
    put_total(&text, "connections", "gauge", t.peers, "connections that have spoken");
    put_total(&text, "in_flight", "gauge", t.in_flight, "requests in the broker");
    for (size_t row = 0; row < COUNT(per_service); row++) {
        put(&text, "# HELP huzhu_broker_%s %s\n# TYPE huzhu_broker_%s %s\n", per_service[row].name,
            per_service[row].says, per_service[row].name, per_service[row].kind);
        for (size_t i = 0; i < core_service_count(core); i++) {
            const struct core_service s = core_service(core, i);
            put(&text, "huzhu_broker_%s{service=\"%s\"} %.15g\n", per_service[row].name, s.name,
                figure(&s, row));
        }
    }
    return text.used;
}
