/* duties.h - what the identity service does about the register by itself, again and again. */
#ifndef HUZHU_IDENTITY_DUTIES_H
#define HUZHU_IDENTITY_DUTIES_H

#include "svc/svc.h"

/* One portion of one list: staged, applied, or cleared away. */
err_t identity_work_on_imports(struct call *c) MUST_CHECK;
/* Revokes grants whose time is over. */
err_t identity_end_grants(struct call *c) MUST_CHECK;
/* Tells each tenant's log what it is called and which villages it has, whenever that changes. */
err_t identity_describe_tenants(struct call *c) MUST_CHECK;

#endif
