/* wire.h - protobuf to nouns and back, events out; the only file that knows both. */
#ifndef HUZHU_CLAIMS_WIRE_H
#define HUZHU_CLAIMS_WIRE_H

#include "claims.h"
#include "claims.pb-c.h"

#endif
