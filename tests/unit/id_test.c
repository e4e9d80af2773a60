/* id_test.c - that no two ids are the same: of one thread, of several, and of a forked process. */
#include "test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "id/id.h"

enum { IDS = 20000, THREADS = 4 };

static int
by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct id));
}

static void
assert_distinct(struct id *ids, size_t count)
{
    qsort(ids, count, sizeof *ids, by_bytes);
    for (size_t i = 1; i < count; i++)
        assert_int_not_equal(id_cmp(ids[i - 1], ids[i]), 0);
}

static void *
mint(void *arg)
{
    struct id *ids = arg;

    for (size_t i = 0; i < IDS; i++)
        ids[i] = id_mint((instant_t){ 1000 }); /* one instant: the random bits alone differ */
    return NULL;
}

static void
threads_mint_different_ids(void **state)
{
    (void) state;
    static struct id ids[THREADS * IDS];
    pthread_t threads[THREADS];

    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, mint, &ids[i * IDS]), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_distinct(ids, COUNT(ids));
}

/* The counter and the milliseconds are the same in parent and child; what is drawn is not. */
static void
a_forked_process_mints_other_ids(void **state)
{
    (void) state;
    enum { EACH = 100 };
    struct id ids[3 * EACH];
    int fds[2];

    (void) id_mint((instant_t){ 1000 }); /* something is drawn and left over */
    for (size_t child = 0; child < 2; child++) {
        assert_int_equal(pipe(fds), 0);
        const pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            for (size_t i = 0; i < EACH; i++)
                ids[i] = id_mint((instant_t){ 1000 });
            _exit(write(fds[1], ids, EACH * sizeof *ids) == (ssize_t) (EACH * sizeof *ids) ? 0 : 1);
        }
        int status = -1;
        assert_int_equal(read(fds[0], &ids[child * EACH], EACH * sizeof *ids), EACH * sizeof *ids);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        (void) close(fds[0]);
        (void) close(fds[1]);
    }
    for (size_t i = 0; i < EACH; i++)
        ids[2 * EACH + i] = id_mint((instant_t){ 1000 });
    assert_distinct(ids, COUNT(ids));
}

/* Each of the 62 random bits is one in about half of all ids. */
static void
every_random_bit_varies(void **state)
{
    (void) state;
    int ones[64] = { 0 };

    for (int i = 0; i < IDS; i++) {
        const struct id id = id_mint((instant_t){ 1000 });
        for (int bit = 2; bit < 64; bit++)
            ones[bit] += id.bytes[8 + bit / 8] >> (7 - bit % 8) & 1;
    }
    for (int bit = 2; bit < 64; bit++)
        assert_in_range(ones[bit], IDS * 45 / 100, IDS * 55 / 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_mint_different_ids),
        cmocka_unit_test(a_forked_process_mints_other_ids),
        cmocka_unit_test(every_random_bit_varies),
    };
    return cmocka_run_group_tests_name("unit/id", tests, NULL, NULL);
}
