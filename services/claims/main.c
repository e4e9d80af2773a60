/* main.c - the claims service as a process; all it is lives in its library. */
#include "service.h"

int
main(int argc, char **argv)
{
    return svc_main(&claims_service, argc, argv);
}
