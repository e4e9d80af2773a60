/* main.c - the coding service as a process; all it is lives in its library. */
#include "service.h"

int
main(int argc, char **argv)
{
    return svc_main(&coding_service, argc, argv);
}
