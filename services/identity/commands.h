/* commands.h - what huzhu-identity does from the command line, and what it does by itself. */
#ifndef HUZHU_IDENTITY_COMMANDS_H
#define HUZHU_IDENTITY_COMMANDS_H

#include "identity.h"

/* huzhu-identity bootstrap [--tenant CODE --name NAME --division CODE] [--admins A,B,C]
 * [--passwords FILE] */
int identity_bootstrap(struct call *c, int argc, char **argv);
/* huzhu-identity rotate-keys */
int identity_rotate_keys(struct call *c, int argc, char **argv);

/* Duties. */
err_t identity_tidy(struct call *c);           /* throttles and sessions that have had their time */
err_t identity_disable_unused(struct call *c); /* accounts that nobody used for long */

#endif
