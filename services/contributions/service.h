/* service.h - the declaration of the contributions service. */
#ifndef HUZHU_CONTRIBUTIONS_SERVICE_H
#define HUZHU_CONTRIBUTIONS_SERVICE_H

#include "svc/svc.h"

extern const struct svc contributions_service;

#endif
