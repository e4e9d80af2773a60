/* commands.h - what huzhu-audit does from the command line.
 *
 *   huzhu-audit export --tenant ID|platform --out FILE
 *   huzhu-audit verify [--keys FILE]... [--tenant ID|platform] [--head SIZE:ROOT]...
 *                      [--database-url URL | EXPORT]
 *   huzhu-audit check-proof --keys FILE... LINE.json PAGE.json
 *
 * verify exits with 0 when all is well, 1 when something was tampered with, 2 when it could not
 * look.  With an export it needs neither database nor configuration: anyone can run it.
 * check-proof says "true: ..." (0), "false: ..." (1), or why it could not look (2). */
#ifndef HUZHU_AUDIT_COMMANDS_H
#define HUZHU_AUDIT_COMMANDS_H

#include "audit.h"

int audit_main(int argc, char **argv);

int audit_export(struct call *c, int argc, char **argv);
int audit_verify(struct call *c, int argc, char **argv);
int audit_check_proof(int argc, char **argv);

#endif
