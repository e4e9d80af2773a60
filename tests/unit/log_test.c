/* log_test.c - the lines of the log, byte by byte: JSON whatever is in a text, cut whole, no secret
 * in them, and one line in one piece. */
#include "test.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log/log.h"

static char path[] = "/tmp/huzhu-log-XXXXXX";
static int real_stderr = -1;

/* What is logged from here on goes to a file; captured() gives it back. */
static void
capture(void)
{
    (void) snprintf(path, sizeof path, "/tmp/huzhu-log-XXXXXX");
    const int fd = mkstemp(path);

    assert_true(fd >= 0);
    (void) fflush(stderr);
    real_stderr = dup(STDERR_FILENO);
    assert_true(real_stderr >= 0 && dup2(fd, STDERR_FILENO) == STDERR_FILENO);
    (void) close(fd);
}

static char *
captured(void)
{
    char *text = NULL;
    size_t room = 0;

    assert_int_equal(dup2(real_stderr, STDERR_FILENO), STDERR_FILENO);
    (void) close(real_stderr);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    const ssize_t size = getdelim(&text, &room, '\0', in);
    assert_true(size > 0);
    (void) fclose(in);
    (void) unlink(path);
    return text;
}

/* One line behind its instant, which is checked and left out. */
static const char *
behind_instant(const char *line)
{
    static const char head[] = "{\"at\":\"";
    struct instant_text {
        char text[INSTANT_TEXT_BYTES];
    } at = { { 0 } };
    instant_t parsed;

    assert_memory_equal(line, head, sizeof head - 1);
    memcpy(at.text, line + sizeof head - 1, sizeof at.text - 1);
    assert_true(instant_parse(at.text, &parsed));
    assert_true(clock_now().us - parsed.us < 60 * US_PER_SECOND);
    return line + sizeof head - 1 + sizeof at.text - 1;
}

static void
a_line_is_one_json_object_with_typed_fields(void **state)
{
    (void) state;
    const struct log_ctx ctx = { "0af7651916cd43dd8448eb211c80319c" };
    struct id id;

    assert_true(id_parse("0190a5e0-0000-7000-8000-0123456789ab", &id));
    capture();
    LOG(INFO, &ctx, "call.done", L_TEXT("rpc", "FileClaim"), L_TEXT("none", NULL),
        L_TEXT("empty", ""), L_INT("us", 0), L_INT("low", INT64_MIN), L_INT("high", INT64_MAX),
        L_MONEY("paid", ((money_t){ -1205 })), L_ID("claim", id));
    LOG0(WARNING, NULL, "bare");
    char *text = captured(), *end = strchr(text, '\n');

    assert_non_null(end);
    *end = '\0';
    assert_string_equal(
        behind_instant(text),
        "\",\"level\":\"info\",\"process\":\"huzhu\",\"event\":\"call.done\","
        "\"trace\":\"0af7651916cd43dd8448eb211c80319c\",\"rpc\":\"FileClaim\",\"none\":null,"
        "\"empty\":\"\",\"us\":0,\"low\":-9223372036854775808,\"high\":9223372036854775807,"
        "\"paid_fen\":-1205,\"claim\":\"0190a5e0-0000-7000-8000-0123456789ab\"}");
    assert_string_equal(behind_instant(end + 1), "\",\"level\":\"warning\",\"process\":\"huzhu\","
                                                 "\"event\":\"bare\"}\n");
    free(text);
}

static void
every_byte_of_a_text_comes_back_from_its_json(void **state)
{
    (void) state;
    char all[256 + 16];
    size_t size = 0;

    for (int byte = 1; byte < 0x80; byte++)
        all[size++] = (char) byte;
    (void) snprintf(all + size, sizeof all - size, "王芳\x7f\"\\");
    capture();
    LOG(INFO, NULL, "bytes", L_TEXT("all", all));
    char *text = captured();
    json_t *line = json_loads(text, 0, NULL);

    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "all")), all);
    for (const char *at = text; at[0] && at[1]; at++) /* nothing that moves a terminal's cursor */
        assert_true((unsigned char) *at >= 0x20 && *at != 0x7f);
    json_decref(line);
    free(text);
}

static void
a_long_line_is_cut_whole(void **state)
{
    (void) state;
    static char filler[8192];

    /* Each width of a character, and each place where the cut may fall in it. */
    static const char *const units[] = { "a", "é", "农", "𠮷", "\"", "\n" };
    for (size_t u = 0; u < COUNT(units); u++) {
        for (size_t shift = 0; shift < 6; shift++) {
            size_t size = 0;
            for (; size < shift; size++)
                filler[size] = 'x';
            while (size + strlen(units[u]) < 6000)
                size += (size_t) snprintf(filler + size, sizeof filler - size, "%s", units[u]);
            capture();
            LOG(INFO, NULL, "long", L_TEXT("text", filler), L_INT("behind", 7));
            char *text = captured();
            assert_in_range(strlen(text), 3500, 4096);
            assert_int_equal(text[strlen(text) - 1], '\n');
            json_t *line = json_loads(text, 0, NULL); /* refuses half a character */
            assert_non_null(line);
            const char *kept = json_string_value(json_object_get(line, "text"));
            assert_non_null(kept);
            assert_memory_equal(kept, filler, strlen(kept));
            json_decref(line);
            free(text);
        }
    }
}

static void
a_secret_shows_its_length_alone(void **state)
{
    (void) state;
    capture();
    LOG(INFO, NULL, "seen", L_MASKED("name", ((struct secret){ "李小明" })),
        L_MASKED("none", ((struct secret){ NULL })));
    char *text = captured();

    assert_null(strstr(text, "李"));
    assert_non_null(strstr(text, ",\"name\":\"***(9)\",\"none\":\"***(0)\"}"));
    free(text);
}

static void
levels_below_the_lowest_are_left_out(void **state)
{
    (void) state;
    enum log_level level;

    assert_true(log_level_parse("warning", &level));
    assert_int_equal(level, LOG_WARNING);
    assert_false(log_level_parse("loud", &level));
    capture();
    LOG0(DEBUG, NULL, "quiet");
    LOG0(INFO, NULL, "told");
    char *text = captured();
    assert_null(strstr(text, "quiet"));
    assert_non_null(strstr(text, "told"));
    free(text);
}

enum { THREADS = 4, LINES = 500 };

static void *
write_lines(void *arg)
{
    static char filler[1800];
    const struct log_ctx ctx = { "0af7651916cd43dd8448eb211c80319c" };

    for (int i = 0; i < LINES; i++)
        LOG(INFO, &ctx, "one", L_INT("thread", *(const int *) arg), L_INT("i", i),
            L_TEXT("filler", filler));
    return NULL;
}

static void
threads_do_not_mix_their_lines(void **state)
{
    (void) state;
    pthread_t threads[THREADS];
    int numbers[THREADS], next[THREADS] = { 0 }, lines = 0;
    char *rest = NULL;

    capture();
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    char *text = captured();
    for (char *at = strtok_r(text, "\n", &rest); at; at = strtok_r(NULL, "\n", &rest), lines++) {
        json_t *line = json_loads(at, 0, NULL);
        assert_non_null(line);
        const int thread = (int) json_integer_value(json_object_get(line, "thread"));
        assert_in_range(thread, 0, THREADS - 1);
        assert_int_equal(json_integer_value(json_object_get(line, "i")), next[thread]++);
        json_decref(line);
    }
    assert_int_equal(lines, THREADS * LINES);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_one_json_object_with_typed_fields),
        cmocka_unit_test(every_byte_of_a_text_comes_back_from_its_json),
        cmocka_unit_test(a_long_line_is_cut_whole),
        cmocka_unit_test(a_secret_shows_its_length_alone),
        cmocka_unit_test(levels_below_the_lowest_are_left_out),
        cmocka_unit_test(threads_do_not_mix_their_lines),
    };
    return cmocka_run_group_tests_name("unit/log", tests, NULL, NULL);
}
