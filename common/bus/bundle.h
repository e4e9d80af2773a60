/* bundle.h - frames on their way to one peer: one alone goes as it is, several as one ZeroMQ
 * message (mdp.h, "bundle").
 *
 * A ZeroMQ message costs the same whether it carries one frame or fifty: its place in two queues,
 * a wake-up of the thread behind them, a system call, a seal of CURVE. */
#ifndef HUZHU_BUS_BUNDLE_H
#define HUZHU_BUS_BUNDLE_H

#include <zmq.h>

#include "base/base.h"

#define BUNDLE_BYTES_MAX ((size_t) 16 * 1024)
#define BUNDLE_FRAME_BYTES_MAX ((size_t) 4 * 1024) /* a larger one is not worth copying */

struct bundle {
    uint32_t count;  /* frames inside */
    zmq_msg_t first; /* the frame, while it is alone */
    uint8_t *bytes;  /* the bundle, from the second frame on */
    size_t size;
};

/* All zero is an empty bundle. */
void bundle_clear(struct bundle *bundle); /* what is inside is dropped */

/* Takes the frame; false (and *msg is as it was) when it has no room: send what is inside, then the
 * frame.  An empty bundle has room for any frame of BUNDLE_FRAME_BYTES_MAX. */
bool bundle_add(struct bundle *bundle, zmq_msg_t *msg) MUST_CHECK;

/* What is to be sent (*msg is the caller's) and leaves an empty bundle; false when there is
 * nothing, or no memory: then what was inside is lost and *lost is true. */
bool bundle_take(struct bundle *bundle, zmq_msg_t *msg, bool *lost) MUST_CHECK;

#endif
