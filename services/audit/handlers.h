/* handlers.h - one function for each rpc of methods.def, and the duties. */
#ifndef HUZHU_AUDIT_HANDLERS_H
#define HUZHU_AUDIT_HANDLERS_H

#include "audit.h"
#include "audit.pb-c.h"

#define RPC(rpc, fn, roles, effect)                                                                \
    err_t fn(struct call *c, const Audit__##rpc##Request *in, Audit__##rpc##Reply *out) MUST_CHECK;
#include "methods.def"
#undef RPC

err_t audit_check_catalogues(struct call *c) MUST_CHECK;

#endif
