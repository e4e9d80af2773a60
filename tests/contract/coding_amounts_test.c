/* coding_amounts_test.c - 003-22: no request to the coding service has a place for an amount. */
#include "test.h"

#include <string.h>

#include "coding.pb-c.h"

static int
amounts_in(const ProtobufCMessageDescriptor *message, int depth)
{
    int found = strcmp(message->name, "huzhu.Money") == 0;

    for (unsigned i = 0; i < message->n_fields && depth < 8; i++)
        if (message->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
            found += amounts_in(message->fields[i].descriptor, depth + 1);
    return found;
}

static void
req_003_22_no_request_takes_an_amount_by_hand(void **state)
{
    const ProtobufCServiceDescriptor *coding = &coding__coding__descriptor;
    int priced = 0;

    (void) state;
    for (unsigned i = 0; i < coding->n_methods; i++) {
        if (amounts_in(coding->methods[i].input, 0) > 0)
            fail_msg("%s takes an amount", coding->methods[i].name);
        priced += amounts_in(coding->methods[i].output, 0) > 0;
    }
    assert_true(priced >= 3); /* the search does find amounts where they are */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(req_003_22_no_request_takes_an_amount_by_hand),
    };
    return cmocka_run_group_tests_name("contract/coding_amounts", tests, NULL, NULL);
}
