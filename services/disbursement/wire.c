/* wire.c - protobuf to nouns and back, events out. */
#include "wire.h"
