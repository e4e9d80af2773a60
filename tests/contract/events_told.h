/* events_told.h - the messages that services tell each other, found in the contracts and in the
 * code, so that no list of them is kept by hand. */
#ifndef HUZHU_TEST_EVENTS_TOLD_H
#define HUZHU_TEST_EVENTS_TOLD_H

#include "contract/breaking.h"

typedef Google__Protobuf__DescriptorProto message_t;

struct event_told {
    const message_t *message;
    char service[32];
    char topic[96]; /* the full name, "huzhu.claims.v1.ClaimFiled" */
};

#define EVENTS_TOLD_MAX 400
/* A message of a service's contract is an event when no request or reply leads to it, or when
 * another service's events.def names it, or when the service itself appends it.  Sealed insides are
 * none. */
size_t events_told(const Google__Protobuf__FileDescriptorSet *set,
                   struct event_told events[static EVENTS_TOLD_MAX]) MUST_CHECK;

/* ".huzhu.claims.v1.ClaimFiled" or without the dot; NULL: there is none. */
const message_t *message_named(const Google__Protobuf__FileDescriptorSet *set, const char *name);
bool is_sealed_inside(const char *name);

#endif
