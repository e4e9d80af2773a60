/* route_row.h - a route of a test's own gateway, in one line. */
#ifndef HUZHU_TEST_ROUTE_ROW_H
#define HUZHU_TEST_ROUTE_ROW_H

#define ROUTE_ROW(verb_, path_, service_, rpc_, descriptor_, status_, flags_)                      \
    {                                                                                              \
        .verb = VERB_##verb_, .path = (path_), .service = (service_), .rpc = (rpc_),               \
        .descriptor = &(descriptor_), .status = (status_), .flags = (flags_)                       \
    }
/* An rpc of tests/contract/gateway_sample.proto that is answered with 200. */
#define SAMPLE_ROW(verb_, path_, rpc_, flags_)                                                     \
    ROUTE_ROW(verb_, path_, "sample", rpc_, sample__sample___descriptor, 200, flags_)

#endif
