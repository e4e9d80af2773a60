/* messages.h - ids, days and money as requests and events carry them, for tests.
 *
 * What these return lies in rings that are large enough for any one message; nothing is freed. */
#ifndef HUZHU_TEST_MESSAGES_H
#define HUZHU_TEST_MESSAGES_H

#include "clock/clock.h"
#include "common.pb-c.h"
#include "id/id.h"

struct id new_id(void);

Huzhu__Id *wire(struct id id); /* the nil id is an empty one */
struct id unwire(const Huzhu__Id *in);
Huzhu__Date *day(const char *text); /* "2025-08-01" */
Huzhu__Money *fen(int64_t n);

/* Business time is `instant` ("2025-09-26T02:00:00Z") from now on, where `path` is the file that
 * the setting business_clock names. */
void business_time_is(const char *path, const char *instant);

#endif
