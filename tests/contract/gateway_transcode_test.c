/* Goal: the JSON mapping is what transcode.h promises, and no laxer than jansson.
 * Method: tables of accepted and refused documents; then thousands of mutated documents given to
 * both parsers. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway_sample.pb-c.h"
#include "test.h"
#include "transcode.h"

struct world {
    struct shapes *shapes;
    struct arena *arena;
    const struct shape *sample;
};

static int
begin(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct err err = { 0 };

    w->shapes = shapes_create();
    w->arena = arena_create(16 << 20);
    assert_int_equal(shapes_get(w->shapes, &sample__sample__descriptor, &w->sample, &err), ERR_OK);
    *state = w;
    return 0;
}

static int
finish(void **state)
{
    struct world *w = *state;

    shapes_destroy(w->shapes);
    arena_destroy(w->arena);
    free(w);
    return 0;
}

/* Reads and writes back; NULL when refused.  The caller frees. */
static char *
through(struct world *w, const char *json, size_t size, struct err *err)
{
    struct filling filling;
    struct text out = { 0 };

    arena_reset(w->arena);
    *err = (struct err){ 0 };
    assert_int_equal(transcode_open(w->sample, w->arena, &filling, err), ERR_OK);
    if (transcode_read(&filling, json, size, err) != ERR_OK)
        return NULL;
    transcode_write(w->sample, filling.message, &out);
    assert_false(out.failed);
    text_add(&out, "", 1);
    return out.bytes;
}

#define ID "0190a5e0-7c1a-7000-8000-0123456789ab"

static const struct {
    const char *name, *in, *out; /* out NULL: the same text */
} accepted[] = {
    { "nothing", "{}", NULL },
    { "space everywhere", " \t\r\n{ \"flag\" : true , \"kind\":\"BED\" } \n",
      "{\"flag\":true,\"kind\":\"BED\"}" },
    { "the contract's own names", "{\"plain_text\":\"a\",\"int_32\":1}",
      "{\"plainText\":\"a\",\"int32\":1}" },
    { "any order", "{\"flag\":true,\"plainText\":\"a\"}", "{\"plainText\":\"a\",\"flag\":true}" },
    { "defaults are not written", "{\"int32\":0,\"plainText\":\"\",\"flag\":false,\"numbers\":[]}",
      "{}" },
    { "null is absence", "{\"int32\":null,\"item\":null,\"numbers\":null,\"claimId\":null}", "{}" },
    { "int32 low", "{\"int32\":-2147483648}", NULL },
    { "int32 high", "{\"int32\":2147483647}", NULL },
    { "int32 as text", "{\"int32\":\"-7\"}", "{\"int32\":-7}" },
    { "uint32 high", "{\"uint32\":4294967295}", NULL },
    { "int64 as text", "{\"int64\":\"-9223372036854775808\"}", NULL },
    { "int64 as number", "{\"int64\":9223372036854775807}", "{\"int64\":\"9223372036854775807\"}" },
    { "uint64 high as text", "{\"uint64\":\"18446744073709551615\"}", NULL },
    { "minus zero", "{\"int32\":-0,\"uint32\":-0}", "{}" },
    { "sint and fixed", "{\"sint32\":-5,\"sint64\":\"-6\",\"fixed32\":7,\"sfixed64\":\"-8\"}",
      NULL },
    { "double", "{\"wide\":0.1}", NULL },
    { "double with exponent", "{\"wide\":1.5e3}", "{\"wide\":1500}" },
    { "double, seventeen digits", "{\"wide\":0.30000000000000004}", NULL },
    { "double, large", "{\"wide\":1e300}", "{\"wide\":1.0000000000000001e+300}" },
    { "float", "{\"narrow\":0.5}", NULL },
    { "bytes", "{\"blob\":\"aGVsbG8=\"}", NULL },
    { "bytes without padding", "{\"blob\":\"aGVsbG8\"}", "{\"blob\":\"aGVsbG8=\"}" },
    { "bytes in the url alphabet", "{\"blob\":\"-_-_\"}", "{\"blob\":\"+/+/\"}" },
    { "enum by number", "{\"kind\":7}", "{\"kind\":\"OPERATION\"}" },
    { "enum of zero", "{\"kind\":\"NONE\"}", "{}" },
    { "id", "{\"claimId\":\"" ID "\"}", NULL },
    { "id in capitals", "{\"claimId\":\"0190A5E0-7C1A-7000-8000-0123456789AB\"}",
      "{\"claimId\":\"" ID "\"}" },
    { "date", "{\"admittedOn\":\"2024-02-29\"}", NULL },
    { "instant", "{\"filedAt\":\"2026-11-22T09:02:03.5+08:00\"}",
      "{\"filedAt\":\"2026-11-22T01:02:03.500000Z\"}" },
    { "number", "{\"age\":\"45\"}", NULL },
    { "number as number", "{\"age\":-1}", "{\"age\":\"-1\"}" },
    { "number of zero is there", "{\"age\":0,\"ages\":[0,\"1\"]}",
      "{\"age\":\"0\",\"ages\":[\"0\",\"1\"]}" },
    { "number unknown", "{\"age\":null}", "{}" },
    { "money", "{\"billed\":{\"fen\":\"12345\"}}", NULL },
    { "money of zero is there", "{\"billed\":{}}", NULL },
    { "nested", "{\"item\":{\"itemName\":\"床位\",\"parts\":[{\"pieces\":2},{}]}}", NULL },
    { "repeated",
      "{\"numbers\":[\"1\",\"-2\"],\"texts\":[\"\",\"b\"],\"kinds\":[\"NONE\",\"BED\"],\"ids\":["
      "\"" ID "\"],\"flags\":[true,false],\"doubles\":[1.25,-2],\"blobs\":[\"\",\"AA==\"]}",
      NULL },
    { "oneof text", "{\"choiceText\":\"\"}", NULL },
    { "oneof int", "{\"choiceInt\":0}", NULL },
    { "oneof message", "{\"choiceItem\":{}}", NULL },
    { "oneof null is no choice", "{\"choiceText\":null,\"choiceInt\":3}", "{\"choiceInt\":3}" },
    { "escapes", "{\"plainText\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u6c49\\ud83d\\ude00\"}",
      "{\"plainText\":\"\\\"\\\\/\\b\\f\\n\\r\\tA汉😀\"}" },
    { "escape in a key", "{\"pl\\u0061inText\":\"x\"}", "{\"plainText\":\"x\"}" },
    { "control characters go out escaped", "{\"plainText\":\"\\u0001\\u001f\\u007f\"}",
      "{\"plainText\":\"\\u0001\\u001f\x7f\"}" },
    { "long text over the vector's width",
      "{\"plainText\":\"0123456789012345678901234567890123456789互助互助互助互助互助0123456789\"}",
      NULL },
};

static void
good_documents_come_back(void **state)
{
    struct world *w = *state;
    struct err err;

    for (size_t i = 0; i < COUNT(accepted); i++) {
        char *out = through(w, accepted[i].in, strlen(accepted[i].in), &err);
        const char *want = accepted[i].out ? accepted[i].out : accepted[i].in;
        if (!out || strcmp(out, want) != 0)
            fail_msg("%s: %s, reason %s at %s", accepted[i].name, out ? out : "refused", err.reason,
                     err.path);
        free(out);
    }
}

static const struct {
    const char *name, *in, *reason, *path;
} refused[] = {
    { "empty", "", "json.syntax", "$" },
    { "array", "[]", "json.wrong_type", "$" },
    { "text", "\"a\"", "json.wrong_type", "$" },
    { "byte order mark", "\xef\xbb\xbf{}", "json.syntax", "$" },
    { "open", "{", "json.syntax", "$" },
    { "behind the end", "{}x", "json.syntax", "$" },
    { "two documents", "{}{}", "json.syntax", "$" },
    { "comma at the end", "{\"flag\":true,}", "json.syntax", "$" },
    { "comma first", "{,\"flag\":true}", "json.syntax", "$" },
    { "no colon", "{\"flag\" true}", "json.syntax", "$" },
    { "no value", "{\"flag\":}", "json.syntax", "$.flag" },
    { "single quotes", "{'flag':true}", "json.syntax", "$" },
    { "bare key", "{flag:true}", "json.syntax", "$" },
    { "comment", "{/**/}", "json.syntax", "$" },
    { "unknown field", "{\"flagg\":true}", "json.unknown_field", "$.flagg" },
    { "unknown field below", "{\"item\":{\"parts\":[{},{\"x\":1}]}}", "json.unknown_field",
      "$.item.parts[1].x" },
    { "twice", "{\"flag\":true,\"flag\":true}", "json.duplicate", "$.flag" },
    { "twice under both names", "{\"int32\":1,\"int_32\":1}", "json.duplicate", "$.int32" },
    { "twice, null first", "{\"flag\":null,\"flag\":true}", "json.duplicate", "$.flag" },
    { "text for bool", "{\"flag\":\"true\"}", "json.wrong_type", "$.flag" },
    { "number for bool", "{\"flag\":1}", "json.wrong_type", "$.flag" },
    { "bool for number", "{\"int32\":true}", "json.wrong_type", "$.int32" },
    { "number for text", "{\"plainText\":1}", "json.wrong_type", "$.plainText" },
    { "object for text", "{\"plainText\":{}}", "json.wrong_type", "$.plainText" },
    { "array for message", "{\"item\":[]}", "json.wrong_type", "$.item" },
    { "text for message", "{\"item\":\"\"}", "json.wrong_type", "$.item" },
    { "object for array", "{\"numbers\":{}}", "json.wrong_type", "$.numbers" },
    { "scalar for array", "{\"numbers\":1}", "json.wrong_type", "$.numbers" },
    { "text for double", "{\"wide\":\"1\"}", "json.wrong_type", "$.wide" },
    { "number for id", "{\"claimId\":1}", "json.wrong_type", "$.claimId" },
    { "object for id", "{\"claimId\":{}}", "json.wrong_type", "$.claimId" },
    { "null element", "{\"numbers\":[1,null]}", "json.wrong_type", "$.numbers[1]" },
    { "int32 above", "{\"int32\":2147483648}", "json.range", "$.int32" },
    { "int32 below", "{\"int32\":-2147483649}", "json.range", "$.int32" },
    { "uint32 above", "{\"uint32\":4294967296}", "json.range", "$.uint32" },
    { "uint32 negative", "{\"uint32\":-1}", "json.range", "$.uint32" },
    { "int64 above", "{\"int64\":9223372036854775808}", "json.range", "$.int64" },
    { "int64 above as text", "{\"int64\":\"9223372036854775808\"}", "json.range", "$.int64" },
    { "uint64 number above int64", "{\"uint64\":18446744073709551615}", "json.range", "$.uint64" },
    { "uint64 above", "{\"uint64\":\"18446744073709551616\"}", "json.range", "$.uint64" },
    { "double above", "{\"wide\":1e999}", "json.range", "$.wide" },
    { "float above", "{\"narrow\":1e39}", "json.range", "$.narrow" },
    { "fraction for int", "{\"int32\":1.0}", "json.wrong_type", "$.int32" },
    { "exponent for int", "{\"int32\":1e2}", "json.wrong_type", "$.int32" },
    { "empty text for int", "{\"int64\":\"\"}", "json.wrong_type", "$.int64" },
    { "space in text for int", "{\"int64\":\" 1\"}", "json.wrong_type", "$.int64" },
    { "plus in text for int", "{\"int64\":\"+1\"}", "json.wrong_type", "$.int64" },
    { "zero first in text for int", "{\"int64\":\"01\"}", "json.range", "$.int64" },
    { "zero first", "{\"int32\":01}", "json.syntax", "$" },
    { "plus", "{\"int32\":+1}", "json.syntax", "$.int32" },
    { "lone minus", "{\"int32\":-}", "json.syntax", "$.int32" },
    { "point at the end", "{\"wide\":1.}", "json.syntax", "$.wide" },
    { "point first", "{\"wide\":.5}", "json.syntax", "$.wide" },
    { "exponent without digits", "{\"wide\":1e}", "json.syntax", "$.wide" },
    { "NaN", "{\"wide\":NaN}", "json.syntax", "$.wide" },
    { "Infinity", "{\"wide\":Infinity}", "json.syntax", "$.wide" },
    { "hexadecimal", "{\"int32\":0x10}", "json.syntax", "$" },
    { "word cut", "{\"flag\":tru}", "json.syntax", "$.flag" },
    { "null cut", "{\"flag\":nul}", "json.syntax", "$.flag" },
    { "word in capitals", "{\"flag\":True}", "json.syntax", "$.flag" },
    { "unknown enum", "{\"kind\":\"SOUP\"}", "json.unknown_enum", "$.kind" },
    { "unknown enum number", "{\"kind\":99}", "json.unknown_enum", "$.kind" },
    { "enum in small letters", "{\"kind\":\"bed\"}", "json.unknown_enum", "$.kind" },
    { "bytes of another alphabet", "{\"blob\":\"a*==\"}", "json.format", "$.blob" },
    { "bytes cut", "{\"blob\":\"aGVsb\"}", "json.format", "$.blob" },
    { "bytes with bits left", "{\"blob\":\"aGVsbG9=\"}", "json.format", "$.blob" },
    { "bytes of padding alone", "{\"blob\":\"====\"}", "json.format", "$.blob" },
    { "id cut", "{\"claimId\":\"0190a5e0\"}", "json.format", "$.claimId" },
    { "id without dashes", "{\"claimId\":\"0190a5e07c1a700080000123456789ab0000\"}", "json.format",
      "$.claimId" },
    { "empty id", "{\"claimId\":\"\"}", "json.format", "$.claimId" },
    { "no such day", "{\"admittedOn\":\"2023-02-29\"}", "json.format", "$.admittedOn" },
    { "short date", "{\"admittedOn\":\"2023-2-9\"}", "json.format", "$.admittedOn" },
    { "date with time", "{\"admittedOn\":\"2023-02-09T00:00:00Z\"}", "json.format",
      "$.admittedOn" },
    { "instant without zone", "{\"filedAt\":\"2026-11-22T01:02:03\"}", "json.format", "$.filedAt" },
    { "number with a point", "{\"age\":1.0}", "json.wrong_type", "$.age" },
    { "number as object", "{\"age\":{\"value\":1}}", "json.wrong_type", "$.age" },
    { "number too large", "{\"age\":9223372036854775808}", "json.range", "$.age" },
    { "number of letters", "{\"age\":\"old\"}", "json.wrong_type", "$.age" },
    { "money as number", "{\"billed\":123}", "json.wrong_type", "$.billed" },
    { "two of a oneof", "{\"choiceText\":\"a\",\"choiceInt\":1}", "json.oneof", "$.choiceInt" },
    { "open text", "{\"plainText\":\"abc", "json.syntax", "$.plainText" },
    { "line break in a text", "{\"plainText\":\"a\nb\"}", "json.syntax", "$.plainText" },
    { "tab in a text", "{\"plainText\":\"0123456789abcdef\t\"}", "json.syntax", "$.plainText" },
    { "unknown escape", "{\"plainText\":\"\\x41\"}", "json.syntax", "$.plainText" },
    { "cut escape", "{\"plainText\":\"\\u00\"}", "json.syntax", "$.plainText" },
    { "NUL escaped", "{\"plainText\":\"\\u0000\"}", "json.utf8", "$.plainText" },
    { "half a pair, high", "{\"plainText\":\"\\ud83d\"}", "json.utf8", "$.plainText" },
    { "half a pair, low", "{\"plainText\":\"\\ude00\"}", "json.utf8", "$.plainText" },
    { "high and no low", "{\"plainText\":\"\\ud83d\\u0041\"}", "json.utf8", "$.plainText" },
    { "lone continuation", "{\"plainText\":\"\x80\"}", "json.utf8", "$.plainText" },
    { "overlong", "{\"plainText\":\"\xc0\xaf\"}", "json.utf8", "$.plainText" },
    { "overlong of three", "{\"plainText\":\"\xe0\x80\xaf\"}", "json.utf8", "$.plainText" },
    { "surrogate in UTF-8", "{\"plainText\":\"\xed\xa0\x80\"}", "json.utf8", "$.plainText" },
    { "above U+10FFFF", "{\"plainText\":\"\xf4\x90\x80\x80\"}", "json.utf8", "$.plainText" },
    { "cut in a character", "{\"plainText\":\"\xe6\xb1\"}", "json.utf8", "$.plainText" },
    { "invalid behind an escape", "{\"plainText\":\"\\n\xff\"}", "json.utf8", "$.plainText" },
    { "invalid in a key", "{\"\xff\":1}", "json.utf8", "$" },
    { "invalid in an element", "{\"texts\":[\"a\",\"\xff\"]}", "json.utf8", "$.texts[1]" },
};

static void
bad_documents_are_refused_with_the_path_of_the_fault(void **state)
{
    struct world *w = *state;
    struct err err;

    for (size_t i = 0; i < COUNT(refused); i++) {
        char *out = through(w, refused[i].in, strlen(refused[i].in), &err);
        if (out || err.code != ERR_INVALID || strcmp(err.reason, refused[i].reason) != 0 ||
            strcmp(err.path, refused[i].path) != 0)
            fail_msg("%s: %s, reason %s at %s", refused[i].name, out ? out : "refused", err.reason,
                     err.path);
        free(out);
    }
    char *out = through(w, "{\"plainText\":\"a\0b\"}", 19, &err);
    assert_null(out);
    assert_string_equal(err.reason, "json.syntax");
}

static char *
nest(int levels)
{
    struct text text = { 0 };

    for (int i = 1; i < levels; i++)
        text_puts(&text, "{\"nested\":");
    text_puts(&text, "{}");
    for (int i = 1; i < levels; i++)
        text_puts(&text, "}");
    text_add(&text, "", 1);
    return text.bytes;
}

static void
thirty_two_levels_pass_and_thirty_three_do_not(void **state)
{
    struct world *w = *state;
    struct err err;

    for (int levels = 31; levels <= 40; levels++) {
        char *json = nest(levels);
        char *out = through(w, json, strlen(json), &err);
        if (levels <= TRANSCODE_DEPTH_MAX)
            assert_string_equal(out, json);
        else
            assert_string_equal(err.reason, "json.depth");
        free(out);
        free(json);
    }
    /* items > parts > parts ...: arrays are levels too */
    const char *arrays =
        "{\"items\":[{\"parts\":[{\"parts\":[{\"parts\":[{\"parts\":[{\"parts\":[{\"parts\":[{"
        "\"parts\":[{\"parts\":[{\"parts\":[{\"parts\":[{\"parts\":[{\"parts\":[{\"parts\":[{"
        "\"parts\":[{\"parts\":[{\"parts\":[]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}";
    assert_null(through(w, arrays, strlen(arrays), &err));
    assert_string_equal(err.reason, "json.depth");
}

static void
a_mebibyte_passes_and_one_byte_more_does_not(void **state)
{
    struct world *w = *state;
    struct err err;
    char *json = malloc(TRANSCODE_BYTES_MAX + 1);

    memset(json, ' ', TRANSCODE_BYTES_MAX + 1);
    json[0] = '{';
    json[TRANSCODE_BYTES_MAX - 1] = '}';
    char *out = through(w, json, TRANSCODE_BYTES_MAX, &err);
    assert_string_equal(out, "{}");
    free(out);
    assert_null(through(w, json, TRANSCODE_BYTES_MAX + 1, &err));
    assert_string_equal(err.reason, "json.too_large");

    /* Three bytes of request that want two hundred of memory each: the arena's limit holds. */
    static const char head[] = "{\"items\":[{}";
    size_t used = sizeof head - 1;
    memcpy(json, head, used);
    while (used < TRANSCODE_BYTES_MAX - 8) {
        memcpy(json + used, ",{}", 3);
        used += 3;
    }
    memcpy(json + used, "]}", 2);
    assert_null(through(w, json, used + 2, &err));
    assert_string_equal(err.reason, "json.too_large");
    free(json);
}

static void
parameters_bind_by_either_name_and_may_not_meet_the_body(void **state)
{
    struct world *w = *state;
    struct err err = { 0 };
    struct filling f;
    struct text out = { 0 };
    static const struct {
        const char *name, *value, *reason;
    } binds[] = {
        { "int32", "-5", NULL },
        { "int_64", "77", NULL },
        { "flag", "true", NULL },
        { "kinds", "BED", NULL },
        { "kinds", "DRUG", NULL },
        { "claimId", ID, NULL },
        { "admittedOn", "2026-01-02", NULL },
        { "plainText", "张三 & co", NULL },
        { "wide", "2.5", NULL },
        { "choiceInt", "4", NULL },
        { "billed.fen", "12345", NULL },
        { "billed.fen", "1", "json.duplicate" },
        { "billed", "1", "json.unknown_field" },
        { "item.pieces", "1", "json.unknown_field" },
        { "billed.yuan", "1", "json.unknown_field" },
        { "int32", "6", "json.duplicate" },
        { "uint32", "x", "json.wrong_type" },
        { "nope", "1", "json.unknown_field" },
        { "item", "{}", "json.unknown_field" },
        { "sint32", "2147483648", "json.range" },
        { "narrow", "1x", "json.wrong_type" },
        { "choiceText", "a", "json.oneof" },
        { "texts", "\xff", "json.utf8" },
    };

    arena_reset(w->arena);
    assert_int_equal(transcode_open(w->sample, w->arena, &f, &err), ERR_OK);
    for (size_t i = 0; i < COUNT(binds); i++) {
        const err_t code = transcode_bind(&f, binds[i].name, strlen(binds[i].name), binds[i].value,
                                          strlen(binds[i].value), &err);
        if (!binds[i].reason)
            assert_int_equal(code, ERR_OK);
        else
            assert_string_equal(err.reason, binds[i].reason);
    }
    assert_int_equal(transcode_read(&f, "{\"int32\":1}", 11, &err), ERR_INVALID);
    assert_string_equal(err.reason, "json.duplicate");
    assert_int_equal(transcode_read(&f, "{\"fixed32\":1}", 13, &err), ERR_OK);
    transcode_write(w->sample, f.message, &out);
    text_add(&out, "", 1);
    assert_string_equal(out.bytes,
                        "{\"plainText\":\"张三 & co\",\"int32\":-5,\"int64\":\"77\",\"fixed32\":1,"
                        "\"flag\":true,\"wide\":2.5,\"claimId\":\"" ID
                        "\",\"admittedOn\":\"2026-01-02\",\"billed\":{\"fen\":\"12345\"},\"kinds\":"
                        "[\"BED\",\"DRUG\"],\"choiceInt\":4}");
    text_free(&out);
}

/* What a service may send by mistake must still be JSON. */
static void
whatever_a_service_sends_goes_out_as_json(void **state)
{
    struct world *w = *state;
    Sample__Sample m = SAMPLE__SAMPLE__INIT;
    Huzhu__Id id = HUZHU__ID__INIT;
    Huzhu__Date date = HUZHU__DATE__INIT;
    Huzhu__Instant at = HUZHU__INSTANT__INIT;
    struct text out = { 0 };
    char bad[] = "a\xff\xc3(\xe2\x82 b";

    m.plain_text = bad;
    m.claim_id = &id;
    date.days = INT32_MAX;
    at.us = INT64_MIN;
    m.admitted_on = &date;
    m.filed_at = &at;
    m.kind = (Sample__Item__Kind) 55;
    m.wide = 0.0 / 0.0;
    transcode_write(w->sample, &m.base, &out);
    json_error_t why;
    json_t *tree = json_loadb(out.bytes, out.used, JSON_REJECT_DUPLICATES, &why);
    assert_non_null(tree);
    assert_string_equal(json_string_value(json_object_get(tree, "plainText")), "a��(�� b");
    json_decref(tree);
    text_free(&out);
}

static uint64_t
next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static size_t
mutate(char *text, size_t size, size_t room, uint64_t *seed)
{
    static const char spice[] = "{}[]\",:\\/-+.eE0123456789tfnu \n\t\x80\xc3\xe4\xed\xf4\xff\x01";
    const int changes = 1 + (int) (next_random(seed) % 4);

    for (int i = 0; i < changes && size > 2; i++) {
        const size_t at = next_random(seed) % size;
        switch (next_random(seed) % 4) {
        case 0:
            text[at] = spice[next_random(seed) % (sizeof spice - 1)];
            break;
        case 1:
            memmove(text + at, text + at + 1, size - at - 1);
            size--;
            break;
        case 2:
            if (size < room) {
                memmove(text + at + 1, text + at, size - at);
                text[at] = spice[next_random(seed) % (sizeof spice - 1)];
                size++;
            }
            break;
        default: { /* a piece is said twice */
            size_t piece = 1 + next_random(seed) % 12;
            if (at + piece > size)
                piece = size - at;
            if (size + piece <= room) {
                memmove(text + at + piece, text + at, size - at);
                size += piece;
            }
        }
        }
    }
    return size;
}

static void
compare(struct world *w, const char *json, size_t size, int *ours, int *theirs)
{
    struct err err;
    json_error_t why;
    json_t *tree = json_loadb(json, size, JSON_REJECT_DUPLICATES, &why);
    char *out = through(w, json, size, &err);

    *theirs += tree != NULL;
    *ours += out != NULL;
    if (out && !tree)
        fail_msg("accepted here, refused by jansson (%s): %.*s", why.text, (int) size, json);
    if (out) { /* what goes out is JSON, and comes back as itself */
        json_t *again = json_loads(out, JSON_REJECT_DUPLICATES, &why);
        char *second = through(w, out, strlen(out), &err);
        assert_non_null(again);
        assert_string_equal(second, out);
        free(second);
        json_decref(again);
    }
    free(out);
    json_decref(tree);
}

static void
jansson_refuses_nothing_that_is_accepted_here(void **state)
{
    struct world *w = *state;
    uint64_t seed = 20260701;
    int ours = 0, theirs = 0, total = 0;
    char text[4096];

    for (size_t i = 0; i < COUNT(refused); i++)
        compare(w, refused[i].in, strlen(refused[i].in), &ours, &theirs);
    for (int round = 0; round < 400; round++) {
        for (size_t i = 0; i < COUNT(accepted); i++, total++) {
            size_t size = strlen(accepted[i].in);
            memcpy(text, accepted[i].in, size);
            if (round > 0)
                size = mutate(text, size, sizeof text, &seed);
            compare(w, text, size, &ours, &theirs);
        }
    }
    print_message("%d documents: %d accepted here, %d by jansson\n", total, ours, theirs);
    assert_true(ours > total / 20); /* else the mutations only ever met the door */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_documents_come_back),
        cmocka_unit_test(bad_documents_are_refused_with_the_path_of_the_fault),
        cmocka_unit_test(thirty_two_levels_pass_and_thirty_three_do_not),
        cmocka_unit_test(a_mebibyte_passes_and_one_byte_more_does_not),
        cmocka_unit_test(parameters_bind_by_either_name_and_may_not_meet_the_body),
        cmocka_unit_test(whatever_a_service_sends_goes_out_as_json),
        cmocka_unit_test(jansson_refuses_nothing_that_is_accepted_here),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
