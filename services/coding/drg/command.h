/* command.h - the subcommands of huzhu-drg.  Each gets what follows its name and returns the exit
 * status: 0 done, 1 the data or the machine refused, 2 the call was wrong. */
#ifndef HUZHU_DRG_COMMAND_H
#define HUZHU_DRG_COMMAND_H

#include "drg.h"

enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

int command_compile(int argc, char **argv);
int command_check(int argc, char **argv);
int command_info(int argc, char **argv);
int command_group(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_diff(int argc, char **argv);
int command_import(int argc, char **argv);
int command_bench(int argc, char **argv);

/* Prints an error and returns EXIT_REFUSED. */
int command_failed(const struct err *err);
/* Opens a scheme; on failure prints why and returns NULL. */
struct drg_scheme *command_scheme(const char *path);
/* A whole number from 1 to max out of the text of an option; 0: it is none. */
int command_number(const char *text, int max);

#endif
