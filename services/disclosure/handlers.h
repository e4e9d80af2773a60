/* handlers.h - one function for each rpc of methods.def. */
#ifndef HUZHU_DISCLOSURE_HANDLERS_H
#define HUZHU_DISCLOSURE_HANDLERS_H

#include "disclosure.h"
#include "disclosure.pb-c.h"

#define RPC(rpc, fn, roles, effect)                                                                \
    err_t fn(struct call *c, const Disclosure__##rpc##Request *in, Disclosure__##rpc##Reply *out)  \
        MUST_CHECK;
#include "methods.def"
#undef RPC

#endif
