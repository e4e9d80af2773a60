/* audit.h - what was refused: a log line each, and a record for the audit service.
 *
 * Best effort by design: routing never waits for it.  At most AUDIT_PER_SECOND lines a second and
 * AUDIT_QUEUE_MAX records wait; what is above that is counted, and the count travels with the next
 * record. */
#ifndef HUZHU_BROKER_AUDIT_H
#define HUZHU_BROKER_AUDIT_H

#include "core.h"

enum { AUDIT_PER_SECOND = 20, AUDIT_QUEUE_MAX = 256 };

struct audit;
struct audit *audit_create(void); /* NULL: memory is out */
void audit_destroy(struct audit *audit);
DEFINE_OWNED(struct audit, audit_destroy)

/* A core_io.refuse and a core_io.answered; arg is the audit. */
void audit_refuse(void *audit, const struct refusal *refusal);
void audit_answered(void *audit, uint64_t ticket, const uint8_t *answer, size_t size);

/* Sends the next record when the last one is answered. */
void audit_tick(struct audit *audit, struct core *core, int64_t now_us);

struct audit_figures {
    uint64_t refused, recorded, suppressed, lost;
    uint32_t waiting;
};
struct audit_figures audit_figures(const struct audit *audit);

#endif
