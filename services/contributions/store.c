/* store.c - the nouns in and out of the schema contributions. */
#include "store.h"
