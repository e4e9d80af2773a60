/* service.h - the declaration of the coding service. */
#ifndef HUZHU_CODING_SERVICE_H
#define HUZHU_CODING_SERVICE_H

#include "svc/svc.h"

extern const struct svc coding_service;

#endif
