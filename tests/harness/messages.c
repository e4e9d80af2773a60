/* messages.c - ids, days and money as messages, in rings. */
#include "messages.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

/* The longest message of a test names each of 4,000 persons once, with a household and a day. */
enum { RING = 8192 };

struct id
new_id(void)
{
    return id_mint(clock_now());
}

Huzhu__Id *
wire(struct id id)
{
    static Huzhu__Id messages[RING];
    static struct id ids[RING];
    static unsigned next;
    const unsigned i = next++ % RING;

    ids[i] = id;
    huzhu__id__init(&messages[i]);
    messages[i].value = (ProtobufCBinaryData){ id_is_nil(id) ? 0 : 16, ids[i].bytes };
    return &messages[i];
}

struct id
unwire(const Huzhu__Id *in)
{
    struct id id;

    assert_non_null(in);
    assert_int_equal(in->value.len, sizeof id.bytes);
    memcpy(id.bytes, in->value.data, sizeof id.bytes);
    return id;
}

Huzhu__Date *
day(const char *text)
{
    static Huzhu__Date messages[RING];
    static unsigned next;
    Huzhu__Date *date = &messages[next++ % RING];
    date_t read;

    if (!date_parse(text, &read))
        fail_msg("%s is no day", text);
    huzhu__date__init(date);
    date->days = read.days;
    return date;
}

Huzhu__Money *
fen(int64_t n)
{
    static Huzhu__Money messages[RING];
    static unsigned next;
    Huzhu__Money *money = &messages[next++ % RING];

    huzhu__money__init(money);
    money->fen = n;
    return money;
}

void
business_time_is(const char *path, const char *instant)
{
    char beside[256];
    instant_t at;

    if (!instant_parse(instant, &at))
        fail_msg("%s is no instant", instant);
    (void) snprintf(beside, sizeof beside, "%s.new", path);
    FILE *out = fopen(beside, "we");
    assert_non_null(out);
    (void) fprintf(out, "%lld\n", (long long) (at.us - clock_now().us));
    assert_int_equal(fclose(out), 0);
    assert_int_equal(rename(beside, path), 0); /* the service never reads half a number */
}
