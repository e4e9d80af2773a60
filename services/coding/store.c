/* store.c - the nouns in and out of the schema coding. */
#include "store.h"
