/* metrics.h - the broker's figures as Prometheus text. */
#ifndef HUZHU_BROKER_METRICS_H
#define HUZHU_BROKER_METRICS_H

#include "audit.h"
#include "core.h"

/* At most size bytes; what does not fit is left out line by line. */
size_t metrics_write(const struct core *core, const struct audit_figures *refusals, char *out,
                     size_t size);

#endif
