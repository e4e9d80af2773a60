/* breaking_test.c - the contracts keep every promise of the last landing, and the check that says
 * so can say no. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contract/breaking.h"

typedef Google__Protobuf__FileDescriptorSet set_t;

static void
set_free(set_t *set)
{
    google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
}

static void
the_contracts_break_no_promise_of_the_baseline(void **state)
{
    (void) state;
    set_t *landed = breaking_load(HUZHU_SOURCE_DIR "/tests/contract/baseline");
    set_t *current = breaking_load(HUZHU_SOURCE_DIR "/proto");

    assert_non_null(landed);
    assert_non_null(current);
    assert_true(landed->n_file > 0);
    assert_int_equal(breaking_compare(landed, current, stderr), 0);
    set_free(landed);
    set_free(current);
}

/* Goal: a .proto that is forgotten in the baseline would never be held. */
static void
the_baseline_holds_every_contract(void **state)
{
    (void) state;
    set_t *landed = breaking_load(HUZHU_SOURCE_DIR "/tests/contract/baseline");
    set_t *current = breaking_load(HUZHU_SOURCE_DIR "/proto");

    assert_non_null(landed);
    assert_non_null(current);
    assert_int_equal(landed->n_file, current->n_file);
    set_free(landed);
    set_free(current);
}

static const char before[] = "syntax = \"proto3\"; package t;"
                             "message Other { int64 fen = 1; }"
                             "message Claim {"
                             "  enum State { NEW = 0; FILED = 1; PAID = 2; }"
                             "  int64 fen = 1; string village = 2; repeated Other parts = 3;"
                             "  oneof how { string cash = 4; string card = 5; }"
                             "  State state = 6; reserved 9; reserved \"gone\";"
                             "}"
                             "service Claims { rpc File (Claim) returns (Other); }";

static const struct {
    const char *name, *from, *to;
    const char *says; /* NULL: allowed */
} cases[] = {
    { "nothing changed", "", "", NULL },
    { "a field is added", "State state = 6;", "State state = 6; string town = 7;", NULL },
    { "a value is added", "PAID = 2;", "PAID = 2; CLOSED = 3;", NULL },
    { "a message is added", "message Other", "message More {} message Other", NULL },
    { "an rpc is added", "service Claims {", "service Claims { rpc Get (Claim) returns (Other);",
      NULL },
    { "a field is removed and reserved", "string village = 2;", "reserved 2; reserved \"village\";",
      NULL },
    { "a field is removed", "string village = 2;", "", "t.Claim.village: it went" },
    { "a field is removed, its number alone reserved", "string village = 2;", "reserved 2;",
      "t.Claim.village: it went" },
    { "a field is renamed", "string village = 2;", "string hamlet = 2;",
      "t.Claim.village: its name changed" },
    { "a field gets another number", "string village = 2;", "string village = 8;",
      "t.Claim.village: it went" },
    { "a type changes", "string village = 2;", "bytes village = 2;",
      "t.Claim.village: its type changed" },
    { "an integer becomes text", "int64 fen = 1; string", "string fen = 1; string",
      "t.Claim.fen: its type changed" },
    { "a message type changes", "repeated Other parts", "repeated Claim parts",
      "t.Claim.parts: its type changed" },
    { "a field becomes repeated", "string village", "repeated string village",
      "t.Claim.village: it became repeated" },
    { "a field leaves its oneof", "string card = 5; }", "} string card = 5;",
      "t.Claim.card: it moved" },
    { "a reserved number is taken", "reserved 9;", "string nine = 9;",
      "t.Claim.nine: it takes a number that was reserved" },
    { "an enum value is removed", "PAID = 2;", "", "t.Claim.State.PAID: it went" },
    { "an enum value is renamed", "PAID = 2;", "SENT = 2;",
      "t.Claim.State.PAID: its name changed" },
    { "an rpc is removed", "rpc File (Claim) returns (Other);", "", "t.Claims.File: it went" },
    { "a reply changes", "returns (Other)", "returns (Claim)",
      "t.Claims.File: its request or reply changed" },
    { "an rpc becomes a stream", "returns (Other)", "returns (stream Other)",
      "t.Claims.File: it became a stream" },
    { "a service is removed", "service Claims { rpc File (Claim) returns (Other); }", "",
      "t.Claims: it went" },
    { "a message is renamed", "Other", "Another", "t.Other: it went" },
    { "the package changes", "package t;", "package u;", "its package changed" },
};

static void
replace_all(const char *text, const char *from, const char *to, FILE *out)
{
    const char *found;

    while (from[0] && (found = strstr(text, from))) {
        (void) fprintf(out, "%.*s%s", (int) (found - text), text, to);
        text = found + strlen(from);
    }
    (void) fputs(text, out);
}

static set_t *
compiled(const char *folder, const char *from, const char *to)
{
    char path[128];

    (void) snprintf(path, sizeof path, "%s/t.proto", folder);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    replace_all(before, from, to, file);
    assert_int_equal(fclose(file), 0);
    set_t *set = breaking_load(folder);
    (void) unlink(path);
    return set;
}

static void
every_breaking_change_is_refused_and_every_other_allowed(void **state)
{
    char folder[] = "/tmp/breaking-XXXXXX";

    (void) state;
    assert_non_null(mkdtemp(folder));
    set_t *older = compiled(folder, "", "");
    assert_non_null(older);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *said = NULL;
        size_t size;
        set_t *newer = compiled(folder, cases[i].from, cases[i].to);
        FILE *out = open_memstream(&said, &size);

        if (!newer || !out)
            fail_msg("%s: it does not compile", cases[i].name);
        const int broken = breaking_compare(older, newer, out);
        (void) fclose(out);
        if (cases[i].says ? !strstr(said, cases[i].says) : broken != 0)
            fail_msg("%s: %d broken: %s", cases[i].name, broken, said);
        free(said);
        set_free(newer);
    }
    set_free(older);
    (void) rmdir(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_contracts_break_no_promise_of_the_baseline),
        cmocka_unit_test(the_baseline_holds_every_contract),
        cmocka_unit_test(every_breaking_change_is_refused_and_every_other_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
