/* consumers.c - what the contributions service does when others tell of something. */
#include "consumers.h"
