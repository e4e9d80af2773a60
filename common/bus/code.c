/* code.c - err_t and the stable numbers of the wire. */
#include <stdio.h>
#include <string.h>

#include "bus/bus.h"

static const uint32_t numbers[ERR_COUNT] = {
    [ERR_OK] = BUS__CODE__NAME__OK,
#define ERR(code, http, retry, says) [ERR_##code] = BUS__CODE__NAME__##code,
#include "err/err.def"
#undef ERR
};

uint32_t
bus_code_from_err(err_t code)
{
    return numbers[code];
}

err_t
bus_err_from_code(uint32_t code)
{
    for (int i = 0; i < ERR_COUNT; i++) {
        if (numbers[i] == code)
            return (err_t) i;
    }
    return ERR_INTERNAL;
}

err_t
bus_answer_error(const Bus__Answer *answer, struct err *err)
{
    const err_t code = bus_err_from_code(answer->code);

    if (code == ERR_OK)
        return ERR_OK;
    err->code = code;
    (void) snprintf(err->reason, sizeof err->reason, "%s", answer->reason);
    (void) snprintf(err->path, sizeof err->path, "%s", answer->path);
    (void) snprintf(err->text, sizeof err->text, "%s", answer->text);
    return code;
}
