/* handlers.h - one function for each rpc of methods.def. */
#ifndef HUZHU_CONTRIBUTIONS_HANDLERS_H
#define HUZHU_CONTRIBUTIONS_HANDLERS_H

#include "contributions.h"
#include "contributions.pb-c.h"

#define RPC(rpc, fn, roles, effect)                                                                \
    err_t fn(struct call *c, const Contributions__##rpc##Request *in,                              \
             Contributions__##rpc##Reply *out) MUST_CHECK;
#include "methods.def"
#undef RPC

err_t contributions_close_windows(struct call *c) MUST_CHECK;

#endif
