/* revoked.c - what was taken away in identity ends here within a second, in every gateway process:
 * the first loop asks what it was, and the sessions of those accounts are asked for anew.
 *
 * There is no cursor to keep: each question covers the time since the last one that was answered,
 * and more.  While identity is away nothing is learned, and what is kept ends by itself
 * (session_cache). */
#include "bus/bus.h"
#include "call.h"
#include "identity.pb-c.h"
#include "log/log.h"

#define ASK_US US_PER_SECOND
#define ASK_DEADLINE_US (2 * US_PER_SECOND)
/* Between a revocation's instant and its commit a session can still be read as it was. */
#define COMMIT_US (10 * US_PER_SECOND)
#define WITHIN_US_MAX (60 * US_PER_SECOND)

static err_t
forget(struct loop *loop, const Bus__Answer *answer, struct err *err)
{
    struct sessions *sessions = loop->gateway->sessions;

    TRY(bus_answer_error(answer, err));
    Identity__ListRevocationsReply *reply =
        identity__list_revocations_reply__unpack(NULL, answer->body.len, answer->body.data);
    if (!reply)
        return err_set(err, ERR_INTERNAL, "revocations.reply",
                       "identity's answer to ListRevocations is not what it should be");
    for (size_t i = 0; i < reply->n_revocations && !reply->more; i++) {
        const Identity__ListRevocationsReply__Revocation *one = reply->revocations[i];
        if (one->account_id && one->account_id->value.len == 16)
            sessions_drop_account(sessions, one->account_id->value.data,
                                  loop->wall_us - one->age_us + COMMIT_US);
    }
    if (reply->more)
        sessions_drop_account(sessions, NULL, INT64_MAX);
    identity__list_revocations_reply__free_unpacked(reply, NULL);
    return ERR_OK;
}

static void
answered(struct loop *loop, void *arg, const Bus__Answer *answer)
{
    struct revoked *revoked = arg;
    struct err err = { 0 };

    if (answer->more)
        return; /* it never is */
    revoked->asking = false;
    if (forget(loop, answer, &err) == ERR_OK)
        revoked->known_us = revoked->asked_us;
    else
        LOG(WARNING, NULL, "revocations.unknown", L_TEXT("reason", err.reason));
}

void
revoked_ask(struct loop *loop)
{
    struct revoked *revoked = &loop->revoked;
    Identity__ListRevocationsRequest request = IDENTITY__LIST_REVOCATIONS_REQUEST__INIT;
    Bus__Envelope envelope = BUS__ENVELOPE__INIT;
    struct id id = id_mint((instant_t){ loop->wall_us });
    int64_t within_us = loop->wall_us - revoked->known_us + COMMIT_US;
    uint8_t body[16];
    uint64_t ticket;
    struct err err;

    if (loop->index != 0 || revoked->asking || loop->wall_us - revoked->asked_us < ASK_US ||
        sessions_until(loop->gateway->sessions) <= loop->wall_us)
        return; /* nothing is kept that could be forgotten */
    if (within_us <= 0 || within_us > WITHIN_US_MAX)
        within_us = WITHIN_US_MAX;
    request.within_ms = within_us / 1000;
    envelope.request_id = (ProtobufCBinaryData){ sizeof id.bytes, id.bytes };
    envelope.method = (char *) "ListRevocations";
    envelope.deadline_us = loop->wall_us + ASK_DEADLINE_US;
    envelope.body =
        (ProtobufCBinaryData){ identity__list_revocations_request__pack(&request, body), body };
    revoked->asked_us = loop->wall_us;
    revoked->asking = loop_send(loop, "identity", &envelope, (struct listener){ answered, revoked },
                                &ticket, &err) == ERR_OK;
}
