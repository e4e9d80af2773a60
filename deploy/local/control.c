/* control.c - what an operator or a test may ask of a running supervisor, over a unix socket.
 *
 * One line in, an answer out, the connection ends.  `stop`, `restart` and `quit` answer when it is
 * done, so that a caller never has to sleep.  Who may open the socket (mode 0600) may ask. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervise.h"

static bool
address_of(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    return snprintf(address->sun_path, sizeof address->sun_path, "%s", path) <
           (int) sizeof address->sun_path;
}

err_t
control_open(struct control *control, const char *path, struct err *err)
{
    struct sockaddr_un address;

    for (size_t i = 0; i < CLIENTS_MAX; i++)
        control->clients[i].fd = -1;
    control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (control->fd < 0 || !address_of(path, &address))
        return err_set(err, ERR_INVALID, "supervise.control",
                       "%s: the path of a socket has at "
                       "most 107 bytes",
                       path);
    (void) unlink(path); /* the lock file has told that nobody listens there */
    const mode_t before = umask(0177);
    const int bound = bind(control->fd, (const struct sockaddr *) &address, sizeof address);
    (void) umask(before);
    if (bound != 0 || listen(control->fd, CLIENTS_MAX) != 0)
        return err_set(err, ERR_UNAVAILABLE, "supervise.control", "could not listen at %s: %s",
                       path, strerror(errno));
    return ERR_OK;
}

void
control_close(struct control *control, const char *path)
{
    (void) unlink(path);
    if (control->fd >= 0)
        (void) close(control->fd);
    control->fd = -1;
}

void
control_accept(struct control *control)
{
    const int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
        return;
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &control->clients[i];
        if (client->fd < 0) {
            *client = (struct client){ .fd = fd, .wait = WAIT_LINE };
            return;
        }
    }
    (void) close(fd);
}

static void
answer(struct client *client, const char *text)
{
    (void) send(client->fd, text, strlen(text), MSG_NOSIGNAL);
    (void) close(client->fd);
    client->fd = -1;
}

/* Applies `verb` to one process; the answer may come later. */
static void
ask_process(struct supervisor *s, struct client *client, const char *verb, struct process *process)
{
    (void) snprintf(client->name, sizeof client->name, "%s", process->name);
    if (strcmp(verb, "start") == 0) {
        process->failures = 0;
        if (process->state == PROCESS_WAITING)
            process->due_us = 0;
        process_start(process, s->table);
        client->wait = WAIT_UP;
    } else if (strcmp(verb, "stop") == 0) {
        process_stop(process);
        client->wait = WAIT_DOWN;
    } else {
        process_stop(process);
        process_start(process, s->table); /* is wanted again: comes back when it has ended */
        client->wait = WAIT_UP;
    }
}

static void
ask_all(struct supervisor *s, struct client *client)
{
    for (int rank = 0; rank <= RANK_MAX; rank++) {
        for (size_t i = 0; i < s->table->count; i++) {
            if (s->table->processes[i]->rank == rank)
                process_start(s->table->processes[i], s->table);
        }
    }
    client->name[0] = '\0';
    client->wait = WAIT_UP;
}

static void
ask_signal(struct supervisor *s, struct client *client, const char *name, const char *signal_name)
{
    const struct process *process = table_find(s->table, name);
    const int number = signal_by_name(signal_name);

    if (!process || number == 0 || process->pid == 0)
        return answer(client, "error: no such process, or it is not running, or no such signal\n");
    answer(client, kill(process->pid, number) == 0 ? "ok\n" : "error: it could not be signalled\n");
}

static void
answer_status(const struct supervisor *s, struct client *client)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return answer(client, "error: no memory\n");
    (void) fputs("ok\n", out);
    supervisor_status(s, out);
    (void) fclose(out);
    answer(client, text ? text : "error: no memory\n");
    free(text);
}

static void
obey(struct supervisor *s, struct client *client)
{
    char *save = NULL;
    const char *verb = strtok_r(client->line, " \n", &save);
    const char *name = strtok_r(NULL, " \n", &save), *more = strtok_r(NULL, " \n", &save);
    struct err err = { 0 };

    if (!verb)
        return answer(client, "error: an empty line\n");
    if (strcmp(verb, "status") == 0)
        return answer_status(s, client);
    if (strcmp(verb, "quit") == 0) {
        s->quitting = true;
        client->wait = WAIT_QUIT;
        return;
    }
    if (s->quitting)
        return answer(client, "error: it is shutting down\n");
    if (strcmp(verb, "reload") == 0)
        return answer(client,
                      supervisor_reload(s, &err) == ERR_OK ? "ok\n" : "error: see the log\n");
    if (strcmp(verb, "signal") == 0 && name && more)
        return ask_signal(s, client, name, more);
    if (strcmp(verb, "start") == 0 && name && strcmp(name, "all") == 0)
        return ask_all(s, client);
    struct process *process = name ? table_find(s->table, name) : NULL;
    if (!process)
        return answer(client, "error: no such process\n");
    if (strcmp(verb, "start") != 0 && strcmp(verb, "stop") != 0 && strcmp(verb, "restart") != 0)
        return answer(client, "error: status, start, stop, restart NAME; start all; signal NAME "
                              "SIGNAL; reload; quit\n");
    ask_process(s, client, verb, process);
}

void
control_read(struct supervisor *s, struct client *client)
{
    const size_t room = sizeof client->line - 1 - client->used;
    const ssize_t got = recv(client->fd, client->line + client->used, room, 0);

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got <= 0 || room == 0) {
        (void) close(client->fd);
        client->fd = -1;
        return;
    }
    client->used += (size_t) got;
    client->line[client->used] = '\0';
    if (client->wait == WAIT_LINE && strchr(client->line, '\n'))
        obey(s, client);
}

static bool
is_reached(const struct supervisor *s, const struct client *client)
{
    bool reached = true;

    for (size_t i = 0; i < s->table->count; i++) {
        const struct process *process = s->table->processes[i];
        if (client->name[0] && strcmp(client->name, process->name) != 0)
            continue;
        if (client->wait == WAIT_UP)
            reached = reached && process->state == PROCESS_UP;
        else
            reached = reached && process->state == PROCESS_DOWN;
    }
    return reached;
}

void
control_tick(struct supervisor *s)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &s->control.clients[i];
        if (client->fd >= 0 && client->wait != WAIT_LINE && is_reached(s, client))
            answer(client, "ok\n");
    }
}

int
control_send(const char *path, int count, char **words)
{
    struct sockaddr_un address;
    char bytes[4096];
    ssize_t got;
    bool first = true, ok = false;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || !address_of(path, &address) ||
        connect(fd, (const struct sockaddr *) &address, sizeof address) != 0) {
        (void) fprintf(stderr, "no supervisor answers at %s\n", path);
        if (fd >= 0)
            (void) close(fd);
        return 3;
    }
    for (int i = 0; i < count; i++)
        (void) dprintf(fd, "%s%c", words[i], i + 1 < count ? ' ' : '\n');
    while ((got = read(fd, bytes, sizeof bytes)) > 0) {
        if (first)
            ok = got >= 2 && memcmp(bytes, "ok", 2) == 0;
        first = false;
        (void) fwrite(bytes, 1, (size_t) got, ok ? stdout : stderr);
    }
    (void) close(fd);
    return ok ? 0 : 1;
}
