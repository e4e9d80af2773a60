/* service.h - the declaration of the audit service. */
#ifndef HUZHU_AUDIT_SERVICE_H
#define HUZHU_AUDIT_SERVICE_H

#include "svc/svc.h"

extern const struct svc audit_service;

#endif
