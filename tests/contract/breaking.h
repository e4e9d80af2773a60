/* breaking.h - refuses changes of the contracts that a neighbour of another version would feel.
 *
 * Both ways of speaking count: the bus knows fields by number and type, the public API's JSON by
 * name.  What is allowed: new files, messages, fields, enum values and rpcs; and the removal of a
 * field or value whose number and name are both reserved.  Pure but for protoc, which reads the
 * .proto files; so it needs no network, unlike a check that comes from a package registry. */
#ifndef HUZHU_BREAKING_H
#define HUZHU_BREAKING_H

#include <stdio.h>

#include "base/base.h"
#include "google/protobuf/descriptor.pb-c.h"

/* Every .proto of a folder, compiled; NULL when protoc refuses them (it says why on stderr).
 * Freed with google__protobuf__file_descriptor_set__free_unpacked(set, NULL). */
Google__Protobuf__FileDescriptorSet *breaking_load(const char *folder) MUST_CHECK;

/* Writes one line for every broken promise, "huzhu.Money.fen: its type changed", and returns their
 * number. */
int breaking_compare(const Google__Protobuf__FileDescriptorSet *older,
                     const Google__Protobuf__FileDescriptorSet *newer, FILE *out);

#endif
