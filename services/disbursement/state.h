/* state.h - the key that signs approvals and what goes to banks; read once, at start. */
#ifndef HUZHU_DISBURSEMENT_STATE_H
#define HUZHU_DISBURSEMENT_STATE_H

#include "disbursement.h"

err_t disbursement_start(const void *conf, void **state, struct err *err) MUST_CHECK;
void disbursement_stop(void *state);

struct signed_text {
    bool is_signed; /* false: the platform has no key */
    uint8_t signature[64];
    const char *key_id;
};
err_t text_sign(struct call *c, const char *text, struct signed_text *out) MUST_CHECK;
const char *signing_key_id(struct call *c); /* NULL: no key */

#endif
