/* https.h - the door of the write bench: a gateway over TLS, a session that it believes, and wrk.
 */
#ifndef HUZHU_BENCH_HTTPS_H
#define HUZHU_BENCH_HTTPS_H

#include "caller.h"

/* A process that answers ResumeSession with the principal in the file; never returns but on
 * failure. */
int https_identity(const char *endpoint, const char *principal_file);
/* A certificate for the gateway, and the request's signed principal for https_identity(), in the
 * folder. */
void https_prepare(const char *folder, const struct request_of *request);

struct https_result {
    double rate, p99_ms, requests;
};
/* wrk with so many connections; ends the program when a request fails. */
struct https_result https_load(const char *folder, int port, int connections, double seconds);

#endif
