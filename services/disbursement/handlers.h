/* handlers.h - one function for each rpc of methods.def, and the duties. */
#ifndef HUZHU_DISBURSEMENT_HANDLERS_H
#define HUZHU_DISBURSEMENT_HANDLERS_H

#include "disbursement.h"
#include "disbursement.pb-c.h"

#define RPC(rpc, fn, roles, effect)                                                                \
    err_t fn(struct call *c, const Disbursement__##rpc##Request *in,                               \
             Disbursement__##rpc##Reply *out) MUST_CHECK;
#include "methods.def"
#undef RPC

/* From 00:05 of a programme's list day on: last month's decided claims become a list (003-20). */
err_t disbursement_list_duty(struct call *c) MUST_CHECK;

#endif
