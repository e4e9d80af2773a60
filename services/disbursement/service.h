/* service.h - the declaration of the disbursement service. */
#ifndef HUZHU_DISBURSEMENT_SERVICE_H
#define HUZHU_DISBURSEMENT_SERVICE_H

#include "svc/svc.h"

extern const struct svc disbursement_service;

#endif
