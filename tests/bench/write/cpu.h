/* cpu.h - CPU time of processes, from /proc: what a request costs when the cores are full. */
#ifndef HUZHU_BENCH_CPU_H
#define HUZHU_BENCH_CPU_H

#include <sys/types.h>

/* Seconds of user and system time of all threads of a process; 0 when there is none. */
double cpu_of(pid_t pid);
/* Those of the children that it has waited for. */
double cpu_of_waited(pid_t pid);
/* Those of all its children: a server's backends are living ones, and then waited for. */
double cpu_of_children(pid_t pid);

#endif
