/* handlers.c - the steps of the disclosure service, in the order of disclosure.proto. */
#include "handlers.h"

#define RPC(rpc, fn, ...) err_t fn(struct call *c, const Disclosure__##rpc##Request *in, Disclosure__##rpc##Reply *out) { (void) in, (void) out; return err_set(&c->err, ERR_UNAVAILABLE, "rpc.not_yet", "not built yet"); }
#include "methods.def"
#undef RPC
