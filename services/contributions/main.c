/* main.c - the contributions service as a process; all it is lives in its library. */
#include "service.h"

int
main(int argc, char **argv)
{
    return svc_main(&contributions_service, argc, argv);
}
