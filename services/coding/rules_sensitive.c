/* rules_sensitive.c - which groups and diagnoses tell too much to be published as they are. */
#include <string.h>

#include "rules.h"

#define SENSITIVE_VERSION(text) const char sensitive_version[] = text;
#define SENSITIVE_GROUP(begins, why)
#define SENSITIVE_DIAGNOSES(from, to, why)
#include "sensitive.def"
#undef SENSITIVE_DIAGNOSES
#undef SENSITIVE_GROUP
#undef SENSITIVE_VERSION

static const char *const groups[] = {
#define SENSITIVE_VERSION(text)
#define SENSITIVE_GROUP(begins, why) begins,
#define SENSITIVE_DIAGNOSES(from, to, why)
#include "sensitive.def"
#undef SENSITIVE_DIAGNOSES
#undef SENSITIVE_GROUP
};

static const struct {
    const char *from, *to;
} diagnoses[] = {
#define SENSITIVE_GROUP(begins, why)
#define SENSITIVE_DIAGNOSES(from, to, why) { from, to },
#include "sensitive.def"
#undef SENSITIVE_DIAGNOSES
#undef SENSITIVE_GROUP
#undef SENSITIVE_VERSION
};

static bool
is_sensitive_code(struct drg_text code)
{
    char category[4] = "";

    if (code.size < 3)
        return false;
    memcpy(category, code.text, 3);
    if (category[0] >= 'a' && category[0] <= 'z')
        category[0] = (char) (category[0] - 32);
    for (size_t i = 0; i < COUNT(diagnoses); i++)
        if (strcmp(category, diagnoses[i].from) >= 0 && strcmp(category, diagnoses[i].to) <= 0)
            return true;
    return false;
}

bool
rule_is_sensitive(const char *drg, const struct drg_text *codes, size_t count)
{
    for (size_t i = 0; i < COUNT(groups); i++)
        if (strncmp(drg, groups[i], strlen(groups[i])) == 0)
            return true;
    for (size_t i = 0; i < count; i++)
        if (is_sensitive_code(codes[i]))
            return true;
    return false;
}
