/* commands_line.c - huzhu-audit check-proof: is this published line what the signed log says? */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "verify.h"
#include "verify_line.h"

#define PROOF_BYTES_MAX ((size_t) 4 * 1024 * 1024)
#define PROOF_ARENA_BYTES ((size_t) 64 * 1024 * 1024)

struct checking {
    struct verifier *keys[VERIFY_KEY_FILES_MAX];
    size_t key_count;
    const char *files[2];
    size_t file_count;
};

static void
close_file(FILE **file)
{
    if (*file)
        (void) fclose(*file);
}

static err_t
file_read(const char *path, struct arena *arena, const char **text, size_t *size, struct err *err)
{
    CLEANUP(close_file) FILE *in = fopen(path, "rbe");
    char *bytes = arena_alloc(arena, PROOF_BYTES_MAX);

    if (!in || !bytes)
        return err_set(err, ERR_INVALID, "proof.unreadable", "cannot read %s: %s", path,
                       strerror(errno));
    *size = fread(bytes, 1, PROOF_BYTES_MAX, in);
    *text = bytes;
    if (*size == PROOF_BYTES_MAX || ferror(in))
        return err_set(err, ERR_INVALID, "proof.unreadable", "%s is too large", path);
    return ERR_OK;
}

static err_t
words_take(struct checking *k, int argc, char **argv, struct err *err)
{
    for (int i = 1; i < argc; i++) {
        const bool is_keys = strcmp(argv[i], "--keys") == 0;
        if (is_keys && i + 1 < argc && k->key_count < COUNT(k->keys)) {
            TRY(verifier_load(argv[++i], &k->keys[k->key_count], err));
            k->key_count++;
        } else if (!is_keys && argv[i][0] != '-' && k->file_count < COUNT(k->files)) {
            k->files[k->file_count++] = argv[i];
        } else {
            return err_set(err, ERR_INVALID, "option.unknown", "cannot understand %s", argv[i]);
        }
    }
    if (k->key_count == 0 || k->file_count != COUNT(k->files))
        return err_set(err, ERR_INVALID, "option.value",
                       "usage: huzhu-audit check-proof --keys FILE LINE.json PAGE.json");
    return ERR_OK;
}

static err_t
check(struct checking *k, struct arena *arena, bool *is_true, char says[static LINE_SAYS_BYTES],
      struct err *err)
{
    struct line_proof proof = { .keys = k->keys, .key_count = k->key_count };

    TRY(file_read(k->files[0], arena, &proof.line, &proof.line_size, err));
    TRY(file_read(k->files[1], arena, &proof.page, &proof.page_size, err));
    *is_true = line_is_proved(&proof, arena, says);
    return ERR_OK;
}

int
audit_check_proof(int argc, char **argv)
{
    OWNED(arena_destroy) struct arena *arena = arena_create(PROOF_ARENA_BYTES);
    struct checking k = { .key_count = 0 };
    char says[LINE_SAYS_BYTES];
    struct err err = { .code = ERR_LIMITED, .reason = "memory.out", .text = "no memory" };
    bool is_true = false;

    err_t code = arena ? words_take(&k, argc, argv, &err) : ERR_LIMITED;
    if (code == ERR_OK)
        code = check(&k, arena, &is_true, says, &err);
    for (size_t i = 0; i < k.key_count; i++)
        verifier_destroy(k.keys[i]);
    if (code != ERR_OK) {
        (void) fprintf(stderr, "huzhu-audit: %s: %s\n", err.reason, err.text);
        return 2;
    }
    (void) printf("%s: %s\n", is_true ? "true" : "false", says);
    return is_true ? 0 : 1;
}
