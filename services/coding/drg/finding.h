/* finding.h - what is wrong or odd in a pack: each with file, line, severity and a stable code.
 *
 * An error stops a compile; a warning says that the scheme does something its authors can hardly
 * have meant; a note says what is merely worth knowing.  findings.def lists all kinds. */
#ifndef HUZHU_DRG_FINDING_H
#define HUZHU_DRG_FINDING_H

#include <stdio.h>

#include "base/base.h"

enum finding_severity { FINDING_NOTE, FINDING_WARNING, FINDING_ERROR };

enum finding_kind {
#define FINDING(symbol, severity, code) FIND_##symbol,
#include "findings.def"
#undef FINDING
    FIND_COUNT,
};

/* Where: a file of the pack and a line counted from 1; line 0 is the file as a whole. */
struct place {
    const char *file; /* a literal */
    uint32_t line;
};

struct finding {
    enum finding_kind kind;
    struct place place;
    char *zh, *en;
};

struct findings {
    struct finding *items;
    size_t count, capacity;
    size_t errors, warnings, notes;
    bool lost; /* memory ran out: there is more than is told here */
};

void findings_init(struct findings *findings);
void findings_done(struct findings *findings);

/* Both texts take the same arguments.  Counts even when memory is out. */
void find(struct findings *findings, enum finding_kind kind, struct place place, const char *zh,
          const char *en, ...) PRINTF(4, 6) PRINTF(5, 6);

enum finding_severity finding_severity(enum finding_kind kind);
const char *finding_code(enum finding_kind kind);

/* Prints them in the order of files and lines, at most per_kind_max of each kind (0: all), prefixed
 * by the pack's folder.  Returns the number of lines that were held back. */
size_t findings_print(struct findings *findings, FILE *out, const char *dir, size_t per_kind_max);

#endif
