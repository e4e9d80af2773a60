/* caller.c - people who call, and the runtime that they call. */
#include "caller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct keys {
    char dir[64], principals[96], ring[96], signer_path[96];
    struct signer *signer;
};

struct keys *
keys_make(void)
{
    struct keys *keys = calloc(1, sizeof *keys);
    uint8_t public_key[KEY_BYTES];
    struct err err;

    if (!keys)
        return NULL;
    (void) snprintf(keys->dir, sizeof keys->dir, "/tmp/huzhu-keys-XXXXXX");
    if (!mkdtemp(keys->dir))
        return NULL;
    (void) snprintf(keys->principals, sizeof keys->principals, "%s/principals", keys->dir);
    (void) snprintf(keys->ring, sizeof keys->ring, "%s/ring", keys->dir);
    (void) snprintf(keys->signer_path, sizeof keys->signer_path, "%s/signer.pem", keys->dir);
    if (mkdir(keys->ring, 0700) != 0 || key_ring_generate(keys->ring, &err) != ERR_OK ||
        signer_generate(keys->signer_path, &err) != ERR_OK ||
        signer_load(keys->signer_path, &keys->signer, &err) != ERR_OK) {
        (void) fprintf(stderr, "keys: %s %s\n", err.reason, err.text);
        return NULL;
    }
    FILE *out = fopen(keys->principals, "w");
    if (!out)
        return NULL;
    signer_public(keys->signer, public_key);
    (void) fprintf(out, "%s ", signer_key_id(keys->signer));
    for (size_t i = 0; i < sizeof public_key; i++)
        (void) fprintf(out, "%02x", public_key[i]);
    (void) fputs(" -\n", out);
    return fclose(out) == 0 ? keys : NULL;
}

void
keys_remove(struct keys *keys)
{
    char command[128];

    if (!keys)
        return;
    signer_destroy(keys->signer);
    (void) snprintf(command, sizeof command, "rm -rf '%s'", keys->dir);
    if (system(command) != 0)
        (void) fprintf(stderr, "%s is left behind\n", keys->dir);
    free(keys);
}

const char *
keys_principals(const struct keys *keys)
{
    return keys->principals;
}

const char *
keys_ring(const struct keys *keys)
{
    return keys->ring;
}

const char *
keys_folder(const struct keys *keys)
{
    return keys->dir;
}

struct person
a_person(struct id tenant, role_set_t roles)
{
    const instant_t now = clock_now();

    return (struct person){ .account = id_mint(now),
                            .session = id_mint(now),
                            .own_person = id_mint(now),
                            .organisation = id_mint(now),
                            .tenant = tenant,
                            .roles = roles };
}

static ProtobufCBinaryData
bytes_of(const struct id *id)
{
    return id_is_nil(*id) ? (ProtobufCBinaryData){ 0, NULL }
                          : (ProtobufCBinaryData){ 16, (uint8_t *) id->bytes };
}

static size_t
sign(const struct keys *keys, const struct person *person, uint8_t *out)
{
    static const char prefix[] = "huzhu principal v1";
    const instant_t now = clock_now();
    ProtobufCBinaryData organisation = bytes_of(&person->organisation);
    Bus__Principal p = BUS__PRINCIPAL__INIT;
    Bus__SignedPrincipal outer = BUS__SIGNED_PRINCIPAL__INIT;
    uint8_t text[512], signature[SIGNATURE_BYTES];
    struct err err;

    p.account_id = bytes_of(&person->account);
    p.session_id = bytes_of(&person->session);
    p.tenant_id = bytes_of(&person->tenant);
    p.person_id = bytes_of(&person->own_person);
    p.roles = person->roles;
    p.clearance = person->clearance;
    p.organisation_id = &organisation;
    p.n_organisation_id = organisation.len ? 1 : 0;
    p.whole_tenant = person->whole_tenant || organisation.len == 0;
    p.issued_us = now.us - 1000;
    p.expires_us = now.us + (person->valid_us ? person->valid_us : 300 * US_PER_SECOND);
    memcpy(text, prefix, sizeof prefix);
    const size_t size = bus__principal__pack(&p, text + sizeof prefix);
    if (signer_sign(keys->signer, text, sizeof prefix + size, signature, &err) != ERR_OK)
        abort();
    outer.principal = (ProtobufCBinaryData){ size, text + sizeof prefix };
    outer.key_id = (char *) signer_key_id(keys->signer);
    outer.signature = (ProtobufCBinaryData){ sizeof signature, signature };
    return bus__signed_principal__pack(&outer, out);
}

struct request_of *
request_of(const struct keys *keys, const struct person *person, const char *method,
           const ProtobufCMessage *message, const char *key)
{
    struct request_of *r = calloc(1, sizeof *r);
    const instant_t now = clock_now();

    if (!r)
        abort();
    bus__envelope__init(&r->envelope);
    r->request_id = id_mint(now);
    r->envelope.request_id = bytes_of(&r->request_id);
    r->envelope.method = (char *) method;
    r->envelope.deadline_us = now.us + 10 * US_PER_SECOND;
    (void) snprintf(r->key, sizeof r->key, "%s", key);
    r->envelope.idempotency_key = r->key;
    if (person) {
        r->tenant = person->tenant;
        r->envelope.tenant_id = bytes_of(&r->tenant);
        r->envelope.principal =
            (ProtobufCBinaryData){ sign(keys, person, r->principal), r->principal };
    }
    const size_t size = protobuf_c_message_get_packed_size(message);
    r->body = malloc(size + 1);
    if (!r->body)
        abort();
    protobuf_c_message_pack(message, r->body);
    r->envelope.body = (ProtobufCBinaryData){ size, r->body };
    return r;
}

void
request_free(struct request_of *request)
{
    if (request)
        free(request->body);
    free(request);
}

bool
runtime_by_settings(const struct svc *svc, struct runtime_conf *conf, void *service_conf,
                    struct runtime **rt, struct svc_thread **requests, struct svc_thread **duties)
{
    struct err err = { 0 };

    log_open(svc->name, LOG_ERROR);
    if (conf_load(svc->name, runtime_conf_rows, runtime_conf_row_count, conf, stderr, &err) !=
            ERR_OK ||
        conf_load(svc->name, svc->conf_rows, svc->conf_row_count, service_conf, stderr, &err) !=
            ERR_OK ||
        runtime_create(svc, conf, service_conf, rt, &err) != ERR_OK ||
        svc_thread_create(*rt, 5000, requests, &err) != ERR_OK ||
        (duties && svc_thread_create(*rt, 5000, duties, &err) != ERR_OK)) {
        (void) fprintf(stderr, "%s: %s %s\n", svc->name, err.reason, err.text);
        return false;
    }
    if (duties)
        (*duties)->is_duty = true;
    return true;
}
