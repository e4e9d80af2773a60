/* huzhu-gateway: the public HTTPS port. */
#include "gateway.h"

int
main(int argc, char **argv)
{
    return gateway_main(argc, argv);
}
