/* handlers_public.c - proofs for anyone: the newest head, a page's record, how to check. */
#include <stdio.h>
#include <string.h>

#include "handlers.h"
#include "rules.h"
#include "state.h"
#include "store.h"
#include "tree.h"
#include "wire.h"

err_t
audit_get_public_head(struct call *c, const Audit__GetPublicHeadRequest *in,
                      Audit__GetPublicHeadReply *out)
{
    struct public_key key;
    struct head head;
    bool found = false;

    (void) in;
    out->tenant_id = id_to_wire(c, c->tenant);
    TRY(head_find(c, 0, &head, &found));
    if (found)
        TRY(head_to_wire(c, &head, &out->head));
    return state_public_key(c, &key) ? keys_to_wire(c, &key, &out->keys, &out->n_keys) : ERR_OK;
}

/* --- a page --- */

static err_t
proof_fill(struct call *c, const struct record *record, const struct head *head,
           Audit__GetPublicationProofReply *out)
{
    struct tree tree = { .c = c };
    struct merkle_proof proof;

    if (!merkle_inclusion((uint64_t) record->seq, (uint64_t) head->size, tree_read, &tree, &proof))
        return tree_error(&tree);
    TRY(publication_record_to_wire(c, record, out));
    TRY(head_to_wire(c, head, &out->head));
    return proof_to_wire(c, &proof, &out->hashes, &out->n_hashes);
}

err_t
audit_get_publication_proof(struct call *c, const Audit__GetPublicationProofRequest *in,
                            Audit__GetPublicationProofReply *out)
{
    struct record record;
    struct head head;
    struct id id;
    bool found = false;

    TRY(id_from_wire(in->publication_id, "$.publicationId", &id, &c->err));
    TRY(publication_find(c, id, in->version, &record, &found));
    if (!found)
        return err_at(&c->err, ERR_NOT_FOUND, "$.publicationId", PUBLICATION_NONE,
                      "no page of that id and version has been published");
    TRY(head_find(c, 0, &head, &found));
    if (!found || record.seq >= head.size)
        return err_set(&c->err, ERR_NOT_FOUND, PROOF_WAITING,
                       "the record is not under a signed head yet");
    return proof_fill(c, &record, &head, out);
}

/* --- the page that says how --- */

static void
hex_of(const uint8_t *bytes, size_t size, char *out)
{
    for (size_t i = 0; i < size; i++)
        (void) snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* The line of the file for --keys, and the newest head. */
static const char *
facts_of(struct call *c, const struct head *head, bool has_head)
{
    char tenant[ID_TEXT_BYTES], root[2 * MERKLE_HASH_BYTES + 1], at[INSTANT_TEXT_BYTES] = "";
    char hex[2 * KEY_BYTES + 1] = "";
    struct public_key key;
    const char *line = "-";

    id_format(c->tenant, tenant);
    if (state_public_key(c, &key)) {
        hex_of(key.bytes, sizeof key.bytes, hex);
        line = arena_printf(c->arena, "%s %s -", key.id, hex);
    }
    hex_of(head->root.bytes, sizeof head->root.bytes, root);
    instant_format(head->at, at);
    return arena_printf(c->arena,
                        "<dl>\n<dt>日志编号 Log</dt><dd><code>%s</code></dd>\n"
                        "<dt>公钥 Public key</dt><dd><code>%s</code></dd>\n"
                        "<dt>最新树头 Newest head</dt><dd><code>%lld:%s</code></dd>\n"
                        "<dt>签名时间 Signed at</dt><dd>%s <code>%s</code></dd>\n</dl>\n",
                        tenant, line ? line : "-", (long long) head->size, has_head ? root : "-",
                        has_head ? at : "-", head->key_id);
}

static const char how_chinese[] =
    "<p>公示的每一行都可以由任何人核对，不需要登录，也不需要相信我们的服务器。</p>\n<ol>\n"
    "<li>下载该行的证明：<code>publications/公示编号/lines/行号/proof</code>，保存为 "
    "<code>line.json</code>。</li>\n"
    "<li>下载该公示的存证：<code>audit/publications/公示编号</code>，保存为 "
    "<code>page.json</code>。</li>\n"
    "<li>把上面的“公钥”一行保存为 <code>keys.txt</code>；请同时与乡镇公布栏上的公钥核对。</li>\n"
    "<li>在自己的电脑上离线运行 <code>huzhu-audit check-proof --keys keys.txt line.json "
    "page.json</code>；显示 <code>true</code> 即该行自公示以来未被更改。</li>\n"
    "<li>抄下“最新树头”。以后用 <code>huzhu-audit verify --head</code> "
    "可以发现日志是否被截断。</li>\n</ol>\n";
static const char how_english[] =
    "<p>Anyone can check every published line, without signing in and without trusting our "
    "servers.</p>\n<ol>\n"
    "<li>Fetch the line's proof, <code>publications/ID/lines/NUMBER/proof</code>, as "
    "<code>line.json</code>.</li>\n"
    "<li>Fetch the page's record, <code>audit/publications/ID</code>, as "
    "<code>page.json</code>.</li>\n"
    "<li>Save the line “Public key” above as <code>keys.txt</code>; compare it with the notice "
    "board of the township.</li>\n"
    "<li>Offline: <code>huzhu-audit check-proof --keys keys.txt line.json page.json</code>; "
    "<code>true</code> means that the line is as it was published.</li>\n"
    "<li>Write down the newest head: <code>huzhu-audit verify --head</code> finds a log that was "
    "cut off behind it.</li>\n</ol>\n"
    "<p>With a program of your own: SHA-256(0x00 | text of the line) and its path give the page's "
    "root (RFC 9162); <code>body</code>, a protobuf message, holds that root in field 9; the last "
    "32 bytes of <code>canonical</code> are SHA-256(body); SHA-256(0x00 | canonical) and "
    "<code>hashes</code> give the head's root; the head's signature is Ed25519 over \"huzhu audit "
    "head v1\", a zero byte, the log's id (16 bytes), size (8, big-endian), root (32), signing "
    "time in microseconds (8).</p>\n";

err_t
audit_show_evidence(struct call *c, const Audit__ShowEvidenceRequest *in,
                    Audit__ShowEvidenceReply *out)
{
    struct head head = { 0 };
    struct fonds fonds;
    bool found = false;

    (void) in;
    TRY(head_find(c, 0, &head, &found));
    TRY(fonds_find(c, &fonds));
    const char *name = call_html(c, fonds.name), *facts = facts_of(c, &head, found);
    if (!name || !facts)
        return no_memory(c);
    char *page = arena_printf(
        c->arena,
        "<!doctype html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><meta "
        "name=\"viewport\" content=\"width=device-width\"><title>%s 公示存证核对 Evidence</title>"
        "</head>\n<body>\n<h1>%s 公示存证核对</h1>\n%s%s<section lang=\"en\">\n<h2>How to "
        "check</h2>\n%s</section>\n<p><a href=\"audit/head\">最新树头 Newest head "
        "(JSON)</a></p>\n</body></html>\n",
        name, name, facts, how_chinese, how_english);
    out->content_type = call_text(c, "text/html; charset=utf-8");
    out->file_name = call_text(c, "");
    if (!page || !out->content_type || !out->file_name)
        return no_memory(c);
    out->body = (ProtobufCBinaryData){ strlen(page), (uint8_t *) page };
    return ERR_OK;
}
