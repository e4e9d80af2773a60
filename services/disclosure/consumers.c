/* consumers.c - what the disclosure service does when others tell of something. */
#include "consumers.h"
