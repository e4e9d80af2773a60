/* handlers_codes.c - the dictionaries, and who may code by them. */
#include "handlers.h"

#include <string.h>

#include "rules.h"
#include "store.h"
#include "svc/room.h"
#include "wire.h"

static err_t
book_of(const Coding__SearchCodesRequest *in, enum drg_book *book, struct err *err)
{
    const bool clinical = in->code_set == CODING__CODE_SET__NAME__CLINICAL;

    if (!clinical && in->code_set != CODING__CODE_SET__NAME__INSURANCE)
        return err_at(err, ERR_INVALID, "$.codeSet", CODES_SET,
                      "say of which edition the codes are");
    if (in->kind == CODING__SEARCH_CODES_REQUEST__KIND__DIAGNOSIS)
        *book = clinical ? DRG_DX_FOREIGN : DRG_DX;
    else if (in->kind == CODING__SEARCH_CODES_REQUEST__KIND__PROCEDURE)
        *book = clinical ? DRG_OP_FOREIGN : DRG_OP;
    else
        return err_at(err, ERR_INVALID, "$.kind", CODES_KIND,
                      "say whether diagnoses or procedures are sought");
    if (strspn(in->query, " ") == strlen(in->query) || strlen(in->query) > DRG_QUERY_BYTES_MAX)
        return err_at(err, ERR_INVALID, "$.query", CODES_QUERY, "1 to %d bytes",
                      DRG_QUERY_BYTES_MAX);
    if (in->limit > DRG_HITS_MAX)
        return err_at(err, ERR_INVALID, "$.limit", CODES_LIMIT, "1 to %d", DRG_HITS_MAX);
    return ERR_OK;
}

err_t
coding_search_codes(struct call *c, const Coding__SearchCodesRequest *in,
                    Coding__SearchCodesReply *out)
{
    const struct drg_scheme *scheme = NULL;
    struct drg_hit hits[DRG_HITS_MAX];
    enum drg_book book = DRG_DX;
    bool more = false;

    TRY(book_of(in, &book, &c->err));
    TRY(scheme_meant(c, in->year, in->checksum, &scheme));
    const struct drg_identity *identity = drg_scheme_identity(scheme);
    const size_t count = drg_names_search(names_find(c->state, identity->checksum), book, in->query,
                                          hits, in->limit ? in->limit : 20, &more);

    LIST(c, count, &out->hits);
    for (size_t i = 0; i < count; i++) {
        Coding__SearchCodesReply__Hit *hit = arena_alloc(c->arena, sizeof *hit);
        if (!hit)
            return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "too much memory");
        coding__search_codes_reply__hit__init(hit);
        hit->code = call_text(c, hits[i].code);
        hit->name = call_text(c, hits[i].name);
        hit->to = call_text(c, hits[i].to);
        if (!hit->code || !hit->name || !hit->to)
            return c->err.code;
        out->hits[out->n_hits++] = hit;
    }
    out->more = more;
    out->scheme = scheme_to_wire(c, identity);
    return out->scheme ? ERR_OK : c->err.code;
}

err_t
coding_record_certificate(struct call *c, const Coding__RecordCertificateRequest *in,
                          Coding__RecordCertificateReply *out)
{
    struct certificate certificate = { .number = in->number,
                                       .recorded_by = c->account,
                                       .recorded_at = c->now };
    const size_t size = strlen(in->number);

    TRY(id_from_wire(in->account_id, "$.accountId", &certificate.account, &c->err));
    if (size == 0 || size > CERTIFICATE_NUMBER_BYTES_MAX)
        return err_at(&c->err, ERR_INVALID, "$.number", CERTIFICATE_FIELD,
                      "a certificate's number has 1 to %d bytes", CERTIFICATE_NUMBER_BYTES_MAX);
    TRY(date_from_wire(in->valid_from, "$.validFrom", &certificate.valid_from, &c->err));
    TRY(date_from_wire(in->valid_until, "$.validUntil", &certificate.valid_until, &c->err));
    if (certificate.valid_until.days < certificate.valid_from.days)
        return err_at(&c->err, ERR_INVALID, "$.validUntil", CERTIFICATE_FIELD,
                      "the certificate ends before it begins");
    if (id_cmp(certificate.account, c->account) == 0)
        return err_at(&c->err, ERR_REFUSED, "$.accountId", CERTIFICATE_OWN,
                      "nobody records an own certificate");

    TRY(certificate_put(c, &certificate));
    out->certificate = certificate_to_wire(c, &certificate);
    return out->certificate ? ERR_OK : c->err.code;
}

err_t
coding_list_certificates(struct call *c, const Coding__ListCertificatesRequest *in,
                         Coding__ListCertificatesReply *out)
{
    const role_set_t all =
        ROLE_TOWNSHIP_OFFICER | ROLE_SECURITY_ADMIN | ROLE_AUDITOR | ROLE_REVIEWER;
    struct certificate *list;
    struct id account;
    size_t count;

    TRY(optional_id_from_wire(in->account_id, "$.accountId", &account, &c->err));
    if (!call_has(c, all)) /* a coder sees the own ones */
        account = c->account;
    TRY(certificates(c, account, &list, &count));
    LIST(c, count, &out->certificates);
    for (size_t i = 0; i < count; i++) {
        out->certificates[i] = certificate_to_wire(c, &list[i]);
        if (!out->certificates[i])
            return c->err.code;
        out->n_certificates++;
    }
    return ERR_OK;
}
