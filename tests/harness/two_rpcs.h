/* two_rpcs.h - the first two rpcs of the claims contract, WriteUpload and ReadUpload, as a contract
 * of their own, for toy services that need a real one and no more. */
#ifndef HUZHU_TEST_TWO_RPCS_H
#define HUZHU_TEST_TWO_RPCS_H

#include "claims.pb-c.h"

static ProtobufCServiceDescriptor two_rpcs;

/* Before main(): a copied descriptor is no constant of C. */
__attribute__((constructor)) static void
two_rpcs_make(void)
{
    static const unsigned by_name[] = { 1, 0 }; /* ReadUpload, WriteUpload */

    two_rpcs = claims__claims__descriptor;
    two_rpcs.n_methods = 2;
    two_rpcs.method_indices_by_name = by_name;
}

#endif
