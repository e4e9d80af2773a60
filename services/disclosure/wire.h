/* wire.h - protobuf to nouns and back, events out; the only file that knows both. */
#ifndef HUZHU_DISCLOSURE_WIRE_H
#define HUZHU_DISCLOSURE_WIRE_H

#include "disclosure.h"
#include "disclosure.pb-c.h"

#endif
