/* year.h - what the parts of the year bench share: a private PostgreSQL, a broker and the real
 * services as processes, callers on the bus, a loaded year, and statements played again by pgbench.
 *
 * Whatever goes wrong ends the program with a message: a bench that went on would print nonsense.
 */
#ifndef HUZHU_BENCH_YEAR_H
#define HUZHU_BENCH_YEAR_H

#include <libpq-fe.h>
#include <stdio.h>

#include "caller.h"

/* --- the world --- */

#define URL_BYTES 320

void world_open(void);
void world_close(void);
const char *world_folder(void); /* for files of a run; gone at the end */
const struct keys *world_keys(void);
const char *world_socket(void); /* of PostgreSQL */
/* Whatever is started from here on works in this database of the cluster. */
void world_database(const char *name);
/* A superuser's connection to one of its databases; to be finished. */
PGconn *sql_open(const char *database);
/* One or several statements, each of which must succeed. */
void sql_run(PGconn *sql, const char *text, ...) PRINTF(2, 3);
/* The first value, "" for none; to be freed. */
char *sql_ask(PGconn *sql, const char *text, ...) PRINTF(2, 3);
/* A copy of a database that nobody is connected to; one of that name goes first. */
void database_copy(const char *from, const char *to);

/* Migrates the schemas of all services into the database of world_database(). */
void services_migrate(void);
/* huzhu-NAME with so many workers; back when it answers.  It reads the others' events this often.
 */
pid_t service_start(const char *name, int workers, const char *feed_every);
void service_end(pid_t pid);
/* The starter scheme's "id\tname\tversion\tchecksum", as the coding service offers it. */
const char *world_scheme(void);

/* --- callers --- */

struct who { /* who calls; the proof is made anew before it expires */
    struct person person;
    struct request_of *proof;
    int64_t proved_us;
};
struct who *who_create(struct id tenant, role_set_t roles, struct id organisation);
void who_destroy(struct who *who);

struct caller; /* one thread's connection to the bus */
struct caller *caller_create(void);
void caller_destroy(struct caller *caller);

struct said {
    err_t code;
    char reason[64], text[200];
    int64_t us; /* from sending to the answer */
    const uint8_t *body;
    size_t size; /* dies at the caller's next call */
};
/* Sends a packed message; every call is a command of its own. */
struct said says(struct caller *caller, struct who *who, const char *service, const char *rpc,
                 const uint8_t *body, size_t size);
/* The same of a message as JSON, which is read by the rpc's own contract. */
struct said asks(struct caller *caller, struct who *who, const char *service, const char *rpc,
                 const char *json);
/* Ends the program when it is refused. */
struct said must(struct caller *caller, struct who *who, const char *service, const char *rpc,
                 const char *json);

/* --- ids of loaded things --- */

enum kind {
    K_TENANT = 1,
    K_ORGANISATION,
    K_VILLAGE,
    K_HOUSEHOLD,
    K_PERSON,
    K_ACCOUNT,
    K_PROGRAMME,
    K_TABLE,
    K_BOOK,
    K_PAYMENT,
    K_CLAIM,
    K_UPLOAD,
    K_CODING,
    K_LIST,
    K_LINE,
    K_BATCH,
    K_NEW /* made by a run */
};
/* In SQL: pg_temp or public uid(kind, n) makes the same. */
struct id uid(enum kind kind, int64_t n);
const char *uid_text(enum kind kind, int64_t n, char text[static ID_TEXT_BYTES]);

/* --- a loaded year --- */

enum { MEMBERS = 4 }; /* of each household */
struct load {
    int tenants, villages, households; /* villages of a tenant, households of a village */
    int claims;                        /* of a tenant; fewer than its households */
    int enrolled_next;                 /* of ten households, into the next year's programme */
};
static inline int64_t
households_of(const struct load *load)
{
    return (int64_t) load->villages * load->households;
}
/* Each tenant has two programmes: 2 t in force, 2 t + 1 open for payments.  Of five households four
 * are in force.  Loads into the database of world_database() and prints how long what took. */
void load_year(const struct load *load);
/* The household (of the whole load) that claim i of tenant t belongs to. */
int64_t household_of_claim(const struct load *load, int tenant, int64_t i);

/* The name of person p of the load. */
void load_name(int64_t p, char name[static 32]);

/* --- statements played again --- */

/* From here on the server writes down what the service's role executes. */
void capture_begin(const char *service);
/* The transactions that stored a reply since then, in their order; one is one request. */
struct capture;
struct capture *capture_end(const char *service);
void capture_free(struct capture *capture);
size_t capture_count(const struct capture *capture);
size_t capture_statements(const struct capture *capture); /* of all transactions */
/* pgbench plays them, `clients` at once, client k those of numbers [first[k], first[k + 1]);
 * seconds that it took. */
double capture_play(const struct capture *capture, const char *database, int clients,
                    const size_t *first);

/* --- numbers --- */

double median_of(double *values, int count); /* sorts */
double percentile_of(double *values, int count, int percent);
double seconds_now(void);

/* --- parts --- */

void bench_register(int rows, int repeats);
void bench_payments(int repeats);
void bench_claims(int repeats);
void bench_scale(const struct load *load, int calls);

#endif
