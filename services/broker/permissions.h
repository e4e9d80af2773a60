/* permissions.h - who a key or a uid is, and who may call whom: one text file, read as a whole.
 *
 *   # comment (a line of its own: keys may hold a '#')
 *   key  <Z85 public key> <name>              a CURVE client with this key is <name>
 *   peer <uid | user | self> <name>           over ipc, a process of this uid may be <name>
 *   call <caller | *> <service | *> [method…] no method: all; "Common.Ping" one; "Get*" a prefix
 *
 * What no row grants is refused.  A table is immutable; a reload makes a new one. */
#ifndef HUZHU_BROKER_PERMISSIONS_H
#define HUZHU_BROKER_PERMISSIONS_H

#include "bus/mdp.h"
#include "err/err.h"

enum {
    PERMISSIONS_NAMES_MAX = 64,
    PERMISSIONS_ROWS_MAX = 512, /* of each kind: 7 services x a few replicas' keys, and room */
    PERMISSIONS_USER_BYTES = 96,
};

struct permissions;

/* All faults of a file are one error that names the first line at fault. */
err_t permissions_load(const char *path, struct permissions **permissions,
                       struct err *err) MUST_CHECK;
/* The same from memory (tests, fuzzing); text ends with NUL. */
err_t permissions_parse(const char *text, struct permissions **permissions,
                        struct err *err) MUST_CHECK;
void permissions_destroy(struct permissions *permissions);
DEFINE_OWNED(struct permissions, permissions_destroy)

/* What a connection proved, as one word that lives with the connection (ZMTP's User-Id): "k/<Z85
 * key>/<name>" or "u/<uid>/<name>".  False: this table knows no such key, or the uid may not be
 * that name. */
bool permissions_user_of_key(const struct permissions *permissions, const char *z85,
                             char user[static PERMISSIONS_USER_BYTES]);
bool permissions_user_of_uid(const struct permissions *permissions, uint32_t uid, const char *name,
                             char user[static PERMISSIONS_USER_BYTES]);

/* Still true under this table?  *name points into user. */
bool permissions_know_user(const struct permissions *permissions, const char *user,
                           const char **name);

bool permissions_may_call(const struct permissions *permissions, const char *caller,
                          struct mdp_text service, struct mdp_text method);

#endif
