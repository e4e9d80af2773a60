/* fuzz_replay - runs a fuzz target over every file of the folders and files it is given, so that
 * each test run replays what fuzzing once found. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay_file(const char *path)
{
    enum { INPUT_BYTES_MAX = 4 << 20 };
    uint8_t *data = malloc(INPUT_BYTES_MAX);
    FILE *file = fopen(path, "rb");

    if (!file || !data) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    const size_t size = fread(data, 1, INPUT_BYTES_MAX, file);
    (void) fclose(file);
    uint8_t *exact =
        malloc(size ? size : 1); /* its own block, so that a read behind the end is seen */
    for (size_t i = 0; i < size; i++)
        exact[i] = data[i];
    free(data);
    (void) LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 1;
}

static int
replay(const char *path)
{
    struct stat what;

    if (stat(path, &what) == 0 && !S_ISDIR(what.st_mode))
        return replay_file(path);
    DIR *dir = opendir(path);
    int count = 0;
    if (!dir) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char inner[4096];
        if (entry->d_name[0] == '.')
            continue;
        (void) snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        count += replay(inner);
    }
    (void) closedir(dir);
    return count;
}

int
main(int argc, char **argv)
{
    int count = 0;

    for (int i = 1; i < argc; i++)
        count += replay(argv[i]);
    printf("%d inputs replayed\n", count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE; /* an empty corpus is a mistake */
}
