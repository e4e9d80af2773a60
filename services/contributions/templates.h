/* templates.h - the four programmes of the source texts, as data. */
#ifndef HUZHU_CONTRIBUTIONS_TEMPLATES_H
#define HUZHU_CONTRIBUTIONS_TEMPLATES_H

#include "contributions.h"

/* A programme of the arena with everything that the source says; REFUSED template.unknown.  What it
 * leaves open (days, account, responsible person) is the caller's to fill in. */
err_t template_make(struct call *c, const char *name, programme_t **p) MUST_CHECK;

/* Every field that `with` carries (not zero, not empty) replaces p's.  Borrows from `with`. */
void programme_overlay(programme_t *p, const programme_t *with);

#endif
