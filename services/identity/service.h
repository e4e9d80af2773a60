/* service.h - the declaration of the identity service. */
#ifndef HUZHU_IDENTITY_SERVICE_H
#define HUZHU_IDENTITY_SERVICE_H

#include "svc/svc.h"

extern const struct svc identity_service;

#endif
