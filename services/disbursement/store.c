/* store.c - the nouns in and out of the schema disbursement. */
#include "store.h"
