/* book.c - see book.h.  The library writes to a path alone; the path is a file in memory. */
#include "book.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xlsxwriter.h>

static err_t
failed(struct call *c, const char *what)
{
    return err_set(&c->err, ERR_INTERNAL, REPORT_BUILD, "the workbook: %s", what);
}

static bool
rows_write(lxw_workbook *book, const char *title, const Disclosure__Report *report,
           instant_t made_at)
{
    static const char *const heads[] = { "编号", "内容", "数值", "取数查询" };
    lxw_doc_properties properties = { .title = (char *) title,
                                      .created = (time_t) (made_at.us / US_PER_SECOND) };
    lxw_worksheet *sheet = workbook_add_worksheet(book, "年度报告");
    lxw_format *bold = workbook_add_format(book);

    if (!sheet || !bold || workbook_set_properties(book, &properties) != LXW_NO_ERROR)
        return false;
    format_set_bold(bold);
    (void) worksheet_set_column(sheet, 0, 0, 22, NULL);
    (void) worksheet_set_column(sheet, 1, 1, 44, NULL);
    (void) worksheet_set_column(sheet, 2, 3, 30, NULL);
    if (worksheet_write_string(sheet, 0, 0, title, bold) != LXW_NO_ERROR)
        return false;
    for (lxw_col_t k = 0; k < 4; k++)
        if (worksheet_write_string(sheet, 1, k, heads[k], bold) != LXW_NO_ERROR)
            return false;
    for (size_t i = 0; i < report->n_figures; i++) {
        const Disclosure__Report__Figure *f = report->figures[i];
        const char *const cells[] = { f->blank, f->label, f->value, f->query };
        for (lxw_col_t k = 0; k < 4; k++)
            if (worksheet_write_string(sheet, (lxw_row_t) (i + 2), k, cells[k], NULL) !=
                LXW_NO_ERROR)
                return false;
    }
    return true;
}

static err_t
read_back(struct call *c, int file, ProtobufCBinaryData *out)
{
    struct stat status;

    if (fstat(file, &status) != 0 || status.st_size <= 0 || status.st_size > 4194304)
        return failed(c, "nothing was written");
    out->len = (size_t) status.st_size;
    out->data = arena_alloc(c->arena, out->len);
    if (!out->data)
        return failed(c, "no memory");
    return pread(file, out->data, out->len, 0) == status.st_size ? ERR_OK : failed(c, "cut short");
}

err_t
book_make(struct call *c, const char *title, const Disclosure__Report *report, instant_t made_at,
          ProtobufCBinaryData *out)
{
    const int file = memfd_create("report", MFD_CLOEXEC);
    char path[32];
    err_t code;

    if (file < 0)
        return failed(c, "no file in memory");
    (void) snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    lxw_workbook *book = workbook_new(path);
    const bool written = book && rows_write(book, title, report, made_at);
    const lxw_error closed = book ? workbook_close(book) : LXW_ERROR_MEMORY_MALLOC_FAILED;
    code =
        !written || closed != LXW_NO_ERROR ? failed(c, "it was refused") : read_back(c, file, out);
    (void) close(file);
    return code;
}
