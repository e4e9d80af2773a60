/* wire.h - protobuf to nouns and back, events out. */
#ifndef HUZHU_CONTRIBUTIONS_WIRE_H
#define HUZHU_CONTRIBUTIONS_WIRE_H

#include "contributions.h"
#include "svc/room.h"

/* Makes a message of the request's arena. */
#define MAKE(c, type, init_fn, var)                                                                \
    type *var = arena_alloc((c)->arena, sizeof *(var));                                            \
    if (!(var))                                                                                    \
        return no_memory(c);                                                                       \
    init_fn(var)
/* False when memory is out. */
bool put_id(struct call *c, struct id id, Huzhu__Id **out); /* nil: absent */
bool put_money(struct call *c, int64_t fen, Huzhu__Money **out);
bool put_day(struct call *c, date_t day, Huzhu__Date **out);
bool put_at(struct call *c, instant_t at, Huzhu__Instant **out);
bool put_text(struct call *c, const char *text, char **out); /* NULL: "" */

err_t optional_id_from_wire(const Huzhu__Id *in, const char *path, struct id *id,
                            struct err *err) MUST_CHECK;
err_t ids_from_wire(struct call *c, Huzhu__Id *const *in, size_t count, const char *path,
                    struct id **ids) MUST_CHECK;

err_t programme_pack(struct call *c, const programme_t *p, ProtobufCBinaryData *out) MUST_CHECK;
err_t programme_unpack(struct call *c, const void *bytes, size_t size,
                       programme_t **out) MUST_CHECK;

err_t findings_to_wire(struct call *c, const struct findings *in, Contributions__Finding ***out,
                       size_t *count) MUST_CHECK;
err_t house_to_wire(struct call *c, const programme_t *p, const struct house *h,
                    Contributions__Enrolment **out) MUST_CHECK;
err_t participation_to_wire(struct call *c, const programme_t *p, const struct participation *x,
                            Contributions__ParticipationMeasured **out) MUST_CHECK;
err_t transfer_to_wire(struct call *c, const struct transfer *t,
                       Contributions__FundPosted__Transfer **out) MUST_CHECK;
/* What reasons.def says of a reason, in Chinese; "" when it says nothing. */
const char *reason_chinese(const char *wire);

err_t emit_programme_changed(struct call *c, programme_t *p) MUST_CHECK;
err_t emit_resolution(struct call *c, const Contributions__Resolution *r) MUST_CHECK;
err_t emit_agreement(struct call *c, const Contributions__Agreement *a) MUST_CHECK;
err_t emit_members_changed(struct call *c, const programme_t *p, const struct house *h) MUST_CHECK;
/* One event for all, BULK_ROWS_MAX transfers at most in each. */
err_t emit_fund_posted(struct call *c, struct id programme, const struct transfer *transfers,
                       size_t count) MUST_CHECK;

#endif
