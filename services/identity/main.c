/* main.c - the identity service as a process; all it is lives in its library. */
#include "service.h"

int
main(int argc, char **argv)
{
    return svc_main(&identity_service, argc, argv);
}
