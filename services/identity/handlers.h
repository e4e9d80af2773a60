/* handlers.h - one function for each rpc of methods.def. */
#ifndef HUZHU_IDENTITY_HANDLERS_H
#define HUZHU_IDENTITY_HANDLERS_H

#include "identity.h"
#include "identity.pb-c.h"

#define RPC(rpc, fn, roles, effect)                                                                \
    err_t fn(struct call *c, const Identity__##rpc##Request *in, Identity__##rpc##Reply *out)      \
        MUST_CHECK;
#include "methods.def"
#undef RPC

#endif
