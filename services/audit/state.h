/* state.h - what the threads of one audit process share: the key that signs heads. */
#ifndef HUZHU_AUDIT_STATE_H
#define HUZHU_AUDIT_STATE_H

#include "audit.h"

err_t audit_start(const void *conf, void **state, struct err *err);
void audit_stop(void *state);

/* UNAVAILABLE "audit.no_key" when there is none.  Fills key_id and signature. */
err_t head_sign(struct call *c, struct head *head) MUST_CHECK;

/* The public half of the key that signs now; false when there is none.  Any thread. */
struct public_key {
    char id[KEY_ID_BYTES];
    uint8_t bytes[KEY_BYTES];
};
bool state_public_key(struct call *c, struct public_key *key) MUST_CHECK;

/* A log whose tree is damaged waits for a person; it must not keep the others waiting.  Remembered
 * until the process ends; the duty's thread alone asks. */
bool log_is_torn(const struct call *c);
void log_mark_torn(struct call *c);

#endif
