/* bus_broker_test.c - what the broker decides, without a network and with a clock of the test's
 * own; and the permission table it decides by. */
#include "test.h"

#include <stdio.h>

#include "audit.h"
#include "broker_rig.h"
#include "bus/bundle.h"
#include "metrics.h"
#include "zap.h"

#define GATEWAY "u/0/gateway"
#define CLAIMS "u/0/claims"
#define CODING "u/0/coding"
enum { G = 1, W1, W2, W3, OTHER };

static const char table[] = "peer 0 gateway\npeer 0 claims\npeer 0 coding\n"
                            "call gateway claims\ncall gateway coding Get*\n";
static const struct core_conf conf = { .queue_count_max = 4,
                                       .queue_bytes_max = 1000,
                                       .worker_silence_us = 1000000,
                                       .peers_max = 8,
                                       .requests_max = 64 };
static struct rig *rig;

static int
set_up(void **state)
{
    (void) state;
    rig = malloc(sizeof *rig);
    rig_init(rig, table, &conf);
    return 0;
}

static int
tear_down(void **state)
{
    (void) state;
    rig_done(rig);
    free(rig);
    return 0;
}

static void
ready(uint64_t peer, uint64_t credit)
{
    const struct mdp_frame frame = {
        .side = MDP_WORKER, .command = MDP_W_READY, .number = credit, .service = mdp_text("claims")
    };
    rig_say(rig, peer, CLAIMS, &frame, "");
}

static void
ask_for(uint64_t ticket, int64_t deadline_ms, const char *service, const char *method)
{
    const struct mdp_frame frame = { .side = MDP_CLIENT,
                                     .command = MDP_C_REQUEST,
                                     .number = ticket,
                                     .deadline_us = RIG_WALL_US + rig->now_us + deadline_ms * 1000,
                                     .caller = mdp_text("gateway"),
                                     .service = mdp_text(service),
                                     .method = mdp_text(method) };
    rig_say(rig, G, GATEWAY, &frame, "envelope");
}

static void
ask(uint64_t ticket)
{
    ask_for(ticket, 5000, "claims", "Do");
}

static void
say(uint64_t peer, uint8_t command, uint64_t number, const char *body)
{
    const struct mdp_frame frame = {
        .side = MDP_WORKER, .command = command, .number = number, .service = mdp_text("")
    };
    rig_say(rig, peer, CLAIMS, &frame, body);
}

/* The next frame is a request to this worker; its number. */
static uint64_t
given_to(uint64_t worker)
{
    const struct rig_sent *sent = rig_next(rig);

    assert_non_null(sent);
    assert_int_equal(sent->to, worker);
    assert_int_equal(sent->frame.side, MDP_WORKER);
    assert_int_equal(sent->frame.command, MDP_W_REQUEST);
    assert_true(mdp_text_is(sent->frame.caller, "gateway"));
    assert_memory_equal(sent->frame.body, "envelope", 8);
    return sent->frame.number;
}

/* The next frame is the last answer to this ticket, with this code ("" reason: a worker's own). */
static void
answered(uint64_t ticket, const char *reason)
{
    const struct rig_sent *sent = rig_next(rig);

    assert_non_null(sent);
    assert_int_equal(sent->to, G);
    assert_int_equal(sent->frame.side, MDP_CLIENT);
    assert_int_equal(sent->frame.command, MDP_C_FINAL);
    assert_int_equal(sent->frame.number, ticket);
    if (*reason == '\0')
        return;
    Bus__Answer *answer = bus__answer__unpack(NULL, sent->frame.body_size, sent->frame.body);
    assert_non_null(answer);
    assert_string_equal(answer->reason, reason);
    bus__answer__free_unpacked(answer, NULL);
}

static void
nothing_more(void)
{
    assert_null(rig_next(rig));
}

/* --- tests --- */

static void
requests_go_to_the_least_recently_used_worker(void **state)
{
    (void) state;
    ready(W1, 2);
    ready(W2, 2);
    ready(W3, 1);
    for (uint64_t i = 0; i < 5; i++)
        ask(i);
    const uint64_t first = given_to(W1), second = given_to(W2);
    (void) given_to(W3);
    (void) given_to(W1);
    (void) given_to(W2);
    nothing_more(); /* every credit is used */
    ask(5);
    nothing_more();
    say(W2, MDP_W_FINAL, second, "");
    answered(1, "");
    (void) given_to(W2); /* its credit is back */
    say(W1, MDP_W_FINAL, first, "");
    answered(0, "");
    nothing_more();
    ask(6);
    (void) given_to(W1);
}

static void
a_queue_is_bounded_by_count_and_by_bytes(void **state)
{
    char body[400];

    (void) state;
    for (uint64_t i = 0; i < 5; i++)
        ask(i);
    answered(4, "bus.queue_full");
    nothing_more();
    ready(W1, 8);
    for (int i = 0; i < 4; i++)
        (void) given_to(W1);
    say(W1, MDP_W_READY, 0, ""); /* not a registration: no name */
    assert_string_equal(rig->refusal, "frame.malformed");

    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    const struct mdp_frame frame = { .side = MDP_CLIENT,
                                     .command = MDP_C_REQUEST,
                                     .deadline_us = RIG_WALL_US * 2,
                                     .caller = mdp_text("gateway"),
                                     .service = mdp_text("coding"),
                                     .method = mdp_text("Get") };
    for (int i = 0; i < 3; i++)
        rig_say(rig, G, GATEWAY, &frame, body);
    answered(0, "bus.queue_full"); /* the third would be more than 1000 bytes */
    nothing_more();
}

static void
a_deadline_ends_what_waits_and_what_is_in_hand(void **state)
{
    (void) state;
    ready(W1, 1);
    ask_for(1, 100, "claims", "Do");
    const uint64_t number = given_to(W1);
    ask_for(2, 100, "claims", "Do");
    ask_for(3, 50000, "claims", "Do"); /* several turns of the wheel */
    rig_pass(rig, 90000);
    nothing_more();
    rig_pass(rig, 20000);
    answered(1, "bus.deadline");
    answered(2, "bus.deadline");
    nothing_more();
    say(W1, MDP_W_FINAL, number, ""); /* too late: nobody gets it, but the credit is back */
    (void) given_to(W1);
    nothing_more();
    for (int i = 0; i < 4989; i++)
        rig_pass(rig, 10000);
    answered(3, "bus.deadline");
    ask_for(4, -1, "claims", "Do");
    answered(4, "bus.deadline");
    nothing_more();
}

static void
a_credit_that_never_comes_back_is_believed_in_again(void **state)
{
    (void) state;
    ready(W1, 1);
    ask_for(1, 100, "claims", "Do");
    (void) given_to(W1);
    rig_pass(rig, 200000);
    answered(1, "bus.deadline");
    ask_for(2, 500000, "claims", "Do");
    nothing_more();
    for (int i = 0; i < 6100; i++)
        rig_pass(rig, 10000);
    (void) given_to(W1);
}

static void
the_work_of_a_lost_worker_goes_to_another_in_its_order(void **state)
{
    (void) state;
    ready(W1, 3);
    for (uint64_t i = 0; i < 5; i++)
        ask(i);
    uint64_t numbers[3];
    for (int i = 0; i < 3; i++)
        numbers[i] = given_to(W1);
    say(W1, MDP_W_DISCONNECT, 0, "");
    nothing_more();
    ready(W2, 8);
    for (int i = 0; i < 3; i++)
        assert_int_equal(given_to(W2), numbers[i]); /* before what came later */
    (void) given_to(W2);
    (void) given_to(W2);
    say(W1, MDP_W_FINAL, numbers[0], ""); /* the old worker was alive: nobody listens to it */
    nothing_more();
    say(W2, MDP_W_FINAL, numbers[0], "");
    answered(0, "");
    assert_int_equal(core_totals(rig->core).redelivered, 3);
}

static void
an_unreachable_worker_is_passed_over(void **state)
{
    (void) state;
    ready(W1, 1);
    ready(W2, 1);
    rig->gone = W1;
    ask(1);
    (void) given_to(W2);
    rig->gone = 0;
    ask(2);
    nothing_more(); /* W1 is no worker any more */
}

static void
a_probe_finds_who_is_gone(void **state)
{
    (void) state;
    ready(W1, 1);
    ask(1);
    const uint64_t number = given_to(W1);
    ready(W2, 1);
    rig->gone = W1;
    core_probe(rig->core);
    const struct rig_sent *sent;
    bool given = false;
    while ((sent = rig_next(rig)) != NULL)
        given |=
            sent->to == W2 && sent->frame.command == MDP_W_REQUEST && sent->frame.number == number;
    assert_true(given);
}

static void
an_idle_silent_worker_is_lost_and_a_busy_one_is_believed(void **state)
{
    (void) state;
    ready(W1, 1);
    ask(1);
    (void) given_to(W1);
    ready(W2, 1);
    for (int i = 0; i < 150; i++)
        rig_pass(rig, 10000);
    ask(2);
    nothing_more(); /* W2 is lost, W1 is busy */
    say(W2, MDP_W_HEARTBEAT, 0, "");
    assert_int_equal(rig_next(rig)->frame.command, MDP_W_HEARTBEAT);
    ready(W2, 1); /* it saw another session and registers again */
    (void) given_to(W2);
}

static void
a_session_is_one_connection(void **state)
{
    (void) state;
    say(W1, MDP_W_HEARTBEAT, 0, "");
    const uint64_t first = rig_next(rig)->frame.number;
    say(W1, MDP_W_HEARTBEAT, 0, "");
    assert_int_equal(rig_next(rig)->frame.number, first);
    say(W2, MDP_W_HEARTBEAT, 0, "");
    assert_int_not_equal(rig_next(rig)->frame.number, first);
}

/* --- bundles --- */

static size_t
piece(uint8_t *out, const struct mdp_frame *frame, const char *body)
{
    const size_t head = mdp_head_size(frame), size = head + strlen(body);

    mdp_piece_head_write(size, out);
    mdp_head_write(frame, out + MDP_PIECE_HEAD_BYTES);
    memcpy(out + MDP_PIECE_HEAD_BYTES + head, body, strlen(body));
    return MDP_PIECE_HEAD_BYTES + size;
}

static size_t
asked(uint8_t *out, uint64_t ticket)
{
    const struct mdp_frame frame = { .side = MDP_CLIENT,
                                     .command = MDP_C_REQUEST,
                                     .number = ticket,
                                     .deadline_us = RIG_WALL_US * 2,
                                     .caller = mdp_text("gateway"),
                                     .service = mdp_text("claims"),
                                     .method = mdp_text("Do") };
    return piece(out, &frame, "envelope");
}

/* An empty bundle: this peer reads them. */
static void
greet(uint64_t peer, const char *user)
{
    uint8_t bundle[MDP_BUNDLE_HEAD_BYTES];

    mdp_bundle_head_write(bundle);
    rig_receive(rig, peer, user, bundle, sizeof bundle);
}

static void
the_broker_says_that_it_reads_bundles_once(void **state)
{
    (void) state;
    say(W1, MDP_W_HEARTBEAT, 0, "");
    assert_int_equal(rig->greeted, W1);
    assert_int_equal(rig->messages, 2);
    say(W1, MDP_W_HEARTBEAT, 0, "");
    assert_int_equal(rig->messages, 3);
}

static void
frames_of_one_moment_travel_together_to_who_reads_bundles(void **state)
{
    uint8_t bytes[512];
    size_t size = MDP_BUNDLE_HEAD_BYTES;

    (void) state;
    greet(W1, CLAIMS);
    ready(W1, 4);
    ready(W2, 4); /* it never sent a bundle */
    mdp_bundle_head_write(bytes);
    for (uint64_t i = 0; i < 4; i++)
        size += asked(bytes + size, i);
    rig_receive(rig, G, GATEWAY, bytes, size);

    uint64_t numbers[2], old[2];
    old[0] = given_to(W2); /* at once, each alone */
    old[1] = given_to(W2);
    assert_int_equal(rig->messages, 3);
    numbers[0] = given_to(W1);
    const size_t message = rig->sent[rig->taken - 1].message;
    numbers[1] = given_to(W1);
    assert_int_equal(rig->sent[rig->taken - 1].message, message);
    nothing_more();

    size = MDP_BUNDLE_HEAD_BYTES;
    for (int i = 0; i < 2; i++) {
        const struct mdp_frame answer = { .side = MDP_WORKER,
                                          .command = MDP_W_FINAL,
                                          .number = numbers[i] };
        size += piece(bytes + size, &answer, "");
    }
    rig_receive(rig, W1, CLAIMS, bytes, size);
    answered(0, "");
    answered(2, "");
    assert_int_equal(rig->messages, 4);
    say(W2, MDP_W_FINAL, old[0], ""); /* one alone goes as it is */
    rig->greeted = 0;
    answered(1, "");
    assert_int_equal(rig->greeted, 0);
}

/* A large frame does not overtake what is held before it. */
static void
parts_of_an_answer_keep_their_order_whatever_their_size(void **state)
{
    static uint8_t bytes[3 * BUNDLE_FRAME_BYTES_MAX];
    static char large[2 * BUNDLE_FRAME_BYTES_MAX];
    size_t size = MDP_BUNDLE_HEAD_BYTES;

    (void) state;
    greet(G, GATEWAY);
    ready(W1, 1);
    ask(7);
    struct mdp_frame part = { .side = MDP_WORKER, .command = MDP_W_PARTIAL };
    part.number = given_to(W1);
    memset(large, 'x', sizeof large - 1);
    mdp_bundle_head_write(bytes);
    size += piece(bytes + size, &part, "first");
    size += piece(bytes + size, &part, large);
    part.command = MDP_W_FINAL;
    size += piece(bytes + size, &part, "last");
    rig_receive(rig, W1, CLAIMS, bytes, size);
    const struct rig_sent *first = rig_next(rig), *second = rig_next(rig), *third = rig_next(rig);
    assert_memory_equal(first->frame.body, "first", 5);
    assert_int_equal(second->frame.body_size, sizeof large - 1);
    assert_memory_equal(third->frame.body, "last", 4);
    assert_int_equal(third->frame.command, MDP_C_FINAL);
}

static void
what_is_held_for_a_lost_worker_goes_to_another(void **state)
{
    uint8_t bytes[512];
    size_t size = MDP_BUNDLE_HEAD_BYTES;

    (void) state;
    greet(W1, CLAIMS);
    ready(W1, 4);
    mdp_bundle_head_write(bytes);
    for (uint64_t i = 0; i < 3; i++)
        size += asked(bytes + size, i);
    rig->gone = W1; /* nobody knows yet */
    rig_receive(rig, G, GATEWAY, bytes, size);
    nothing_more();
    assert_int_equal(core_held(rig->core), 0);
    ready(W2, 4);
    for (int i = 0; i < 3; i++)
        (void) given_to(W2);
    assert_int_equal(core_totals(rig->core).redelivered, 3);
}

/* Its connection may stand: with the next heartbeat it learns a new session and asks again. */
static void
a_client_that_does_not_read_is_lost_with_what_it_asked(void **state)
{
    (void) state;
    say(W1, MDP_W_HEARTBEAT, 0, "");
    const uint64_t session = rig_next(rig)->frame.number;
    greet(G, GATEWAY);
    ready(W1, 2);
    ask(1);
    ask(2);
    const uint64_t number = given_to(W1);
    (void) given_to(W1);
    rig->gone = G;
    say(W1, MDP_W_FINAL, number, "");
    nothing_more();
    assert_int_equal(core_totals(rig->core).lost, 1);
    assert_int_equal(core_totals(rig->core).peers, 1);
    rig->gone = 0;
    const struct mdp_frame beat = { .side = MDP_CLIENT, .command = MDP_C_HEARTBEAT };
    rig_say(rig, G, GATEWAY, &beat, "");
    assert_int_not_equal(rig_next(rig)->frame.number, session);
}

static void
returned(uint64_t ticket)
{
    const struct rig_sent *sent = rig_next(rig);

    assert_non_null(sent);
    assert_int_equal(sent->to, G);
    assert_int_equal(sent->frame.side, MDP_CLIENT);
    assert_int_equal(sent->frame.command, MDP_C_RETURNED);
    assert_int_equal(sent->frame.number, ticket);
}

static void
pass_ms(int ms)
{
    for (int i = 0; i < ms; i += 10)
        rig_pass(rig, 10000);
}

static void
what_nobody_serves_for_a_second_goes_back(void **state)
{
    (void) state;
    greet(G, GATEWAY);
    ask_for(1, 60000, "claims", "Do");
    pass_ms(500);
    ask_for(2, 60000, "claims", "Do");
    pass_ms(490);
    nothing_more();
    pass_ms(10);
    returned(1);
    nothing_more();
    pass_ms(500);
    returned(2);
    nothing_more();
    assert_int_equal(core_totals(rig->core).in_flight, 0);
    assert_int_equal(core_totals(rig->core).returned, 2);
    assert_int_equal(core_service(rig->core, 0).queued, 0);
}

static void
what_waits_for_a_busy_worker_stays(void **state)
{
    (void) state;
    greet(G, GATEWAY);
    ready(W1, 1);
    ask_for(1, 60000, "claims", "Do");
    const uint64_t number = given_to(W1);
    ask_for(2, 60000, "claims", "Do");
    pass_ms(3000);
    nothing_more();
    say(W1, MDP_W_FINAL, number, "");
    (void) given_to(W1);
    answered(1, "");
}

/* A client of an older release would not know what came back to it. */
static void
who_reads_no_bundles_gets_nothing_back(void **state)
{
    (void) state;
    ask_for(1, 60000, "claims", "Do");
    pass_ms(3000);
    nothing_more();
    ready(W1, 1);
    (void) given_to(W1);
}

/* One worker may be lost by chance; with two the request itself may be the cause, and is counted.
 */
static void
what_two_workers_were_lost_with_stays(void **state)
{
    (void) state;
    greet(G, GATEWAY);
    ask_for(1, 60000, "claims", "Do");
    ready(W1, 1);
    (void) given_to(W1);
    say(W1, MDP_W_DISCONNECT, 0, "");
    pass_ms(990);
    nothing_more();
    pass_ms(10);
    returned(1);

    ask_for(2, 60000, "claims", "Do");
    for (int i = 0; i < 2; i++) {
        ready(W1, 1);
        (void) given_to(W1);
        say(W1, MDP_W_DISCONNECT, 0, "");
    }
    pass_ms(3000);
    nothing_more();
}

static void
a_torn_bundle_is_refused_behind_its_whole_frames(void **state)
{
    static const size_t cuts[] = { 1, 3, 4, 20 };
    uint8_t bytes[512];

    (void) state;
    ready(W1, 64);
    for (size_t i = 0; i < COUNT(cuts); i++) {
        size_t size = MDP_BUNDLE_HEAD_BYTES;
        mdp_bundle_head_write(bytes);
        size += asked(bytes + size, i);
        (void) asked(bytes + size, 99);
        rig->refusal[0] = '\0';
        rig_receive(rig, G, GATEWAY, bytes, size + cuts[i]);
        (void) given_to(W1);
        nothing_more();
        assert_string_equal(rig->refusal, "frame.malformed");
    }
    /* A bundle within a bundle is no frame; neither is nothing. */
    size_t size = MDP_BUNDLE_HEAD_BYTES;
    mdp_piece_head_write(MDP_BUNDLE_HEAD_BYTES, bytes + size);
    mdp_bundle_head_write(bytes + size + MDP_PIECE_HEAD_BYTES);
    size += MDP_PIECE_HEAD_BYTES + MDP_BUNDLE_HEAD_BYTES;
    mdp_piece_head_write(0, bytes + size);
    const uint64_t malformed = core_totals(rig->core).malformed;
    rig_receive(rig, G, GATEWAY, bytes, size + MDP_PIECE_HEAD_BYTES);
    assert_int_equal(core_totals(rig->core).malformed, malformed + 2);
}

static void
a_broken_stream_is_not_begun_again(void **state)
{
    (void) state;
    ready(W1, 1);
    ready(W2, 1);
    ask(1);
    const uint64_t number = given_to(W1);
    say(W1, MDP_W_PARTIAL, number, "part");
    const struct rig_sent *sent = rig_next(rig);
    assert_int_equal(sent->frame.command, MDP_C_PARTIAL);
    assert_int_equal(sent->frame.number, 1);
    say(W1, MDP_W_DISCONNECT, 0, "");
    answered(1, "bus.stream_broken");
    nothing_more();
}

static void
a_request_that_outlives_five_workers_is_given_up(void **state)
{
    (void) state;
    ask(1);
    for (int i = 0; i < 5; i++) {
        ready(W1, 1);
        (void) given_to(W1);
        say(W1, MDP_W_DISCONNECT, 0, "");
    }
    answered(1, "bus.workers_lost");
    ready(W1, 1);
    nothing_more();
}

static void
a_draining_worker_gets_no_more_and_may_answer(void **state)
{
    (void) state;
    ready(W1, 2);
    ask(1);
    const uint64_t number = given_to(W1);
    ready(W1, 0);
    ask(2);
    nothing_more();
    say(W1, MDP_W_FINAL, number, "");
    answered(1, "");
    assert_int_equal(core_service(rig->core, 0).workers, 0);
    ready(W2, 1);
    (void) given_to(W2);
}

static void
what_a_lost_client_asked_ends(void **state)
{
    (void) state;
    ready(W1, 1);
    ask(1);
    const uint64_t number = given_to(W1);
    ask(2);
    rig->gone = G;
    core_probe(rig->core);
    rig->gone = 0;
    while (rig_next(rig))
        ;
    assert_int_equal(core_totals(rig->core).in_flight, 1); /* W1's */
    say(W1, MDP_W_FINAL, number, "");
    nothing_more();
    assert_int_equal(core_totals(rig->core).in_flight, 0);
}

static void
what_the_table_forbids_is_refused(void **state)
{
    const struct mdp_frame as_claims = {
        .side = MDP_WORKER, .command = MDP_W_READY, .number = 1, .service = mdp_text("claims")
    };
    const struct mdp_frame forged = { .side = MDP_CLIENT,
                                      .command = MDP_C_REQUEST,
                                      .deadline_us = RIG_WALL_US * 2,
                                      .caller = mdp_text("gateway"),
                                      .service = mdp_text("claims"),
                                      .method = mdp_text("Do") };

    (void) state;
    rig_say(rig, OTHER, CODING, &as_claims, "");
    assert_string_equal(rig->refusal, "worker.name");
    assert_int_equal(rig_next(rig)->frame.command, MDP_W_DISCONNECT);
    rig_say(rig, OTHER, CODING, &forged, "envelope");
    assert_string_equal(rig->refusal, "caller.name");
    assert_non_null(rig_next(rig));
    ask_for(1, 100, "coding", "PutCase");
    assert_string_equal(rig->refusal, "call.forbidden");
    answered(1, "bus.forbidden");
    rig_say(rig, W3, "u/7/claims", &as_claims, "");
    assert_string_equal(rig->refusal, "user.unknown");
    nothing_more();
}

static void
connections_and_requests_are_bounded(void **state)
{
    const struct mdp_frame beat = { .side = MDP_CLIENT, .command = MDP_C_HEARTBEAT };

    (void) state;
    for (uint64_t i = 0; i < 8; i++)
        rig_say(rig, 100 + i, GATEWAY, &beat, "");
    assert_int_equal(rig->refused, 0);
    rig_say(rig, 200, GATEWAY, &beat, "");
    assert_string_equal(rig->refusal, "peers.too_many");
    for (int i = 0; i < 1100; i++)
        rig_pass(rig, 10000); /* silent clients without requests make room */
    assert_int_equal(core_totals(rig->core).peers, 0);
}

static void
a_new_table_sends_away_whom_it_does_not_know(void **state)
{
    struct permissions *fresh = NULL;
    struct err err;

    (void) state;
    ready(W1, 1);
    ask(1);
    (void) given_to(W1);
    assert_int_equal(permissions_parse("peer 0 claims\n", &fresh, &err), ERR_OK);
    core_set_permissions(rig->core, fresh);
    permissions_destroy(rig->permissions);
    rig->permissions = fresh;
    assert_string_equal(rig->refusal, "user.revoked");
    assert_int_equal(core_totals(rig->core).peers, 1);
    ask(2);
    assert_string_equal(rig->refusal, "user.unknown");
    nothing_more();
}

static void
refusals_reach_audit_once_it_is_there(void **state)
{
    OWNED(audit_destroy) struct audit *audit = audit_create();
    const struct refusal refusal = { "key.unknown", "", "key", "127.0.0.1", "detail" };
    static char page[65536];

    (void) state;
    for (int i = 0; i < 100; i++)
        audit_refuse(audit, &refusal);
    struct audit_figures f = audit_figures(audit);
    assert_int_equal(f.refused, 100);
    assert_in_range(f.waiting, AUDIT_PER_SECOND, 90); /* a slow machine lets a few more through */
    assert_int_equal(f.suppressed + f.waiting, 100);  /* the rest is counted, not recorded */
    audit_tick(audit, rig->core, rig->now_us);
    audit_tick(audit, rig->core, rig->now_us);
    assert_int_equal(core_totals(rig->core).in_flight, 1); /* one at a time */
    rig_pass(rig, 6000000);                                /* nobody serves audit */
    assert_int_equal(rig->own_code, BUS__CODE__NAME__DEADLINE);
    audit_answered(audit, rig->own_ticket, NULL, 0);
    f = audit_figures(audit);
    const size_t size = metrics_write(rig->core, &f, page, sizeof page);
    assert_true(size > 0 && size < sizeof page);
    assert_true(metrics_write(rig->core, &f, page, 300) < 300);
}

/* --- the table --- */

static void
a_wrong_table_names_its_line(void **state)
{
    static const struct {
        const char *name, *text, *says;
    } cases[] = {
        { "unknown row", "\n\nallow a b\n", "line 3: " },
        { "short key", "key abc gateway\n", "line 1: " },
        { "no name", "peer self\n", "line 1: " },
        { "bad name", "peer self Gateway\n", "line 1: " },
        { "unknown user", "peer no-such-user-here gateway\n", "line 1: " },
        { "everything open", "# c\ncall * *\n", "line 2: " },
        { "bad method", "call a b M-x\n", "line 1: " },
        { "a star alone is no prefix", "call a b *\n", "line 1: " },
        { "one key, two names",
          "key 3h0/%55fjSBL9pWilwy^Xxi:N/3?V&br0}$:O3*9 a\n"
          "key 3h0/%55fjSBL9pWilwy^Xxi:N/3?V&br0}$:O3*9 b\n",
          "line 2: " },
    };
    struct permissions *p = NULL;
    struct err err;

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (permissions_parse(cases[i].text, &p, &err) != ERR_INVALID ||
            strncmp(err.text, cases[i].says, strlen(cases[i].says)) != 0)
            fail_msg("%s: %s", cases[i].name, err.text);
    }
}

static void
a_table_grants_what_it_says_and_no_more(void **state)
{
    static const char text[] = "# comment\n  # another\n"
                               "key 3h0/%55fjSBL9pWilwy^Xxi:N/3?V&br0}$:O3*9 gateway\n"
                               "key 3h#/%55fjSBL9pWilwy^Xxi:N/3?V&br0}$:O3*9 gateway\n"
                               "peer 1000 claims\r\n"
                               "call gateway *\ncall * audit\ncall * * Common.Ping\n"
                               "call claims coding Get* List\n";
    static const struct {
        const char *caller, *service, *method;
        bool may;
    } cases[] = {
        { "gateway", "claims", "Any", true },        { "claims", "audit", "Any", true },
        { "claims", "coding", "Common.Ping", true }, { "claims", "coding", "Common.Pong", false },
        { "claims", "coding", "GetX", true },        { "claims", "coding", "Get", true },
        { "claims", "coding", "Ge", false },         { "claims", "coding", "List", true },
        { "claims", "coding", "ListAll", false },    { "coding", "claims", "GetX", false },
        { "nobody", "audit", "Any", false },         { "gateway", "nobody", "Any", false },
    };
    OWNED(permissions_destroy) struct permissions *p = NULL;
    char user[PERMISSIONS_USER_BYTES];
    const char *name;
    struct err err;

    (void) state;
    assert_int_equal(permissions_parse(text, &p, &err), ERR_OK);
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (permissions_may_call(p, cases[i].caller, mdp_text(cases[i].service),
                                 mdp_text(cases[i].method)) != cases[i].may)
            fail_msg("%s %s %s", cases[i].caller, cases[i].service, cases[i].method);
    }
    assert_true(permissions_user_of_key(p, "3h#/%55fjSBL9pWilwy^Xxi:N/3?V&br0}$:O3*9", user));
    assert_true(permissions_know_user(p, user, &name));
    assert_string_equal(name, "gateway");
    assert_false(permissions_user_of_key(p, "3x0/%55fjSBL9pWilwy^Xxi:N/3?V&br0}$:O3*9", user));
    assert_true(permissions_user_of_uid(p, 1000, "claims", user));
    assert_true(permissions_know_user(p, user, &name));
    assert_false(permissions_user_of_uid(p, 1001, "claims", user));
    assert_false(permissions_user_of_uid(p, 1000, "coding", user));
    assert_false(permissions_know_user(p, "u/1000/coding", &name));
    assert_false(permissions_know_user(p, "k/1000/claims", &name));
    assert_false(permissions_know_user(p, "", &name));
    assert_false(permissions_know_user(p, "u//claims", &name));
}

static void
a_unix_peers_address_gives_its_uid(void **state)
{
    uint32_t uid = 0;

    (void) state;
    assert_true(zap_uid_parse(":1000:1000:4711", &uid));
    assert_int_equal(uid, 1000);
    assert_true(zap_uid_parse("localhost:5:6:7", &uid));
    assert_false(zap_uid_parse("127.0.0.1", &uid));
    assert_false(zap_uid_parse(":", &uid));
    assert_false(zap_uid_parse(":-1:0:0", &uid));
    assert_false(zap_uid_parse(":99999999999:0:0", &uid));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(requests_go_to_the_least_recently_used_worker),
        TEST(a_queue_is_bounded_by_count_and_by_bytes),
        TEST(a_deadline_ends_what_waits_and_what_is_in_hand),
        TEST(a_credit_that_never_comes_back_is_believed_in_again),
        TEST(the_work_of_a_lost_worker_goes_to_another_in_its_order),
        TEST(an_unreachable_worker_is_passed_over),
        TEST(a_probe_finds_who_is_gone),
        TEST(an_idle_silent_worker_is_lost_and_a_busy_one_is_believed),
        TEST(a_session_is_one_connection),
        TEST(the_broker_says_that_it_reads_bundles_once),
        TEST(frames_of_one_moment_travel_together_to_who_reads_bundles),
        TEST(parts_of_an_answer_keep_their_order_whatever_their_size),
        TEST(what_is_held_for_a_lost_worker_goes_to_another),
        TEST(a_client_that_does_not_read_is_lost_with_what_it_asked),
        TEST(what_nobody_serves_for_a_second_goes_back),
        TEST(what_waits_for_a_busy_worker_stays),
        TEST(who_reads_no_bundles_gets_nothing_back),
        TEST(what_two_workers_were_lost_with_stays),
        TEST(a_torn_bundle_is_refused_behind_its_whole_frames),
        TEST(a_broken_stream_is_not_begun_again),
        TEST(a_request_that_outlives_five_workers_is_given_up),
        TEST(a_draining_worker_gets_no_more_and_may_answer),
        TEST(what_a_lost_client_asked_ends),
        TEST(what_the_table_forbids_is_refused),
        TEST(connections_and_requests_are_bounded),
        TEST(a_new_table_sends_away_whom_it_does_not_know),
        TEST(refusals_reach_audit_once_it_is_there),
        cmocka_unit_test(a_wrong_table_names_its_line),
        cmocka_unit_test(a_table_grants_what_it_says_and_no_more),
        cmocka_unit_test(a_unix_peers_address_gives_its_uid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
