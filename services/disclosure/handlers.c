/* handlers.c - the steps of the disclosure service, in the order of disclosure.proto. */
#include "handlers.h"
