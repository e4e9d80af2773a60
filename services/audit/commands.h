/* commands.h - what huzhu-audit does from the command line.
 *
 *   huzhu-audit export --tenant ID|platform --out FILE
 *   huzhu-audit verify [--keys FILE]... [--tenant ID|platform] [--head SIZE:ROOT]...
 *                      [--database-url URL | EXPORT]
 *
 * verify exits with 0 when all is well, 1 when something was tampered with, 2 when it could not
 * look.  With an export it needs neither database nor configuration: anyone can run it. */
#ifndef HUZHU_AUDIT_COMMANDS_H
#define HUZHU_AUDIT_COMMANDS_H

#include "audit.h"

int audit_main(int argc, char **argv);

int audit_export(struct call *c, int argc, char **argv);
int audit_verify(struct call *c, int argc, char **argv);

#endif
