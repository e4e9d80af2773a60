/* csv_test.c - files that are taken, each way of being refused, and texts that are safe to open. */
#include "test.h"

#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv/csv.h"

static const struct csv_column columns[] = {
    { "姓名|成员姓名|name", false },
    { "身份证号|idNumber", false },
    { "备注|note", true },
};

/* Each record as "row:field|field|field;". */
struct seen {
    char text[4096];
    size_t calls, stop_at;
};

static bool
see(void *context, const struct csv_record *record)
{
    struct seen *seen = context;
    const size_t size = strlen(seen->text);

    assert_int_equal(record->count, 3);
    (void) snprintf(seen->text + size, sizeof seen->text - size, "%zu:%s|%s|%s;", record->row,
                    record->fields[0], record->fields[1], record->fields[2]);
    return ++seen->calls != seen->stop_at;
}

static struct csv_spec
spec_of(struct seen *seen)
{
    memset(seen, 0, sizeof *seen);
    return (struct csv_spec){ columns, COUNT(columns), { 100000, 1000, 200 }, see, seen };
}

static void
takes(const char *text, const char *expected)
{
    struct csv_result result;
    struct seen seen;
    const struct csv_spec spec = spec_of(&seen);

    assert_string_equal(csv_fault_name(csv_read(&spec, text, strlen(text), &result)), "ok");
    assert_string_equal(seen.text, expected);
    assert_int_equal(result.rows, seen.calls);
}

static void
columns_are_found_by_name_in_any_order(void **state)
{
    (void) state;
    takes("姓名,身份证号\n张三,1\n李四,2\n", "2:张三|1|;3:李四|2|;");
    takes("idnumber,NAME\n1,张三\n", "2:张三|1|;");
    takes("备注,身份证号,成员姓名\nx,1,张三\n", "2:张三|1|x;");
    takes(" 姓名 ,　身份证号　\n张三,1\n", "2:张三|1|;");
    takes("姓名,身份证号\n", "");
}

static void
line_ends_marks_quotes_and_blank_rows_are_read(void **state)
{
    (void) state;
    takes("\xef\xbb\xbf姓名,身份证号\r\n张三,1\r\n李四,2", "2:张三|1|;3:李四|2|;");
    takes("姓名,身份证号\r张三,1\r李四,2\r", "2:张三|1|;3:李四|2|;");
    takes("\n\n姓名,身份证号\n\r\n张三,1\n,\n \n李四,2\n,,\n\n", "5:张三|1|;8:李四|2|;");
    takes("姓名,身份证号\n\"张,\"\"三\"\"\",\"1\n2\"\n李四,\"\"\n", "2:张,\"三\"|1\n2|;3:李四||;");
    takes("姓名,身份证号\n\"a\r\nb\", 1 \n\" c \",\td\n", "2:a\nb|1|;3: c |d|;");
}

static void
refuses(const char *text, const char *name, size_t row, size_t column, const char *what)
{
    struct csv_result result;
    struct seen seen;
    const struct csv_spec spec = spec_of(&seen);

    assert_string_equal(csv_fault_name(csv_read(&spec, text, strlen(text), &result)), name);
    assert_int_equal(result.row, row);
    assert_int_equal(result.column, column);
    assert_string_equal(result.name, what);
    assert_int_equal(seen.calls, 0); /* whole: no row was seen before the fault */
}

static void
req_9_2_2b_one_unknown_or_missing_field_refuses_the_file(void **state)
{
    (void) state;
    refuses("姓名,身份证号,年龄\n张三,1,2\n", "unknown_column", 1, 3, "年龄");
    refuses("姓名\n张三\n", "missing_column", 1, 0, "身份证号");
    refuses("\n身份证号\n1\n", "missing_column", 2, 0, "姓名");
    refuses("姓名,身份证号,name\n张三,1,2\n", "doubled_column", 1, 3, "name");
    refuses("姓名,身份证号,\n张三,1,\n", "unknown_column", 1, 3, "");
    refuses("姓名,身份证号\n张三,1\n李四\n", "short_row", 3, 0, "");
    refuses("姓名,身份证号\n张三,1\n李四,2,3\n", "long_row", 3, 3, "");
    refuses("姓名,身份证号\n李四,2,\n", "long_row", 2, 3, "");
    refuses("张三,1\n", "unknown_column", 1, 1, "张三");
    refuses("", "no_header", 0, 0, "");
    refuses("\xef\xbb\xbf\n,,\n", "no_header", 0, 0, "");
    refuses("这是一个非常长的列名这是一个非常长的列名这是一个非常长的列名\n", "unknown_column", 1,
            1, "这是一个非常长的列名这是一个非常长的列名这");
}

static void
quotes_out_of_place_are_refused(void **state)
{
    (void) state;
    refuses("姓名,身份证号\n张\"三,1\n", "quotes", 2, 1, "");
    refuses("姓名,身份证号\n张三,\"1\"2\n", "quotes", 2, 2, "");
    refuses("姓名,身份证号\n张三,1\n李四,\"2\n王五,3\n", "quote_open", 3, 2, "");
}

static void
gb18030_is_read_and_damaged_bytes_are_refused(void **state)
{
    (void) state;
    struct csv_result result;
    struct seen seen;
    const struct csv_spec spec = spec_of(&seen);
    /* 姓名,身份证号 LF 张三,1 LF 𠮷,2 LF in GB18030 */
    static const char gb[] =
        "\xd0\xd5\xc3\xfb,\xc9\xed\xb7\xdd\xd6\xa4\xba\xc5\n\xd5\xc5\xc8\xfd,1\n"
        "\x95\x34\xb1\x39,2\n";

    iconv_t way = iconv_open("GB18030", "UTF-8");
    char rare[8] = "", *in = (char[]){ "𠮷" }, *out = rare;
    size_t in_left = 4, out_left = sizeof rare;
    assert_int_equal(iconv(way, &in, &in_left, &out, &out_left), 0);
    assert_int_equal(iconv_close(way), 0);
    char text[sizeof gb];
    memcpy(text, gb, sizeof gb);
    memcpy(strstr(text, "\x95\x34"), rare, 4);

    assert_int_equal(csv_read(&spec, text, sizeof text - 1, &result), CSV_OK);
    assert_true(result.gb18030);
    assert_string_equal(seen.text, "2:张三|1|;3:𠮷|2|;");
    refuses("姓名,身份证号\n张三,1\n\xff,2\n", "encoding", 3, 0, "");
    refuses("\xef\xbb\xbf姓名,身份证号\r\n\xd5\xc5\xc8\xfd,1\n", "encoding", 2, 0, "");
    assert_int_equal(csv_read(&spec, "姓名,身份证号\na,\0\n", 24, &result), CSV_FAULT_NUL);
    assert_int_equal(result.row, 2);
}

static void
limits_hold_to_the_byte_and_the_row(void **state)
{
    (void) state;
    struct csv_result result;
    struct seen seen;
    struct csv_spec spec = spec_of(&seen);
    char text[20000] = "姓名,身份证号\n张三,";
    const size_t head = strlen(text);

    memset(text + head, '7', 200);
    assert_int_equal(csv_read(&spec, text, head + 200, &result), CSV_OK);
    text[head + 200] = '7';
    assert_int_equal(csv_read(&spec, text, head + 201, &result), CSV_FAULT_FIELD_TOO_LONG);
    assert_true(result.row == 2 && result.column == 2);
    memset(text + head, '7', sizeof text - head);
    text[head] = '"'; /* without end */
    assert_int_equal(csv_read(&spec, text, sizeof text, &result), CSV_FAULT_FIELD_TOO_LONG);
    spec.limits.bytes_max = head;
    assert_int_equal(csv_read(&spec, text, head, &result), CSV_OK);
    assert_int_equal(csv_read(&spec, text, head + 1, &result), CSV_FAULT_TOO_BIG);

    static const char three[] = "name,idNumber\na,1\n\nb,2\nc,3\n";
    spec = spec_of(&seen);
    spec.limits.rows_max = 3;
    assert_int_equal(csv_read(&spec, three, strlen(three), &result), CSV_OK);
    assert_int_equal(result.rows, 3);
    spec.limits.rows_max = 2;
    assert_int_equal(csv_read(&spec, three, strlen(three), &result), CSV_FAULT_TOO_MANY_ROWS);
    assert_int_equal(result.row, 5);

    memset(text, ',', CSV_HEADER_MAX);
    text[CSV_HEADER_MAX] = 'a';
    spec = spec_of(&seen);
    assert_int_equal(csv_read(&spec, text, CSV_HEADER_MAX + 1, &result),
                     CSV_FAULT_TOO_MANY_COLUMNS);
}

static void
a_row_function_can_stop_the_reading(void **state)
{
    (void) state;
    static const char text[] = "name,idNumber\na,1\nb,2\nc,3\n";
    struct csv_result result;
    struct seen seen;
    struct csv_spec spec = spec_of(&seen);

    seen.stop_at = 2;
    assert_int_equal(csv_read(&spec, text, strlen(text), &result), CSV_FAULT_STOPPED);
    assert_int_equal(result.row, 3);
    assert_int_equal(seen.calls, 2);
    spec.each = NULL;
    assert_int_equal(csv_read(&spec, text, strlen(text), &result), CSV_OK);
    assert_int_equal(result.rows, 3);
}

static void
pieces_read_as_the_whole(void **state)
{
    (void) state;
    static const char text[] = "姓名,身份证号\r\n\"张\r\n三\",1\r\n李四,2\r\n";
    const size_t size = strlen(text);
    struct csv_result result;
    struct seen seen;
    struct csv_spec spec = spec_of(&seen);

    for (size_t piece = 1; piece <= size; piece++) {
        spec = spec_of(&seen);
        OWNED(csv_reader_destroy) struct csv_reader *reader = csv_reader_create(&spec);
        for (size_t at = 0; at < size; at += piece)
            assert_int_equal(
                csv_reader_feed(reader, text + at, size - at < piece ? size - at : piece), CSV_OK);
        assert_int_equal(csv_reader_end(reader, &result), CSV_OK);
        assert_string_equal(seen.text, "2:张\n三|1|;3:李四|2|;");
    }
    spec.limits.bytes_max = size - 1;
    OWNED(csv_reader_destroy) struct csv_reader *small = csv_reader_create(&spec);
    assert_int_equal(csv_reader_feed(small, text, size - 1), CSV_OK);
    assert_int_equal(csv_reader_feed(small, text + size - 1, 1), CSV_FAULT_TOO_BIG);
    assert_int_equal(csv_reader_end(small, &result), CSV_FAULT_TOO_BIG);
    OWNED(csv_reader_destroy) struct csv_reader *empty = csv_reader_create(&spec);
    assert_int_equal(csv_reader_end(empty, &result), CSV_FAULT_NO_HEADER);
}

static void
writes(void (*write)(struct csv_writer *, const char *), const char *text, const char *expected)
{
    OWNED(csv_writer_destroy) struct csv_writer *writer = csv_writer_create(1000, false);
    size_t size;

    write(writer, text);
    const char *bytes = csv_writer_text(writer, &size);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(bytes, expected, size);
}

static void
formulas_are_guarded_and_numbers_are_not(void **state)
{
    (void) state;
    writes(csv_write_field, "张三", "张三");
    writes(csv_write_field, "", "");
    writes(csv_write_field, "=1+1", "'=1+1");
    writes(csv_write_field, "+86138", "'+86138");
    writes(csv_write_field, "-2", "'-2");
    writes(csv_write_field, "@SUM(A1)", "'@SUM(A1)");
    writes(csv_write_field, "\tx", "'\tx");
    writes(csv_write_field, "\rx", "\"'\rx\"");
    writes(csv_write_field, "\nx", "\"'\nx\"");
    writes(csv_write_field, "  =1", "'  =1");
    writes(csv_write_field, "＝1", "'＝1");
    writes(csv_write_field, "＠x", "'＠x");
    writes(csv_write_field, "=\"a\",b", "\"'=\"\"a\"\",b\"");
    writes(csv_write_field, "a=1", "a=1");
    writes(csv_write_field, "a,b", "\"a,b\"");
    writes(csv_write_field, "a\"b", "\"a\"\"b\"");
    writes(csv_write_field, "a\nb", "\"a\nb\"");
    writes(csv_write_field, " a", "\" a\"");
    writes(csv_write_field, "a ", "\"a \"");
    writes(csv_write_number, "-12.50", "-12.50");
    writes(csv_write_number, "7", "7");
    writes(csv_write_number, "-1+1", "'-1+1");
    writes(csv_write_number, "-", "'-");
    writes(csv_write_number, "1.", "1.");
    writes(csv_write_number, "+1", "'+1");
    writes(csv_write_number, "-1.5=", "'-1.5=");
}

static void
what_was_written_is_read_again(void **state)
{
    (void) state;
    OWNED(csv_writer_destroy) struct csv_writer *writer = csv_writer_create(1000, true);
    struct csv_result result;
    struct seen seen;
    const struct csv_spec spec = spec_of(&seen);
    size_t size;

    csv_write_field(writer, "姓名");
    csv_write_field(writer, "身份证号");
    csv_write_row_end(writer);
    csv_write_field(writer, " 张\n\"三\", ");
    csv_write_number(writer, "-3.00");
    csv_write_row_end(writer);
    const char *text = csv_writer_text(writer, &size);
    assert_memory_equal(text, "\xef\xbb\xbf姓名,身份证号\r\n\"", 25);
    assert_int_equal(csv_read(&spec, text, size, &result), CSV_OK);
    assert_string_equal(seen.text, "2: 张\n\"三\", |-3.00|;");
}

static void
a_text_over_its_limit_is_no_text(void **state)
{
    (void) state;
    for (size_t max = 0; max < 8; max++) {
        OWNED(csv_writer_destroy) struct csv_writer *writer = csv_writer_create(max, false);
        size_t size = 99;
        csv_write_field(writer, "a,b"); /* 5 bytes, quoted */
        csv_write_row_end(writer);
        const char *text = csv_writer_text(writer, &size);
        assert_int_equal(text != NULL, max >= 7);
        assert_int_equal(size, max >= 7 ? 7 : 0);
    }
}

static void
faults_have_stable_names_of_their_own(void **state)
{
    (void) state;
    for (int i = 0; i < CSV_FAULT_COUNT; i++) {
        for (int j = 0; j < i; j++)
            assert_string_not_equal(csv_fault_name((enum csv_fault) i),
                                    csv_fault_name((enum csv_fault) j));
        assert_true(strlen(csv_fault_zh((enum csv_fault) i)) > 0);
        assert_true(strlen(csv_fault_en((enum csv_fault) i)) > 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_found_by_name_in_any_order),
        cmocka_unit_test(line_ends_marks_quotes_and_blank_rows_are_read),
        cmocka_unit_test(req_9_2_2b_one_unknown_or_missing_field_refuses_the_file),
        cmocka_unit_test(quotes_out_of_place_are_refused),
        cmocka_unit_test(gb18030_is_read_and_damaged_bytes_are_refused),
        cmocka_unit_test(limits_hold_to_the_byte_and_the_row),
        cmocka_unit_test(a_row_function_can_stop_the_reading),
        cmocka_unit_test(pieces_read_as_the_whole),
        cmocka_unit_test(formulas_are_guarded_and_numbers_are_not),
        cmocka_unit_test(what_was_written_is_read_again),
        cmocka_unit_test(a_text_over_its_limit_is_no_text),
        cmocka_unit_test(faults_have_stable_names_of_their_own),
    };
    return cmocka_run_group_tests_name("unit/csv", tests, NULL, NULL);
}
