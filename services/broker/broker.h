/* broker.h - the process around core.h: sockets, ZAP, signals, reload, metrics, in one thread. */
#ifndef HUZHU_BROKER_BROKER_H
#define HUZHU_BROKER_BROKER_H

#include "conf/conf.h"

struct broker_conf {
#define CONF(kind, name, ...) CONF_MEMBER_##kind name;
#include "conf.def"
#undef CONF
};

extern const struct conf_row broker_conf_rows[];
extern const size_t broker_conf_row_count;

struct broker;

/* Reads the table and the keys, and listens.  Block SIGTERM, SIGINT and SIGHUP in all threads
 * first: the broker reads them from a signalfd. */
err_t broker_create(const struct broker_conf *conf, struct broker **broker,
                    struct err *err) MUST_CHECK;
void broker_destroy(struct broker *broker);
DEFINE_OWNED(struct broker, broker_destroy)

/* Until SIGTERM or SIGINT. */
void broker_run(struct broker *broker);

/* What --check-config looks at: the files behind the settings. */
err_t broker_check(const struct broker_conf *conf, struct err *err) MUST_CHECK;

#endif
