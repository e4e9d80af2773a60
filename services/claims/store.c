/* store.c - the nouns in and out of the schema claims. */
#include "store.h"
