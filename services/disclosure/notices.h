/* notices.h - what people are told of their claims and payments; the words are notices.def's. */
#ifndef HUZHU_DISCLOSURE_NOTICES_H
#define HUZHU_DISCLOSURE_NOTICES_H

#include "disclosure.h"

/* To a person, once for each call; detail is what the kind's text names: an amount, a clause, "".
 */
err_t notice_give(struct call *c, const char *kind, struct id person, struct id claim,
                  const char *detail) MUST_CHECK;
err_t notice_give_amount(struct call *c, const char *kind, struct id person, struct id claim,
                         money_t amount) MUST_CHECK;
/* false: no such kind. */
bool notice_words(struct call *c, const struct notice *notice, const char **title,
                  const char **text) MUST_CHECK;

#endif
