/* log.c - builds a line in memory and writes it in one piece. */
#include "log/log.h"

#include <string.h>
#include <unistd.h>

/* A line is cut rather than split: PIPE_BUF (4096) is what the kernel writes in one piece. */
enum { LINE_BYTES_MAX = 4096 };

static const char *const level_names[] = { "debug", "info", "warning", "error" };
static const char *process_name = "huzhu";
static enum log_level lowest_level = LOG_INFO;

struct line {
    char bytes[LINE_BYTES_MAX];
    size_t used;
};

void
log_open(const char *process, enum log_level lowest)
{
    process_name = process;
    lowest_level = lowest;
}

bool
log_level_parse(const char *name, enum log_level *level)
{
    for (size_t i = 0; i < COUNT(level_names); i++) {
        if (strcmp(level_names[i], name) == 0) {
            *level = (enum log_level) i;
            return true;
        }
    }
    return false;
}

/* Two bytes stay free for the closing brace and the line end. */
static void
put(struct line *line, const char *text, size_t size)
{
    const size_t room = sizeof line->bytes - 2 - line->used;

    if (size > room)
        size = room;
    memcpy(line->bytes + line->used, text, size);
    line->used += size;
}

static void
put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* What may stand in a JSON text as it is; DEL too is escaped, for terminals. */
static bool
is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7f;
}

/* So much of a text that a character of several bytes (UTF-8) is whole or not there. */
static size_t
cut(const char *text, size_t size, size_t room)
{
    if (size <= room)
        return size;
    while (room > 0 && ((unsigned char) text[room] & 0xc0) == 0x80)
        room--;
    return room;
}

/* A line is written for every request, so plain text goes in runs and nothing is printed. */
static void
put_quoted(struct line *line, const char *text)
{
    static const char hex[] = "0123456789abcdef";

    /* An escape is put whole or not at all, and room for the closing quote is kept. */
    put_text(line, "\"");
    while (*text && line->used < sizeof line->bytes - 16) {
        const size_t room = sizeof line->bytes - 16 - line->used;
        const unsigned char byte = (unsigned char) *text;
        size_t size = 0;

        if (is_plain(byte)) {
            while (is_plain((unsigned char) text[size]))
                size++;
            const size_t fits = cut(text, size, room);
            put(line, text, fits);
            if (fits < size)
                break;
            text += size;
            continue;
        }
        if (byte == '"' || byte == '\\')
            put(line, (const char[]){ '\\', *text }, 2);
        else
            put(line, (const char[]){ '\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15] }, 6);
        text++;
    }
    put_text(line, "\"");
}

static void
put_number(struct line *line, int64_t number)
{
    char text[24];
    size_t at = sizeof text;
    uint64_t rest = number < 0 ? -(uint64_t) number : (uint64_t) number;

    do {
        text[--at] = (char) ('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        text[--at] = '-';
    put(line, text + at, sizeof text - at);
}

static void
put_field(struct line *line, const struct log_field *field)
{
    char text[ID_TEXT_BYTES];

    if (line->used > sizeof line->bytes - 128) /* no room for a sensible field */
        return;
    put_text(line, ",");
    put_quoted(line, field->key);
    put_text(line, ":");
    switch (field->kind) {
    case LOG_TEXT:
        if (field->text)
            put_quoted(line, field->text);
        else
            put_text(line, "null");
        break;
    case LOG_NUMBER:
        put_number(line, field->number);
        break;
    case LOG_ID_FIELD:
        id_format(field->id, text);
        put_quoted(line, text);
        break;
    case LOG_SECRET:
        put_text(line, "\"***(");
        put_number(line, field->secret.text ? (int64_t) strlen(field->secret.text) : 0);
        put_text(line, ")\"");
        break;
    }
}

void
log_write(enum log_level level, const struct log_ctx *ctx, const char *event,
          const struct log_field *fields, size_t field_count)
{
    struct line line;
    char at[INSTANT_TEXT_BYTES];

    if (level < lowest_level)
        return;
    line.used = 0;
    instant_format(clock_now(), at);
    put_text(&line, "{\"at\":\"");
    put_text(&line, at);
    put_text(&line, "\",\"level\":\"");
    put_text(&line, level_names[level]);
    put_text(&line, "\",\"process\":");
    put_quoted(&line, process_name);
    put_text(&line, ",\"event\":");
    put_quoted(&line, event);
    if (ctx && ctx->trace[0]) {
        put_text(&line, ",\"trace\":");
        put_quoted(&line, ctx->trace);
    }
    for (size_t i = 0; i < field_count; i++)
        put_field(&line, &fields[i]);
    line.bytes[line.used++] = '}';
    line.bytes[line.used++] = '\n';
    (void) !write(STDERR_FILENO, line.bytes, line.used); /* nobody to tell */
}
