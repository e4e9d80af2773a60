/* caller.h - people who call: signed principals and envelopes, for tests of services. */
#ifndef HUZHU_TEST_CALLER_H
#define HUZHU_TEST_CALLER_H

#include "svc/runtime.h"

struct keys;
/* A folder with a signing key, its public key file and a key ring; NULL when it cannot be made. */
struct keys *keys_make(void);
void keys_remove(struct keys *keys);
const char *keys_principals(const struct keys *keys); /* file for principal_keys */
const char *keys_ring(const struct keys *keys);       /* folder for master_keys */
const char *keys_folder(const struct keys *keys);

struct person {
    struct id account, session, tenant, organisation, own_person;
    role_set_t roles;
    uint32_t clearance;
    bool whole_tenant; /* also of who has no organisation */
    int64_t valid_us;  /* 0: five minutes */
};
/* A person with new ids, in an organisation of its own. */
struct person a_person(struct id tenant, role_set_t roles);

/* An envelope and all that it points to; the same request again is the same struct again. */
struct request_of {
    Bus__Envelope envelope;
    struct id request_id, tenant;
    char key[65];
    uint8_t principal[1024];
    uint8_t *body;
};
/* key: "" for none.  person NULL: nobody has signed in. */
struct request_of *request_of(const struct keys *keys, const struct person *person,
                              const char *method, const ProtobufCMessage *message, const char *key);
void request_free(struct request_of *request);

/* The service as the settings in the environment say, with a thread for requests and (NULL: none)
 * one for duties.  False after having said why not. */
bool runtime_by_settings(const struct svc *svc, struct runtime_conf *conf, void *service_conf,
                         struct runtime **rt, struct svc_thread **requests,
                         struct svc_thread **duties);

#endif
