/* commands.c - export and verify. */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers.h"
#include "service.h"
#include "store.h"
#include "verify.h"
#include "wire.h"

static const char magic[] = "huzhu audit export 1\n";
#define FRAME_BYTES_MAX ((uint32_t) 4 * 1024 * 1024)
#define PAGE_RECORDS 500
#define PAGE_NODES 5000

struct options {
    const char *out, *database_url, *file;
    bool all;         /* no tenant named */
    struct id tenant; /* nil: the platform */
    struct verify verify;
};

static int
usage(void)
{
    (void) fputs(
        "usage: huzhu-audit export --tenant ID|platform --out FILE\n"
        "       huzhu-audit verify [--keys FILE]... [--tenant ID|platform] [--head SIZE:ROOT]...\n"
        "                          [--database-url URL | EXPORT]\n",
        stderr);
    return 2;
}

static int
complain(const struct err *err)
{
    (void) fprintf(stderr, "huzhu-audit: %s: %s\n", err->reason, err->text);
    return 2;
}

static void
close_file(FILE **file)
{
    if (*file)
        (void) fclose(*file);
}

static bool
kept_head_parse(const char *text, struct kept_head *kept)
{
    char *colon = NULL;

    errno = 0;
    kept->size = strtoll(text, &colon, 10);
    if (errno != 0 || colon == text || *colon != ':' || kept->size < 1 ||
        strlen(colon + 1) != (size_t) 2 * MERKLE_HASH_BYTES ||
        strspn(colon + 1, "0123456789abcdef") != (size_t) 2 * MERKLE_HASH_BYTES)
        return false;
    for (size_t i = 0; i < MERKLE_HASH_BYTES; i++) {
        const char digits[] = { colon[1 + 2 * i], colon[2 + 2 * i], '\0' };
        kept->root.bytes[i] = (uint8_t) strtoul(digits, NULL, 16);
    }
    return true;
}

static err_t
option_take(struct options *o, const char *name, const char *value, struct err *err)
{
    struct verify *v = &o->verify;

    if (strcmp(name, "--tenant") == 0) {
        o->all = false;
        if (strcmp(value, "platform") == 0 || id_parse(value, &o->tenant))
            return ERR_OK;
    } else if (strcmp(name, "--keys") == 0 && v->key_count < VERIFY_KEY_FILES_MAX) {
        TRY(verifier_load(value, &v->keys[v->key_count], err));
        v->key_count++;
        return ERR_OK;
    } else if (strcmp(name, "--head") == 0 && v->kept_count < VERIFY_KEPT_HEADS_MAX) {
        if (kept_head_parse(value, &v->kept[v->kept_count++]))
            return ERR_OK;
    } else if (strcmp(name, "--out") == 0) {
        o->out = value;
        return ERR_OK;
    } else if (strcmp(name, "--database-url") == 0) {
        o->database_url = value;
        return ERR_OK;
    }
    return err_set(err, ERR_INVALID, "option.unknown", "cannot understand %s %s", name, value);
}

static err_t
options_parse(struct options *o, int argc, char **argv, struct err *err)
{
    *o = (struct options){ .all = true, .verify = { .out = stdout } };
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0 && !o->file) {
            o->file = argv[i];
            continue;
        }
        if (i + 1 == argc)
            return err_set(err, ERR_INVALID, "option.value", "%s needs a value", argv[i]);
        TRY(option_take(o, argv[i], argv[i + 1], err));
        i++;
    }
    return ERR_OK;
}

static int
verdict(struct verify *v)
{
    const size_t problems = v->problems;

    if (problems > VERIFY_PROBLEMS_SHOWN)
        (void) fprintf(v->out, "and %zu problems more\n", problems - VERIFY_PROBLEMS_SHOWN);
    (void) fprintf(
        v->out, problems == 0 ? "verified: nothing was changed\n" : "NOT verified: %zu problems\n",
        problems);
    verify_done(v);
    return problems == 0 ? 0 : 1;
}

/* --- of a database --- */

struct reading {
    struct verify *v;
    struct log_state log;
    int64_t next_seq;
    int level;
    int64_t index;
    instant_t head;
    bool more;
};

static err_t
log_step(struct call *c, void *arg)
{
    struct reading *r = arg;

    return log_get(c, &r->log);
}

static err_t
records_step(struct call *c, void *arg)
{
    struct reading *r = arg;
    const struct record_filter filter = {
        .from_seq = r->next_seq, .rows = PAGE_RECORDS, .source = "", .topic = ""
    };
    struct record *records = NULL;
    size_t count = 0;

    TRY(record_list(c, &filter, &records, &count));
    r->more = count == PAGE_RECORDS;
    for (size_t i = 0; i < count; i++) {
        /* What was appended while we read belongs to the next verification, unless it was put
         * behind the log's end by hand. */
        struct log_state now;
        if (records[i].seq >= r->log.next_seq) {
            TRY(log_get(c, &now));
            if (records[i].seq < now.next_seq) {
                r->more = false;
                return ERR_OK;
            }
        }
        verify_record(r->v, &records[i]);
        r->next_seq = records[i].seq + 1;
    }
    return ERR_OK;
}

static err_t
nodes_step(struct call *c, void *arg)
{
    struct reading *r = arg;
    struct node *nodes = NULL;
    size_t count = 0;

    TRY(node_list(c, r->level, r->index, PAGE_NODES, &nodes, &count));
    r->more = count == PAGE_NODES;
    for (size_t i = 0; i < count; i++) {
        r->level = (int) nodes[i].level;
        r->index = (int64_t) nodes[i].index;
        const bool later = (nodes[i].index + 1) << nodes[i].level > (uint64_t) r->log.integrated &&
                           (nodes[i].index + 1) << nodes[i].level > (uint64_t) r->v->size;
        struct log_state now = r->log;
        if (later)
            TRY(log_get(c, &now));
        if ((nodes[i].index + 1) << nodes[i].level <= (uint64_t) r->log.integrated ||
            now.integrated == r->log.integrated)
            verify_node(r->v, &nodes[i]);
    }
    return ERR_OK;
}

static err_t
heads_step(struct call *c, void *arg)
{
    struct reading *r = arg;
    struct head *heads = NULL;
    size_t count = 0;

    TRY(head_list(c, false, r->head, PAGE_RECORDS, &heads, &count));
    r->more = count == PAGE_RECORDS;
    for (size_t i = 0; i < count; i++) {
        struct log_state now = r->log;
        if (heads[i].size > r->log.integrated)
            TRY(log_get(c, &now));
        if (heads[i].size <= r->log.integrated || now.integrated == r->log.integrated)
            verify_head(r->v, &heads[i]);
        r->head = heads[i].at;
    }
    return ERR_OK;
}

/* A page a transaction: the arena stays small whatever the log's length. */
static err_t
pages(struct call *c, struct id tenant, err_t (*step)(struct call *, void *), struct reading *r)
{
    const struct arena_mark mark = arena_mark(c->arena);

    r->more = true;
    while (r->more) {
        TRY(svc_command_tx(c, tenant, step, r));
        arena_rewind(c->arena, mark);
    }
    return ERR_OK;
}

static err_t
verify_log(struct call *c, struct verify *v, struct id tenant)
{
    struct reading r = { .v = v, .level = -1 };

    verify_begin(v, tenant);
    TRY(svc_command_tx(c, tenant, log_step, &r));
    TRY(pages(c, tenant, records_step, &r));
    TRY(pages(c, tenant, nodes_step, &r));
    TRY(pages(c, tenant, heads_step, &r));
    verify_end(v, &r.log);
    return ERR_OK;
}

struct all_logs {
    struct id *tenants;
    size_t count;
};

static err_t
all_logs_step(struct call *c, void *arg)
{
    struct all_logs *all = arg;

    return logs_all(c, &all->tenants, &all->count);
}

/* The service's own public key, when nothing else is named. */
static err_t
own_key(struct call *c, struct verify *v)
{
    const struct audit_conf *conf = c->conf;
    char path[600];

    if (v->key_count > 0)
        return ERR_OK;
    if (conf->signing_key[0] == '\0')
        return err_set(&c->err, ERR_INVALID, NO_KEY, "--keys names the file of trusted keys");
    (void) snprintf(path, sizeof path, "%s.pub", conf->signing_key);
    TRY(verifier_load(path, &v->keys[0], &c->err));
    v->key_count = 1;
    return ERR_OK;
}

static err_t
verify_logs(struct call *c, struct options *o)
{
    struct all_logs all = { &o->tenant, 1 };

    TRY(own_key(c, &o->verify));
    if (o->all)
        TRY(svc_command_tx(c, (struct id){ { 0 } }, all_logs_step, &all));
    for (size_t i = 0; i < all.count; i++)
        TRY(verify_log(c, &o->verify, all.tenants[i]));
    return ERR_OK;
}

int
audit_verify(struct call *c, int argc, char **argv)
{
    struct options o;

    if (options_parse(&o, argc, argv, &c->err) != ERR_OK || verify_logs(c, &o) != ERR_OK) {
        verify_done(&o.verify);
        return complain(&c->err);
    }
    return verdict(&o.verify);
}

/* --- of an export --- */

static bool
frame_read(FILE *in, uint8_t **bytes, uint32_t *size)
{
    uint8_t length[4];

    if (fread(length, 1, sizeof length, in) != sizeof length)
        return false;
    *size = (uint32_t) length[0] << 24 | (uint32_t) length[1] << 16 | (uint32_t) length[2] << 8 |
            length[3];
    if (*size > FRAME_BYTES_MAX)
        return false;
    *bytes = malloc((size_t) *size + 1);
    if (!*bytes || fread(*bytes, 1, *size, in) == *size)
        return *bytes != NULL;
    free(*bytes);
    return false;
}

static bool
page_verify(struct verify *v, const Audit__ExportLogReply *page)
{
    struct record record;
    struct head head;

    for (size_t i = 0; i < page->n_records; i++) {
        if (!record_from_export(page->records[i], &record))
            return false;
        verify_record(v, &record);
    }
    for (size_t i = 0; i < page->n_heads; i++) {
        if (!head_from_export(page->heads[i], &head))
            return false;
        verify_head(v, &head);
    }
    return true;
}

static err_t
export_verify(struct verify *v, const char *path, struct err *err)
{
    CLEANUP(close_file) FILE *in = fopen(path, "rbe");
    char start[sizeof magic - 1];
    bool begun = false, more = true;

    if (!in || fread(start, 1, sizeof start, in) != sizeof start ||
        memcmp(start, magic, sizeof start) != 0)
        return err_set(err, ERR_INVALID, "export.malformed", "%s is no export of a log", path);
    while (more) {
        uint32_t size = 0;
        uint8_t *bytes = NULL;
        struct id tenant = { { 0 } };

        if (!frame_read(in, &bytes, &size))
            return err_set(err, ERR_INVALID, "export.short", "%s ends before its end", path);
        Audit__ExportLogReply *page = audit__export_log_reply__unpack(NULL, size, bytes);
        free(bytes);
        if (page && page->tenant_id && page->tenant_id->value.len == sizeof tenant.bytes)
            memcpy(tenant.bytes, page->tenant_id->value.data, sizeof tenant.bytes);
        if (!begun)
            verify_begin(v, tenant);
        begun = true;
        const bool ok = page && id_cmp(tenant, v->tenant) == 0 && page_verify(v, page);
        more = page && page->next_page_token[0] != '\0';
        audit__export_log_reply__free_unpacked(page, NULL);
        if (!ok)
            return err_set(err, ERR_INVALID, "export.malformed", "%s holds a malformed page", path);
    }
    verify_end(v, NULL);
    return ERR_OK;
}

static int
verify_offline(struct options *o)
{
    struct err err;

    if (o->verify.key_count == 0)
        (void) err_set(&err, ERR_INVALID, NO_KEY, "--keys names the file of trusted keys");
    if (o->verify.key_count == 0 || export_verify(&o->verify, o->file, &err) != ERR_OK) {
        verify_done(&o->verify);
        return complain(&err);
    }
    return verdict(&o->verify);
}

/* --- export --- */

struct exporting {
    Audit__ExportLogRequest in;
    uint8_t *bytes;
    size_t size;
    char token[64];
};

static err_t
export_step(struct call *c, void *arg)
{
    struct exporting *e = arg;
    Audit__ExportLogReply page = AUDIT__EXPORT_LOG_REPLY__INIT;

    TRY(audit_export_log(c, &e->in, &page));
    e->size = audit__export_log_reply__get_packed_size(&page);
    e->bytes = arena_alloc(c->arena, e->size + 1);
    if (!e->bytes)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "no memory for a page");
    (void) audit__export_log_reply__pack(&page, e->bytes);
    (void) snprintf(e->token, sizeof e->token, "%s", page.next_page_token);
    return ERR_OK;
}

static err_t
export_log(struct call *c, const struct options *o)
{
    CLEANUP(close_file) FILE *out = fopen(o->out, "wbxe");
    const struct arena_mark mark = arena_mark(c->arena);
    struct exporting e = { .in = AUDIT__EXPORT_LOG_REQUEST__INIT };
    bool written = out && fwrite(magic, 1, sizeof magic - 1, out) == sizeof magic - 1;

    do {
        char token[sizeof e.token];
        memcpy(token, e.token, sizeof token);
        e.in.page_token = token;
        TRY(svc_command_tx(c, o->tenant, export_step, &e));
        const uint8_t length[] = { (uint8_t) (e.size >> 24), (uint8_t) (e.size >> 16),
                                   (uint8_t) (e.size >> 8), (uint8_t) e.size };
        written = written && fwrite(length, 1, sizeof length, out) == sizeof length &&
                  fwrite(e.bytes, 1, e.size, out) == e.size;
        arena_rewind(c->arena, mark);
    } while (written && e.token[0] != '\0');
    if (written && fflush(out) == 0)
        return ERR_OK;
    return err_set(&c->err, ERR_INTERNAL, "export.unwritable", "cannot write %s: %s", o->out,
                   strerror(errno));
}

int
audit_export(struct call *c, int argc, char **argv)
{
    struct options o;

    if (options_parse(&o, argc, argv, &c->err) != ERR_OK)
        return complain(&c->err);
    if (o.all || !o.out || o.file)
        return usage();
    return export_log(c, &o) == ERR_OK ? 0 : complain(&c->err);
}

/* --- */

/* verify with an export needs no configuration; --database-url stands for the setting. */
int
audit_main(int argc, char **argv)
{
    struct options o;
    struct err err;

    if (argc >= 2 && strcmp(argv[1], "check-proof") == 0)
        return audit_check_proof(argc - 1, argv + 1);
    if (argc < 2 || strcmp(argv[1], "verify") != 0)
        return svc_main(&audit_service, argc, argv);
    if (options_parse(&o, argc - 1, argv + 1, &err) != ERR_OK) {
        verify_done(&o.verify);
        (void) complain(&err);
        return usage();
    }
    if (o.file)
        return verify_offline(&o);
    verify_done(&o.verify);
    if (o.database_url && setenv("HUZHU_AUDIT_DATABASE_URL", o.database_url, 1) != 0)
        return 2;
    return svc_main(&audit_service, argc, argv);
}
