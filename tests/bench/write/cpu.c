/* cpu.c - /proc/PID/stat (proc(5)): parent and the four times. */
#include "cpu.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stat_line {
    long parent;
    double own_s, waited_s;
};

static bool
read_stat(pid_t pid, struct stat_line *line)
{
    char path[64], text[1024];
    unsigned long user = 0, system = 0, child_user = 0, child_system = 0;
    const double ticks = (double) sysconf(_SC_CLK_TCK);

    (void) snprintf(path, sizeof path, "/proc/%d/stat", (int) pid);
    FILE *in = fopen(path, "r");
    if (!in)
        return false;
    const size_t size = fread(text, 1, sizeof text - 1, in);
    (void) fclose(in);
    text[size] = '\0';
    const char *rest = strrchr(text, ')'); /* the name may hold anything */
    if (!rest || sscanf(rest + 1, " %*c %ld %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu",
                        &line->parent, &user, &system, &child_user, &child_system) != 5)
        return false;
    line->own_s = (double) (user + system) / ticks;
    line->waited_s = (double) (child_user + child_system) / ticks;
    return true;
}

double
cpu_of(pid_t pid)
{
    struct stat_line line;

    return read_stat(pid, &line) ? line.own_s : 0;
}

double
cpu_of_waited(pid_t pid)
{
    struct stat_line line;

    return read_stat(pid, &line) ? line.waited_s : 0;
}

double
cpu_of_children(pid_t pid)
{
    struct stat_line line;
    double sum = cpu_of_waited(pid);
    DIR *all = opendir("/proc");

    for (const struct dirent *entry; all && (entry = readdir(all));) {
        const long number = strtol(entry->d_name, NULL, 10);
        if (number > 0 && read_stat((pid_t) number, &line) && line.parent == pid)
            sum += line.own_s + line.waited_s;
    }
    if (all)
        (void) closedir(all);
    return sum;
}
