/* handlers.c - the steps of the contributions service, in the order of contributions.proto. */
#include "handlers.h"

/* The contract comes first, so that others can build on it; until a step is here, its rpc is away. */
#define RPC(rpc, fn, roles, effect)                                                                \
    err_t fn(struct call *c, const Contributions__##rpc##Request *in,                              \
             Contributions__##rpc##Reply *out)                                                     \
    {                                                                                              \
        (void) in, (void) out;                                                                     \
        return err_set(&c->err, ERR_UNAVAILABLE, "rpc.not_yet", "this step is not built yet");     \
    }
#include "methods.def"
#undef RPC
