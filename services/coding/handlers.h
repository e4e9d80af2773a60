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

/* Shared by the steps; see handlers.c. */
err_t scheme_meant(struct call *c, uint32_t year, const char *checksum,
                   const struct drg_scheme **scheme) MUST_CHECK;
err_t explanation_text(struct call *c, const json_t *trace, enum drg_language language,
                       char **out) MUST_CHECK;
/* Takes the job out of its holder's hands, in memory; tells whose they were. */
struct id job_let_go(struct job *job);
/* The programme's frozen table and its scheme, open on this machine (handlers_queue.c). */
err_t frozen_scheme(struct call *c, struct id programme, struct subsidy_table *table,
                    const struct drg_scheme **scheme) MUST_CHECK;
/* What a coder or reviewer sees of the stay; declares the look. */
err_t show_facts(struct call *c, const struct job *job, Coding__JobFacts **out) MUST_CHECK;

/* Duties. */
err_t coding_release_leases(struct call *c) MUST_CHECK;

#endif
