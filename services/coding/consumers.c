/* consumers.c - what the coding service does when others tell of something. */
#include "consumers.h"
