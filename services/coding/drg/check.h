/* check.h - what is odd in a pack that can be read: nothing here stops a compile. */
#ifndef HUZHU_DRG_CHECK_H
#define HUZHU_DRG_CHECK_H

#include "pack.h"

/* All of it.  dir: for the tables that only people read; NULL: none. */
void check_pack(const struct pack *pack, const char *dir, struct findings *findings);

/* The part that asks which groups can be reached at all (check_reach.c).  false: out of memory. */
bool check_reach(const struct pack *pack, struct findings *findings) MUST_CHECK;

#endif
