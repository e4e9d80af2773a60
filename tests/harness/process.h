/* process.h - our programs as processes of a test: they die with it. */
#ifndef HUZHU_TEST_PROCESS_H
#define HUZHU_TEST_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* Settings of the processes to come: our own environment. */
void setting(const char *name, const char *value);
void no_setting(const char *name);

/* Starts build/.../bin/NAME VERB; what it prints goes to FOLDER/NAME. */
pid_t program_start(const char *folder, const char *name, const char *verb);
/* Waits for the end; 128 + signal when it was killed. */
int program_status(pid_t pid);
int program_run(const char *folder, const char *name, const char *verb);
/* Sends the signal and waits; -1 when there was nobody. */
int program_end(pid_t pid, int signal_number);
bool program_exists(const char *name);

#endif
