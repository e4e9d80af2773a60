/* handlers.c - the steps of the coding service, in the order of coding.proto. */
#include "handlers.h"
