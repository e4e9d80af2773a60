/* consumers.c - what the claims service does when others tell of something. */
#include "consumers.h"
