/* wire.h - protobuf to nouns and back, events out; the only file that knows both. */
#ifndef HUZHU_CODING_WIRE_H
#define HUZHU_CODING_WIRE_H

#include "coding.h"
#include "coding.pb-c.h"

#endif
