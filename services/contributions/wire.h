/* wire.h - protobuf to nouns and back, events out; the only file that knows both. */
#ifndef HUZHU_CONTRIBUTIONS_WIRE_H
#define HUZHU_CONTRIBUTIONS_WIRE_H

#include "contributions.h"
#include "contributions.pb-c.h"

#endif
