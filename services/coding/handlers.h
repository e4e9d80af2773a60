/* handlers.h - one function for each rpc of methods.def. */
#ifndef HUZHU_CODING_HANDLERS_H
#define HUZHU_CODING_HANDLERS_H

#include "coding.h"
#include "coding.pb-c.h"

#define RPC(rpc, fn, roles, effect)                                                                \
    err_t fn(struct call *c, const Coding__##rpc##Request *in, Coding__##rpc##Reply *out)          \
        MUST_CHECK;
#include "methods.def"
#undef RPC

#endif
