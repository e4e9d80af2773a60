/* schemes.h - the compiled schemes of a folder, opened at start: what c->state points to. */
#ifndef HUZHU_CODING_SCHEMES_H
#define HUZHU_CODING_SCHEMES_H

#include "coding.h"

/* Opens every *.hzs of the folder, in the order of names.  One that is damaged stops the start: a
 * claim must not be grouped by what happens to be readable. */
err_t schemes_start(const void *conf, void **state, struct err *err) MUST_CHECK;
void schemes_stop(void *state);

#endif
