/* main.c - the audit service as a process; all it is lives in its library. */
#include "commands.h"

int
main(int argc, char **argv)
{
    return audit_main(argc, argv);
}
