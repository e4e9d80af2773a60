/* bundle.c - joining frames. */
#include "bus/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "bus/mdp.h"
#include "fault/fault.h"

static void
append(struct bundle *bundle, zmq_msg_t *msg)
{
    const size_t size = zmq_msg_size(msg);

    mdp_piece_head_write(size, bundle->bytes + bundle->size);
    memcpy(bundle->bytes + bundle->size + MDP_PIECE_HEAD_BYTES, zmq_msg_data(msg), size);
    bundle->size += MDP_PIECE_HEAD_BYTES + size;
    (void) zmq_msg_close(msg);
}

/* The first frame moves into a bundle of its own. */
static bool
begin(struct bundle *bundle)
{
    bundle->bytes = fault_hit("bus.memory") ? NULL : malloc(BUNDLE_BYTES_MAX);
    if (!bundle->bytes)
        return false;
    mdp_bundle_head_write(bundle->bytes);
    bundle->size = MDP_BUNDLE_HEAD_BYTES;
    append(bundle, &bundle->first);
    return true;
}

bool
bundle_add(struct bundle *bundle, zmq_msg_t *msg)
{
    const size_t size = MDP_PIECE_HEAD_BYTES + zmq_msg_size(msg);

    assert(zmq_msg_size(msg) <= BUNDLE_FRAME_BYTES_MAX);
    if (bundle->count == 0) {
        (void) zmq_msg_init(&bundle->first);
        (void) zmq_msg_move(&bundle->first, msg);
        bundle->count = 1;
        return true;
    }
    if (bundle->count == 1 && !begin(bundle))
        return false;
    if (bundle->size + size > BUNDLE_BYTES_MAX)
        return false;
    append(bundle, msg);
    bundle->count++;
    return true;
}

void
bundle_clear(struct bundle *bundle)
{
    if (bundle->count > 0 && !bundle->bytes)
        (void) zmq_msg_close(&bundle->first);
    free(bundle->bytes);
    *bundle = (struct bundle){ 0 };
}

bool
bundle_take(struct bundle *bundle, zmq_msg_t *msg, bool *lost)
{
    *lost = false;
    if (bundle->count == 0)
        return false;
    if (!bundle->bytes) {
        (void) zmq_msg_init(msg);
        (void) zmq_msg_move(msg, &bundle->first);
    } else if (zmq_msg_init_size(msg, bundle->size) == 0) {
        /* Copied to its size: a queue of them holds no more memory than their frames need. */
        memcpy(zmq_msg_data(msg), bundle->bytes, bundle->size);
    } else {
        *lost = true;
    }
    bundle_clear(bundle);
    return !*lost;
}
