/* cluster.h - a private PostgreSQL 15 for one test program: own data directory, unix socket, fsync
 * off, gone when the program ends.  roles.sql has been run in the database "huzhu"; every role may
 * come in without a password.
 *
 * initdb refuses root: when the tests run as root the server runs as the user postgres or nobody.
 * A made cluster is kept beside the build as a template, so that a start takes a fraction of a
 * second. */
#ifndef HUZHU_TEST_CLUSTER_H
#define HUZHU_TEST_CLUSTER_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <sys/types.h>

#include "svc/svc.h"

struct cluster;

/* NULL after having said on stderr what is wrong. */
struct cluster *cluster_start(void);
void cluster_stop(struct cluster *cluster);

/* conninfo for a role; lives as long as the cluster (at most 32 different ones). */
const char *cluster_url(struct cluster *cluster, const char *role);
pid_t cluster_pid(const struct cluster *cluster); /* the postmaster */
const char *cluster_socket_dir(const struct cluster *cluster);

bool cluster_boot(struct cluster *cluster);      /* after one of these two: */
void cluster_shut_down(struct cluster *cluster); /* "fast": sessions are ended */
void cluster_kill(struct cluster *cluster);      /* SIGKILL: a crash */

/* A standby that has copied the primary, which from now on commits nothing that the standby has not
 * flushed.  NULL after having said why not. */
struct cluster *cluster_start_standby(struct cluster *primary);
bool cluster_promote(struct cluster *standby);

/* The runtime's and the service's migrations, as `huzhu-X migrate` applies them. */
bool cluster_migrate(struct cluster *cluster, const struct svc *svc);

/* SQL by a superuser: the number of rows (or 0); fails the program on an error. */
int cluster_sql(struct cluster *cluster, const char *sql);
/* The first value of the first row, "" for none; dies at the next call. */
const char *cluster_ask(struct cluster *cluster, const char *sql);
/* A plain connection of a role, for tests that write SQL by hand. */
PGconn *cluster_connect(struct cluster *cluster, const char *role);

/* Every file of tests/invariants for the schemas that are migrated: how many found a row. */
int cluster_broken_invariants(struct cluster *cluster);

#endif
