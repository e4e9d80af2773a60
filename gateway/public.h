/* public.h - a tenant's public pages: whose page an address below /p/{tenantCode}/ is.
 *
 * A code becomes a tenant by Identity.ResolveTenant; the answer, "no such tenant" too, is kept for
 * a minute in a bounded table that all loops share.  Such a page is the same for everybody: no
 * session is looked up and no principal travels, whatever cookie came along. */
#ifndef HUZHU_GATEWAY_PUBLIC_H
#define HUZHU_GATEWAY_PUBLIC_H

#include "http.h"

struct call;

#define TENANT_CODE_BYTES_MAX 32

enum tenant_known { TENANT_UNASKED, TENANT_THERE, TENANT_ABSENT };

struct tenant_codes;
struct tenant_codes *tenant_codes_create(void) MUST_CHECK;
void tenant_codes_destroy(struct tenant_codes *codes);
DEFINE_OWNED(struct tenant_codes, tenant_codes_destroy)

/* key: a keyed hash of the code (limiter_key), so that nobody can aim at a set. */
enum tenant_known tenant_codes_get(struct tenant_codes *codes, uint64_t key, struct slice code,
                                   int64_t now_us, uint8_t tenant[static 16]) MUST_CHECK;
/* tenant NULL: there is none of that code. */
void tenant_codes_put(struct tenant_codes *codes, uint64_t key, struct slice code, int64_t until_us,
                      const uint8_t *tenant);

/* Behind the checks of the head: the tenant is found, or the request is answered. */
void public_begin(struct call *call);

#endif
