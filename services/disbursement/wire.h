/* wire.h - protobuf to nouns and back, events out; the only file that knows both. */
#ifndef HUZHU_DISBURSEMENT_WIRE_H
#define HUZHU_DISBURSEMENT_WIRE_H

#include "disbursement.h"
#include "disbursement.pb-c.h"

#endif
