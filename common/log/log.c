/* log.c - builds a line in memory and writes it in one piece. */
#include "log/log.h"

#include <stdio.h>
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

static void
put_quoted(struct line *line, const char *text)
{
    /* An escape is put whole or not at all, and room for the closing quote is kept. */
    put_text(line, "\"");
    for (; *text && line->used < sizeof line->bytes - 16; text++) {
        const unsigned char byte = (unsigned char) *text;
        char escaped[8];

        if (byte == '"' || byte == '\\')
            (void) snprintf(escaped, sizeof escaped, "\\%c", byte);
        else if (byte < 0x20 || byte == 0x7f)
            (void) snprintf(escaped, sizeof escaped, "\\u%04x", byte);
        else
            (void) snprintf(escaped, sizeof escaped, "%c", byte);
        put_text(line, escaped);
    }
    put_text(line, "\"");
}

static void
put_field(struct line *line, const struct log_field *field)
{
    char text[48];

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
        return;
    case LOG_NUMBER:
        (void) snprintf(text, sizeof text, "%lld", (long long) field->number);
        break;
    case LOG_ID_FIELD:
        text[0] = '"';
        id_format(field->id, text + 1);
        text[ID_TEXT_BYTES] = '"';
        text[ID_TEXT_BYTES + 1] = '\0';
        break;
    case LOG_SECRET:
        (void) snprintf(text, sizeof text, "\"***(%zu)\"",
                        field->secret.text ? strlen(field->secret.text) : 0);
        break;
    }
    put_text(line, text);
}

void
log_write(enum log_level level, const struct log_ctx *ctx, const char *event,
          const struct log_field *fields, size_t field_count)
{
    struct line line = { .used = 0 };
    char at[INSTANT_TEXT_BYTES];

    if (level < lowest_level)
        return;
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
