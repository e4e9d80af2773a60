/* encoding.c - bank files between UTF-8 and GB18030, by the C library's iconv. */
#include "encoding.h"

#include <iconv.h>
#include <string.h>

struct codec {
    const char *from, *to;
};

/* False: the bytes are not text in `from`, or there is no such codec. */
static bool
convert(const struct codec *codec, const void *in, size_t size, char *out, size_t *room)
{
    iconv_t cd = iconv_open(codec->to, codec->from);
    char *from = (char *) in, *to = out;
    size_t left = *room;

    if ((intptr_t) cd == -1)
        return false;
    const size_t odd = iconv(cd, &from, &size, &to, &left);
    (void) iconv_close(cd);
    *room -= left;
    return odd == 0 && size == 0;
}

err_t
text_encode(struct call *c, bool gb18030, const char *text, size_t size, ProtobufCBinaryData *out)
{
    static const struct codec codec = { "UTF-8", "GB18030" };
    size_t room = size * 2 + 1; /* two bytes of UTF-8 become four at most */

    out->data = arena_alloc(c->arena, room);
    if (!out->data)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the file needs too much memory");
    if (!gb18030) {
        memcpy(out->data, text, size);
        out->len = size;
        return ERR_OK;
    }
    if (!convert(&codec, text, size, (char *) out->data, &room))
        return err_set(&c->err, ERR_REFUSED, BATCH_PAYEE, "the file cannot be put into GB18030");
    out->len = room;
    return ERR_OK;
}

err_t
text_decode(struct call *c, bool gb18030, ProtobufCBinaryData in, char **text)
{
    /* UTF-8 goes through too: the codec is what finds bytes that are none. */
    const struct codec codec = { gb18030 ? "GB18030" : "UTF-8", "UTF-8" };
    size_t room = in.len * 2; /* two bytes of GB18030 become three of UTF-8 */
    char *out = arena_alloc(c->arena, room + 1);

    if (!out)
        return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the file needs too much memory");
    if ((in.len > 0 && memchr(in.data, '\0', in.len)) ||
        !convert(&codec, in.data, in.len, out, &room))
        return err_at(&c->err, ERR_INVALID, "$.data", RESULT_ENCODING, "the bytes are not %s",
                      codec.from);
    out[room] = '\0';
    *text = strncmp(out, "\xef\xbb\xbf", 3) == 0 ? out + 3 : out;
    return ERR_OK;
}
