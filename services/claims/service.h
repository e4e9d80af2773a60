/* service.h - the declaration of the claims service. */
#ifndef HUZHU_CLAIMS_SERVICE_H
#define HUZHU_CLAIMS_SERVICE_H

#include "svc/svc.h"

extern const struct svc claims_service;

#endif
