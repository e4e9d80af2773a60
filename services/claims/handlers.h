/* handlers.h - one function for each rpc of methods.def, and the duties. */
#ifndef HUZHU_CLAIMS_HANDLERS_H
#define HUZHU_CLAIMS_HANDLERS_H

#include "claims.h"
#include "claims.pb-c.h"

#define RPC(rpc, fn, roles, effect)                                                                \
    err_t fn(struct call *c, const Claims__##rpc##Request *in, Claims__##rpc##Reply *out)          \
        MUST_CHECK;
#include "methods.def"
#undef RPC

err_t claims_purge_uploads(struct call *c) MUST_CHECK;
/* Counts due days again that had rested on an unpublished calendar. */
err_t claims_recount_due_days(struct call *c) MUST_CHECK;

#endif
