/* service.h - the declaration of the disclosure service. */
#ifndef HUZHU_DISCLOSURE_SERVICE_H
#define HUZHU_DISCLOSURE_SERVICE_H

#include "svc/svc.h"

extern const struct svc disclosure_service;

#endif
