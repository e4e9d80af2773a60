/* code.c - err_t and the stable numbers of the wire. */
#include <stdio.h>
#include <string.h>

#include "bus/bus.h"

#ifdef __SANITIZE_THREAD__
/* Here because every program of the bus links this file.  libzmq hands messages from thread to
 * thread by atomics that the sanitizer does not see, since the library is not built for it: what it
 * and libsodium do for it is not judged, all of ours is. */
const char *__tsan_default_suppressions(void);
const char *
__tsan_default_suppressions(void)
{
    return "called_from_lib:libzmq.so\ncalled_from_lib:libsodium.so\nrace:libzmq.so\n";
}
#endif

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
