/* handlers.c - the steps of the disbursement service, in the order of disbursement.proto. */
#include "handlers.h"

#define RPC(rpc, fn, roles, effect)                                                                \
    err_t fn(struct call *c, const Disbursement__##rpc##Request *in,                               \
             Disbursement__##rpc##Reply *out)                                                      \
    {                                                                                              \
        (void) in, (void) out;                                                                     \
        return err_set(&c->err, ERR_UNAVAILABLE, "disbursement.coming", "not there yet");          \
    }
#include "methods.def"
#undef RPC
