/* wire.h - protobuf to nouns and back, events out; the only file of coding that knows both. */
#ifndef HUZHU_CODING_WIRE_H
#define HUZHU_CODING_WIRE_H

#include "coding.h"
#include "coding.pb-c.h"

/* Borrows the texts of `in`, which lives as long as the request. */
err_t stay_from_wire(const Coding__Stay *in, struct stay *stay, struct err *err) MUST_CHECK;

/* NULL when memory is out (c->err is set). */
Coding__SchemeIdentity *scheme_to_wire(struct call *c,
                                       const struct drg_identity *identity) MUST_CHECK;
Coding__Grouping *grouping_to_wire(struct call *c, const struct drg_result *result) MUST_CHECK;
Coding__YearScheme *year_scheme_to_wire(struct call *c, const struct year_scheme *in) MUST_CHECK;

err_t emit_year_scheme_named(struct call *c, const struct year_scheme *in) MUST_CHECK;

#endif
