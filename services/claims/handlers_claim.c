/* handlers_claim.c - the steps of claims. */
#include "handlers.h"

err_t
claims_file_claim(struct call *c, const Claims__FileClaimRequest *in, Claims__FileClaimReply *out)
{
    (void) in, (void) out;
    return err_set(&c->err, ERR_UNAVAILABLE, "claim.not_yet", "claims are not taken yet");
}

err_t
claims_attach_paper(struct call *c, const Claims__AttachPaperRequest *in, Claims__AttachPaperReply *out)
{
    (void) in, (void) out;
    return err_set(&c->err, ERR_UNAVAILABLE, "claim.not_yet", "claims are not taken yet");
}

err_t
claims_detach_paper(struct call *c, const Claims__DetachPaperRequest *in, Claims__DetachPaperReply *out)
{
    (void) in, (void) out;
    return err_set(&c->err, ERR_UNAVAILABLE, "claim.not_yet", "claims are not taken yet");
}

err_t
claims_submit_claim(struct call *c, const Claims__SubmitClaimRequest *in, Claims__SubmitClaimReply *out)
{
    (void) in, (void) out;
    return err_set(&c->err, ERR_UNAVAILABLE, "claim.not_yet", "claims are not taken yet");
}

err_t
claims_get_claim(struct call *c, const Claims__GetClaimRequest *in, Claims__GetClaimReply *out)
{
    (void) in, (void) out;
    return err_set(&c->err, ERR_UNAVAILABLE, "claim.not_yet", "claims are not taken yet");
}

err_t
claims_list_claims(struct call *c, const Claims__ListClaimsRequest *in, Claims__ListClaimsReply *out)
{
    (void) in, (void) out;
    return err_set(&c->err, ERR_UNAVAILABLE, "claim.not_yet", "claims are not taken yet");
}

err_t
claims_withdraw_claim(struct call *c, const Claims__WithdrawClaimRequest *in, Claims__WithdrawClaimReply *out)
{
    (void) in, (void) out;
    return err_set(&c->err, ERR_UNAVAILABLE, "claim.not_yet", "claims are not taken yet");
}

err_t
claims_add_papers(struct call *c, const Claims__AddPapersRequest *in, Claims__AddPapersReply *out)
{
    (void) in, (void) out;
    return err_set(&c->err, ERR_UNAVAILABLE, "claim.not_yet", "claims are not taken yet");
}

err_t
claims_change_payee(struct call *c, const Claims__ChangePayeeRequest *in, Claims__ChangePayeeReply *out)
{
    (void) in, (void) out;
    return err_set(&c->err, ERR_UNAVAILABLE, "claim.not_yet", "claims are not taken yet");
}

err_t
claims_request_papers(struct call *c, const Claims__RequestPapersRequest *in, Claims__RequestPapersReply *out)
{
    (void) in, (void) out;
    return err_set(&c->err, ERR_UNAVAILABLE, "claim.not_yet", "claims are not taken yet");
}

err_t
claims_refuse_claim(struct call *c, const Claims__RefuseClaimRequest *in, Claims__RefuseClaimReply *out)
{
    (void) in, (void) out;
    return err_set(&c->err, ERR_UNAVAILABLE, "claim.not_yet", "claims are not taken yet");
}

err_t
claims_get_timeline(struct call *c, const Claims__GetTimelineRequest *in, Claims__GetTimelineReply *out)
{
    (void) in, (void) out;
    return err_set(&c->err, ERR_UNAVAILABLE, "claim.not_yet", "claims are not taken yet");
}

err_t
claims_list_overdue(struct call *c, const Claims__ListOverdueRequest *in, Claims__ListOverdueReply *out)
{
    (void) in, (void) out;
    return err_set(&c->err, ERR_UNAVAILABLE, "claim.not_yet", "claims are not taken yet");
}
