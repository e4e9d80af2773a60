/* verify_line.h - that a published line is what the signed log says: line -> root of its page ->
 * record of PagePublished -> root of the head -> signature.  Offline: two JSON texts, as
 * disclosure.ProveLine and audit.GetPublicationProof answer them, and the public keys.
 *
 * Strict: every field is checked or follows from one that is, a field that it does not know is
 * refused, and each value has one spelling; so any changed byte makes it false. */
#ifndef HUZHU_AUDIT_VERIFY_LINE_H
#define HUZHU_AUDIT_VERIFY_LINE_H

#include "audit.h"

struct line_proof {
    const char *line, *page; /* JSON texts, with their sizes */
    size_t line_size, page_size;
    struct verifier *const *keys;
    size_t key_count;
};

#define LINE_SAYS_BYTES 320
/* says: what was proved, or why not.  arena: for what is decoded on the way. */
bool line_is_proved(const struct line_proof *proof, struct arena *arena,
                    char says[static LINE_SAYS_BYTES]) MUST_CHECK;

#endif
