/* https.c - the door of the write bench: a gateway over TLS, a session that it believes, and wrk.
 */
#include "https.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus/bus.h"
#include "identity.pb-c.h"

/* wrk's side: every request is another upload of one small piece, so that each is one write.  The
 * text of a request is made once, and its id put in: what a load does beside sending and reading
 * takes time from both cores, and pgbench does next to nothing. */
static const char lua[] =
    "local head, tail\n"
    "local n = 0\n"
    "function init()\n"
    "  local id = string.format('%%08x-%%04x-7%%03x-8000-', %u, 1, 2)\n"
    "  local whole = wrk.format('PUT', '/api/v1/uploads/' .. id .. '@',\n"
    "    {['Authorization'] = 'Bearer bench', ['Content-Type'] = 'application/octet-stream'}, 'a "
    "piece')\n"
    "  head, tail = whole:match('^([^@]*)@(.*)$')\n"
    "end\n"
    "function request()\n"
    "  n = n + 1\n"
    "  return head .. string.format('%%012x', n) .. tail\n"
    "end\n"
    "function done(summary, latency, requests)\n"
    "  io.write(string.format('BENCH %%d %%d %%d %%d\\n', summary.requests, summary.duration,\n"
    "    summary.errors.status + summary.errors.read + summary.errors.timeout + "
    "summary.errors.connect,\n"
    "    latency:percentile(99)))\n"
    "end\n";

int
https_identity(const char *endpoint, const char *principal_file)
{
    const struct bus_conf conf = { endpoint, "identity", "", "" };
    struct bus_worker *worker = NULL;
    static uint8_t principal[4096], packed[8192];
    struct err err;

    FILE *in = fopen(principal_file, "rb");
    const size_t size = in ? fread(principal, 1, sizeof principal, in) : 0;
    if (in)
        (void) fclose(in);
    if (size == 0 || bus_worker_create(&conf, 8, &worker, &err) != ERR_OK)
        return 1;
    for (;;) {
        struct bus_job job;
        if (!bus_worker_recv(worker, 1000, &job))
            continue;
        Identity__ResumeSessionReply reply = IDENTITY__RESUME_SESSION_REPLY__INIT;
        Huzhu__Instant expires = HUZHU__INSTANT__INIT;
        Bus__Answer answer = BUS__ANSWER__INIT;
        expires.us = clock_now().us + 3600 * US_PER_SECOND;
        reply.principal = (ProtobufCBinaryData){ size, principal };
        reply.expires = reply.principal_expires = &expires;
        answer.body =
            (ProtobufCBinaryData){ identity__resume_session_reply__pack(&reply, packed), packed };
        if (bus_worker_answer(worker, &job, &answer, &err) != ERR_OK)
            return 1;
    }
}

void
https_prepare(const char *folder, const struct request_of *request)
{
    char command[1024], path[512];

    (void) snprintf(command, sizeof command,
                    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
                    "-subj /CN=localhost "
                    "-keyout '%s/tls.key' -out '%s/tls.pem' 2>/dev/null",
                    folder, folder);
    if (system(command) != 0)
        abort();
    (void) snprintf(path, sizeof path, "%s/principal", folder);
    FILE *out = fopen(path, "wb");
    if (!out ||
        fwrite(request->envelope.principal.data, 1, request->envelope.principal.len, out) !=
            request->envelope.principal.len ||
        fclose(out) != 0)
        abort();
}

struct https_result
https_load(const char *folder, int port, int connections, double seconds)
{
    static unsigned run;
    char path[512], line[512], command[1200];
    long requests = 0, took_us = 1, errors = 1, p99_us = 0;

    (void) snprintf(path, sizeof path, "%s/put.lua", folder);
    FILE *out = fopen(path, "w");
    if (!out || fprintf(out, lua, (unsigned) getpid() << 8 | ++run) < 0 || fclose(out) != 0)
        abort();
    (void) snprintf(command, sizeof command,
                    "wrk -t1 -c%d -d%.0fs -s '%s' https://127.0.0.1:%d 2>&1", connections, seconds,
                    path, port);
    FILE *wrk = popen(command, "r");
    while (wrk && fgets(line, sizeof line, wrk))
        if (sscanf(line, "BENCH %ld %ld %ld %ld", &requests, &took_us, &errors, &p99_us) != 4 &&
            strstr(line, "error"))
            (void) fputs(line, stderr);
    if (!wrk || pclose(wrk) != 0 || errors > 0) {
        (void) fprintf(stderr, "%ld of %ld requests failed\n", errors, requests);
        exit(1);
    }
    return (struct https_result){ (double) requests * 1e6 / (double) took_us,
                                  (double) p99_us / 1000, (double) requests };
}
