/* platform.c - the operator's half of platform.h: up, down, and breaking things in between. */
#include "platform.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock/clock.h"
#include "eventually.h"
#include "id/id.h"
#include "test.h"

enum { PORT_LOW = 10000, PORT_HIGH = 30000, PORTS_OF_AN_INSTANCE = 50, COMMAND_BYTES = 2048 };

static bool
port_is_free(int port)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port = htons((uint16_t) port),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool is_free =
        fd >= 0 && bind(fd, (const struct sockaddr *) &address, sizeof address) == 0;

    if (fd >= 0)
        (void) close(fd);
    return is_free;
}

/* A run of ports nobody listens on now; two tests at once begin their search at different places.
 */
static int
free_ports(void)
{
    uint32_t dice;

    random_bytes(&dice, sizeof dice);
    for (int tries = 0; tries < 200; tries++) {
        const int span = (PORT_HIGH - PORT_LOW) / PORTS_OF_AN_INSTANCE;
        const int first =
            PORT_LOW + (int) ((dice + (uint32_t) tries) % (uint32_t) span) * PORTS_OF_AN_INSTANCE;
        int port = first;
        while (port < first + 12 && port_is_free(port))
            port++;
        if (port == first + 12)
            return first;
    }
    fail_msg("no free ports");
    return 0;
}

static char *
read_all(FILE *file)
{
    char *text = NULL, bytes[4096];
    size_t size, got;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    while ((got = fread(bytes, 1, sizeof bytes, file)) > 0)
        (void) fwrite(bytes, 1, got, out);
    (void) fclose(out);
    return text;
}

char *
hz(const struct platform *p, int *status, const char *words)
{
    char command[COMMAND_BYTES];

    const int made =
        snprintf(command, sizeof command, "%s/deploy/hz --data %s --bin %s/bin %s 2>>%s/hz.log",
                 HUZHU_SOURCE_DIR, p->data, HUZHU_BINARY_DIR, words, p->root);
    assert_true(made > 0 && made < (int) sizeof command);
    FILE *pipe = popen(command, "re");
    assert_non_null(pipe);
    char *said = read_all(pipe);
    const int ended = pclose(pipe);
    if (status)
        *status = WEXITSTATUS(ended);
    else if (ended != 0)
        fail_msg("hz %s: status %d: %s", words, WEXITSTATUS(ended), said);
    return said;
}

static void
print_file(const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat found;

    (void) snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    if (fstat(fileno(file), &found) == 0 && found.st_size > 1500)
        (void) fseek(file, -1500, SEEK_END);
    char *text = read_all(file);
    (void) fprintf(stderr, "--- %s\n%s\n", path, text);
    free(text);
    (void) fclose(file);
}

static void
print_logs(const struct platform *p)
{
    char folder[PLATFORM_PATH_BYTES + 8];
    const struct dirent *entry;

    (void) snprintf(folder, sizeof folder, "%s/log", p->data);
    print_file(p->root, "hz.log");
    DIR *logs = opendir(folder);
    while (logs && (entry = readdir(logs))) {
        if (entry->d_name[0] != '.')
            print_file(folder, entry->d_name);
    }
    if (logs)
        (void) closedir(logs);
}

/* The settings files are there before the first `hz up` reads them. */
static void
write_settings(const struct platform *p, const char *settings)
{
    char path[PLATFORM_PATH_BYTES + 64], kind[32], row[512];

    (void) snprintf(path, sizeof path, "%s/settings", p->data);
    assert_int_equal(mkdir(p->data, 0755), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    while (settings && sscanf(settings, "%31s %511s", kind, row) == 2) {
        (void) snprintf(path, sizeof path, "%s/settings/%s", p->data, kind);
        FILE *file = fopen(path, "ae");
        assert_non_null(file);
        (void) fprintf(file, "%s\n", row);
        assert_int_equal(fclose(file), 0);
        settings = strchr(settings, '\n');
        settings = settings ? settings + 1 : NULL;
    }
}

/* A folder and a run of ports that are nobody's. */
static struct platform *
place(const char *settings)
{
    struct platform *p = calloc(1, sizeof *p);

    assert_non_null(p);
    (void) snprintf(p->root, sizeof p->root, "/tmp/hzt-XXXXXX");
    assert_non_null(mkdtemp(p->root));
    assert_int_equal(chmod(p->root, 0755), 0); /* the platform's user passes through */
    (void) snprintf(p->data, sizeof p->data, "%s/i", p->root);
    p->port = free_ports();
    (void) snprintf(p->url, sizeof p->url, "https://localhost:%d", p->port);
    write_settings(p, settings);
    return p;
}

static void
begin(struct platform *p, const char *words)
{
    const int64_t begun_us = clock_monotonic_us();
    int status;

    free(hz(p, &status, words));
    p->up_ms = (clock_monotonic_us() - begun_us) / 1000;
    if (status != 0) {
        print_logs(p);
        free(hz(p, &status, "down"));
        fail_msg("hz %s failed; its data stays in %s", words, p->data);
    }
}

static struct platform *
up(int brokers, const char *settings, const char *further)
{
    struct platform *p = place(settings);
    char words[128];

    (void) snprintf(words, sizeof words, "up --no-build --port %d --brokers %d%s", p->port,
                    brokers ? brokers : 2, further);
    begin(p, words);
    return p;
}

struct platform *
platform_demo(const char *further)
{
    struct platform *p = place(NULL);
    char words[128];

    (void) snprintf(words, sizeof words, "demo --no-build --port %d %s", p->port, further);
    begin(p, words);
    return p;
}

struct platform *
platform_up(int brokers, const char *settings)
{
    return up(brokers, settings, "");
}

struct platform *
platform_rehearsal(int brokers, const char *settings)
{
    return up(brokers, settings, " --rehearsal");
}

static int
count_lines_with(const char *path, const char *word, const char *other)
{
    char *line = NULL;
    size_t room = 0;
    int count = 0;
    FILE *file = fopen(path, "re");

    while (file && getline(&line, &room, file) >= 0)
        count += strstr(line, word) && strstr(line, other);
    free(line);
    if (file)
        (void) fclose(file);
    return count;
}

/* Sanitizers speak in the logs of processes whose exit nobody looks at. */
static int
sanitizer_lines(const struct platform *p)
{
    char path[PATH_MAX];
    const struct dirent *entry;
    int count = 0;

    (void) snprintf(path, sizeof path, "%s/log", p->data);
    DIR *logs = opendir(path);
    while (logs && (entry = readdir(logs))) {
        (void) snprintf(path, sizeof path, "%s/log/%s", p->data, entry->d_name);
        count += count_lines_with(path, "Sanitizer", "ERROR");
        count += count_lines_with(path, "runtime error:", "");
    }
    if (logs)
        (void) closedir(logs);
    return count;
}

void
platform_down(struct platform *p)
{
    char path[PLATFORM_PATH_BYTES + 32], command[PLATFORM_PATH_BYTES + 32];

    invariants_hold(p);
    free(hz(p, NULL, "down"));
    (void) snprintf(path, sizeof path, "%s/log/supervise.log", p->data);
    const int died = count_lines_with(path, "process.ended", "\"asked\":\"no\"");
    const int spoke = sanitizer_lines(p);
    if (died > p->deaths_allowed || spoke > 0 || getenv("HUZHU_TEST_KEEP"))
        print_logs(p);
    assert_in_range(died, 0, p->deaths_allowed);
    assert_int_equal(spoke, 0);
    if (!getenv("HUZHU_TEST_KEEP")) {
        (void) snprintf(command, sizeof command, "rm -rf %s", p->root);
        assert_int_equal(system(command), 0);
    }
    free(p);
}

static void
tell(const struct platform *p, const char *verb, const char *process)
{
    char words[96];

    (void) snprintf(words, sizeof words, "%s %s", verb, process);
    free(hz(p, NULL, words));
}

void
restarts(const struct platform *p, const char *process)
{
    tell(p, "restart", process);
}

void
stops(const struct platform *p, const char *process)
{
    tell(p, "stop", process);
}

void
starts(const struct platform *p, const char *process)
{
    tell(p, "start", process);
}

static char *
ask_supervisor(const struct platform *p, const char *words)
{
    char command[COMMAND_BYTES];

    (void) snprintf(command, sizeof command, "%s/bin/huzhu-supervise --ask %s/run/supervise %s",
                    p->data, p->data, words);
    FILE *pipe = popen(command, "re");
    assert_non_null(pipe);
    char *said = read_all(pipe);
    assert_int_equal(pclose(pipe), 0);
    return said;
}

void
kills(struct platform *p, const char *process)
{
    char words[64];

    p->deaths_allowed++;
    (void) snprintf(words, sizeof words, "signal %s KILL", process);
    free(ask_supervisor(p, words));
}

int
pid_of(const struct platform *p, const char *process)
{
    char *said = ask_supervisor(p, "status");
    char line[64], state[16] = "";
    int pid = 0;

    (void) snprintf(line, sizeof line, "\n%s ", process);
    const char *at = strstr(said, line);
    assert_non_null(at);
    assert_int_equal(sscanf(at + strlen(line), "%15s %d", state, &pid), 2);
    free(said);
    return strcmp(state, "up") == 0 ? pid : 0;
}

int64_t
counts(const struct platform *p, const char *sql)
{
    char words[COMMAND_BYTES - 512];
    char *end;

    (void) snprintf(words, sizeof words, "psql -At -v ON_ERROR_STOP=1 -c \"%s\"", sql);
    char *said = hz(p, NULL, words);
    const int64_t value = strtoll(said, &end, 10);
    if (end == said || (*end != '\n' && *end))
        fail_msg("%s: not a number: %s", sql, said);
    free(said);
    return value;
}

/* The evidence too: audit rebuilds its Merkle logs from their records and compares. */
static void
the_evidence_holds(const struct platform *p)
{
    int status;
    char *said = hz(p, &status, "run audit verify");

    if (status != 0)
        fail_msg("huzhu-audit verify: status %d: %s", status, said);
    free(said);
}

void
invariants_hold(const struct platform *p)
{
    const char *folder = HUZHU_SOURCE_DIR "/tests/invariants";
    char words[PATH_MAX + 64];
    const struct dirent *entry;
    DIR *files = opendir(folder);

    while (files && (entry = readdir(files))) {
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".sql") != 0)
            continue;
        (void) snprintf(words, sizeof words, "psql -At -v ON_ERROR_STOP=1 -f - <%s/%s", folder,
                        entry->d_name);
        char *rows = hz(p, NULL, words);
        if (rows[0])
            fail_msg("%s is broken:\n%s", entry->d_name, rows);
        free(rows);
    }
    if (files)
        (void) closedir(files);
    the_evidence_holds(p);
}
