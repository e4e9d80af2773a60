/* consumers.c - what the identity service does when others tell of something. */
#include "consumers.h"
