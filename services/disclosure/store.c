/* store.c - the nouns in and out of the schema disclosure. */
#include "store.h"
