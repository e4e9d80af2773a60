/* bus_test.c - frames, envelopes, key files and error numbers: the parts of common/bus that need no
 * socket. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena/arena.h"
#include "bus/bundle.h"
#include "bus/bus.h"
#include "bus/bus_keys.h"
#include "bus/envelope.h"
#include "bus/mdp.h"

static size_t
a_request(uint8_t *out)
{
    const struct mdp_frame frame = { .side = MDP_CLIENT,
                                     .command = MDP_C_REQUEST,
                                     .number = 0x0102030405060708,
                                     .deadline_us = 1700000000000000,
                                     .caller = mdp_text("gateway"),
                                     .service = mdp_text("claims"),
                                     .method = mdp_text("FileClaim") };

    mdp_head_write(&frame, out);
    memcpy(out + mdp_head_size(&frame), "body", 4);
    return mdp_head_size(&frame) + 4;
}

/* The bytes of the specification in services/broker/README.md: they may never change. */
static void
a_request_has_the_bytes_of_the_specification(void **state)
{
    static const uint8_t expected[] = "MDPC02\x01\x00\x01\x02\x03\x04\x05\x06\x07\x08"
                                      "\x00\x06\x0a\x24\x18\x1e\x40\x00"
                                      "\x07gateway\x06"
                                      "claims\x09"
                                      "FileClaimbody";
    uint8_t bytes[128];

    (void) state;
    assert_int_equal(a_request(bytes), sizeof expected - 1);
    assert_memory_equal(bytes, expected, sizeof expected - 1);
}

static void
a_frame_is_read_as_it_was_written(void **state)
{
    struct mdp_frame frame;
    uint8_t bytes[128];
    const size_t size = a_request(bytes);

    (void) state;
    assert_true(mdp_parse(bytes, size, &frame));
    assert_int_equal(frame.number, 0x0102030405060708);
    assert_int_equal(frame.deadline_us, 1700000000000000);
    assert_true(mdp_text_is(frame.caller, "gateway"));
    assert_true(mdp_text_is(frame.service, "claims"));
    assert_true(mdp_text_is(frame.method, "FileClaim"));
    assert_int_equal(frame.body_size, 4);

    mdp_patch(bytes, MDP_WORKER, MDP_W_REQUEST, 42);
    assert_true(mdp_parse(bytes, size, &frame));
    assert_int_equal(frame.side, MDP_WORKER);
    assert_int_equal(frame.number, 42);
    assert_true(mdp_text_is(frame.caller, "gateway"));
}

static void
a_cut_or_bent_frame_is_none(void **state)
{
    static const struct {
        const char *name;
        size_t at;
        uint8_t byte;
    } cases[] = {
        { "protocol", 0, 'm' },
        { "side", 3, 'X' },
        { "version", 5, '1' },
        { "reserved byte", 7, 1 },
        { "command 0", 6, 0 },
        { "a worker's command", 6, 9 },
        { "negative deadline", 16, 0x80 },
        { "empty caller", 24, 0 },
        { "long caller", 24, 200 },
        { "upper-case name", 25, 'G' },
        { "slash in a name", 26, '/' },
        { "empty service", 32, 0 },
        { "dash in a method", 41, '-' },
    };
    struct mdp_frame frame;
    uint8_t bytes[128];

    (void) state;
    const size_t size = a_request(bytes);
    for (size_t cut = 0; cut < size - 4; cut++)
        assert_false(mdp_parse(bytes, cut, &frame));
    for (size_t i = 0; i < COUNT(cases); i++) {
        (void) a_request(bytes);
        bytes[cases[i].at] = cases[i].byte;
        if (mdp_parse(bytes, size, &frame))
            fail_msg("accepted: %s", cases[i].name);
    }
}

static void
names_and_methods_have_their_characters(void **state)
{
    (void) state;
    assert_true(mdp_name_is_valid("claims-2_b", 10));
    assert_false(mdp_name_is_valid("", 0));
    assert_false(mdp_name_is_valid("Claims", 6));
    assert_true(mdp_name_is_valid("abcdefghijklmnopqrstuvwxyz01234", 31));
    assert_false(mdp_name_is_valid("abcdefghijklmnopqrstuvwxyz012345", 32));
    assert_true(mdp_method_is_valid("Common.Ping", 11));
    assert_false(mdp_method_is_valid("Common Ping", 11));
}

static Bus__Envelope
an_envelope(void)
{
    static uint8_t id[16];
    Bus__Envelope e = BUS__ENVELOPE__INIT;

    e.request_id = (ProtobufCBinaryData){ 16, id };
    e.method = "FileClaim";
    e.deadline_us = 1;
    return e;
}

static err_t
unpacked(const Bus__Envelope *e, struct err *err)
{
    OWNED(arena_destroy) struct arena *arena = arena_create(1 << 16);
    const Bus__Envelope *out;
    uint8_t bytes[1024];

    assert_true(bus__envelope__get_packed_size(e) <= sizeof bytes);
    return bus_envelope_unpack(arena, bytes, bus__envelope__pack(e, bytes), &out, err);
}

static void
an_envelope_obeys_its_limits(void **state)
{
    static char parent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    static uint8_t id[17];
    struct err err = { 0 };
    Bus__Envelope e = an_envelope();

    (void) state;
    e.traceparent = parent;
    e.idempotency_key = "k";
    assert_int_equal(unpacked(&e, &err), ERR_OK);
#define REFUSES(what, at)                                                                          \
    e = an_envelope();                                                                             \
    what;                                                                                          \
    assert_int_equal(unpacked(&e, &err), ERR_INVALID);                                             \
    assert_string_equal(err.path, at)
    REFUSES(e.request_id.len = 15, "$.requestId");
    REFUSES(e.method = "", "$.method");
    REFUSES(e.method = "a b", "$.method");
    REFUSES(e.traceparent = "00-x", "$.traceparent");
    REFUSES((e.tenant_id = (ProtobufCBinaryData){ 17, id }), "$.tenantId");
    REFUSES(e.deadline_us = 0, "$.deadlineUs");
    REFUSES(e.idempotency_key = "with space", "$.idempotencyKey");
    REFUSES(e.idempotency_key = "12345678901234567890123456789012345678901234567890123456789012345",
            "$.idempotencyKey");
    REFUSES(e.if_match = "\xe4\xba\x92", "$.ifMatch");
    REFUSES(e.language = "a-very-long-language", "$.language");
#undef REFUSES
    OWNED(arena_destroy) struct arena *arena = arena_create(1 << 16);
    const Bus__Envelope *out;
    assert_int_equal(bus_envelope_unpack(arena, (const uint8_t *) "\xff\xff", 2, &out, &err),
                     ERR_INVALID);
}

/* bus.proto's numbers, not err.def's order. */
static void
error_numbers_are_stable(void **state)
{
    static const struct {
        err_t code;
        uint32_t number;
    } all[] = { { ERR_OK, 0 },        { ERR_INVALID, 1 },   { ERR_UNAUTHENTICATED, 2 },
                { ERR_FORBIDDEN, 3 }, { ERR_NOT_FOUND, 4 }, { ERR_CONFLICT, 5 },
                { ERR_STALE, 6 },     { ERR_REFUSED, 7 },   { ERR_LIMITED, 8 },
                { ERR_INTERNAL, 9 },  { ERR_RACED, 10 },    { ERR_UNAVAILABLE, 11 },
                { ERR_DEADLINE, 12 } };

    (void) state;
    assert_int_equal(COUNT(all), ERR_COUNT);
    for (size_t i = 0; i < COUNT(all); i++) {
        assert_int_equal(bus_code_from_err(all[i].code), all[i].number);
        assert_int_equal(bus_err_from_code(all[i].number), all[i].code);
    }
    assert_int_equal(bus_err_from_code(999), ERR_INTERNAL);
}

static void
a_key_file_is_private_whole_and_never_overwritten(void **state)
{
    char dir[] = "/tmp/huzhu-keys-XXXXXX", path[64], public_path[80];
    struct bus_key_pair pair, other;
    struct err err;
    struct stat what;

    (void) state;
    assert_non_null(mkdtemp(dir));
    (void) snprintf(path, sizeof path, "%s/k", dir);
    (void) snprintf(public_path, sizeof public_path, "%s/k.pub", dir);
    assert_int_equal(bus_keys_generate(path, &err), ERR_OK);
    assert_int_equal(stat(path, &what), 0);
    assert_int_equal(what.st_mode & 0777, 0600);
    assert_int_equal(stat(public_path, &what), 0);
    assert_int_equal(what.st_mode & 0777, 0644);
    assert_int_equal(bus_keys_load(path, &pair, &err), ERR_OK);
    assert_int_equal(bus_keys_load(public_path, &other, &err), ERR_OK);
    assert_string_equal(pair.public_key, other.public_key);
    assert_string_equal(other.secret_key, "");

    assert_int_equal(bus_keys_generate(path, &err), ERR_CONFLICT);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(bus_keys_load(path, &other, &err), ERR_INVALID);
    assert_string_equal(err.reason, "bus.key_exposed");
    assert_int_equal(chmod(path, 0600), 0);

    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void) fprintf(file, "public %.39s!\nsecret %s\n", pair.public_key, pair.secret_key);
    (void) fclose(file);
    assert_int_equal(bus_keys_load(path, &other, &err), ERR_INVALID);
    assert_string_equal(err.reason, "bus.key_malformed");
    assert_int_equal(bus_keys_load("/nowhere", &other, &err), ERR_INVALID);
    assert_int_equal(unlink(path) + unlink(public_path) + rmdir(dir), 0);
}

static void
a_wrong_configuration_says_what_is_wrong(void **state)
{
    static const struct {
        const char *brokers, *name, *key, *reason;
        uint32_t credit;
    } cases[] = {
        { "", "claims", "", "bus.conf_brokers", 1 },
        { "ipc:///x,", "Claims", "", "bus.conf_name", 1 },
        { "tcp://127.0.0.1:1", "claims", "", "bus.conf_keys", 1 },
        { "curve+ipc:///x", "claims", "", "bus.conf_keys", 1 },
        { "nonsense", "claims", "", "bus.conf_brokers", 1 },
        { "ipc:///x", "claims", "/nowhere", "bus.key_unreadable", 1 },
        { "ipc:///x", "claims", "", "bus.conf_credit", 0 },
        { "ipc:///x", "claims", "", "bus.conf_credit", 1025 },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct bus_conf conf = { cases[i].brokers, cases[i].name, cases[i].key, "" };
        struct bus_worker *worker = NULL;
        struct err err = { 0 };
        assert_int_equal(bus_worker_create(&conf, cases[i].credit, &worker, &err), ERR_INVALID);
        assert_string_equal(err.reason, cases[i].reason);
        assert_null(worker);
    }
}

static void
a_message(zmq_msg_t *msg, const char *bytes, size_t size)
{
    assert_int_equal(zmq_msg_init_size(msg, size), 0);
    memcpy(zmq_msg_data(msg), bytes, size);
}

/* The bytes of the specification in services/broker/README.md. */
static void
a_bundle_has_the_bytes_of_the_specification(void **state)
{
    static const char expected[] = "MDPB02\0\0\0\0\0\x05"
                                   "first\0\0\0\x02"
                                   "to";
    struct bundle bundle = { 0 };
    zmq_msg_t msg;
    bool lost;

    (void) state;
    assert_false(bundle_take(&bundle, &msg, &lost));
    assert_false(lost);
    a_message(&msg, "first", 5);
    assert_true(bundle_add(&bundle, &msg));
    assert_true(bundle_take(&bundle, &msg, &lost)); /* one alone goes as it is */
    assert_int_equal(zmq_msg_size(&msg), 5);
    assert_int_equal(bundle.count, 0);

    assert_true(bundle_add(&bundle, &msg));
    a_message(&msg, "to", 2);
    assert_true(bundle_add(&bundle, &msg));
    assert_int_equal(bundle.count, 2);
    assert_true(bundle_take(&bundle, &msg, &lost));
    assert_int_equal(zmq_msg_size(&msg), sizeof expected - 1);
    assert_memory_equal(zmq_msg_data(&msg), expected, sizeof expected - 1);
    (void) zmq_msg_close(&msg);
    assert_false(bundle_take(&bundle, &msg, &lost));
}

static void
a_full_bundle_takes_no_more_and_gives_what_it_has(void **state)
{
    static char frame[BUNDLE_FRAME_BYTES_MAX];
    struct bundle bundle = { 0 };
    uint32_t count = 0;
    const uint8_t *at;
    zmq_msg_t msg;
    size_t size;
    bool lost;

    (void) state;
    for (;; count++) {
        a_message(&msg, frame, sizeof frame - (count == 0 ? 0 : 1));
        if (!bundle_add(&bundle, &msg))
            break;
    }
    assert_int_equal(zmq_msg_size(&msg), sizeof frame - 1); /* as it was */
    (void) zmq_msg_close(&msg);
    assert_int_equal(count, BUNDLE_BYTES_MAX / sizeof frame - 1);
    assert_int_equal(bundle.count, count);
    assert_true(bundle_take(&bundle, &msg, &lost));
    assert_true(mdp_is_bundle(zmq_msg_data(&msg), zmq_msg_size(&msg)));
    assert_in_range(zmq_msg_size(&msg), 1, BUNDLE_BYTES_MAX);
    struct mdp_pieces pieces = mdp_pieces(zmq_msg_data(&msg), zmq_msg_size(&msg));
    for (uint32_t i = 0; i < count; i++) {
        assert_true(mdp_pieces_next(&pieces, &at, &size));
        assert_int_equal(size, sizeof frame - (i == 0 ? 0 : 1));
    }
    assert_false(mdp_pieces_next(&pieces, &at, &size));
    assert_ptr_equal(pieces.at, pieces.end);
    (void) zmq_msg_close(&msg);

    a_message(&msg, frame, sizeof frame);
    assert_true(bundle_add(&bundle, &msg));
    a_message(&msg, frame, 1);
    assert_true(bundle_add(&bundle, &msg));
    bundle_clear(&bundle); /* the leak checker looks */
    assert_int_equal(bundle.count, 0);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_has_the_bytes_of_the_specification),
        cmocka_unit_test(a_frame_is_read_as_it_was_written),
        cmocka_unit_test(a_bundle_has_the_bytes_of_the_specification),
        cmocka_unit_test(a_full_bundle_takes_no_more_and_gives_what_it_has),
        cmocka_unit_test(a_cut_or_bent_frame_is_none),
        cmocka_unit_test(names_and_methods_have_their_characters),
        cmocka_unit_test(an_envelope_obeys_its_limits),
        cmocka_unit_test(error_numbers_are_stable),
        cmocka_unit_test(a_key_file_is_private_whole_and_never_overwritten),
        cmocka_unit_test(a_wrong_configuration_says_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
