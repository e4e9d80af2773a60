/* session.c - sets of a hash table, made when first needed, under a lock each few share. */
#include "session.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* 2048 sessions of 1.3 KiB, made when first used: more people than are busy within 30 s at 100
 * requests a second. */
enum { WAYS = 8, SETS = 256, LOCKS = 16 };

struct sessions {
    pthread_mutex_t locks[LOCKS];
    struct session *sets[SETS];
    int64_t until_us; /* atomic */
};

struct sessions *
sessions_create(void)
{
    struct sessions *sessions = calloc(1, sizeof *sessions);

    for (int i = 0; sessions && i < LOCKS; i++)
        (void) pthread_mutex_init(&sessions->locks[i], NULL);
    return sessions;
}

void
sessions_destroy(struct sessions *sessions)
{
    if (!sessions)
        return;
    for (int i = 0; i < SETS; i++) {
        if (sessions->sets[i])
            explicit_bzero(sessions->sets[i], WAYS * sizeof *sessions->sets[i]);
        free(sessions->sets[i]);
    }
    for (int i = 0; i < LOCKS; i++)
        (void) pthread_mutex_destroy(&sessions->locks[i]);
    free(sessions);
}

/* The hash is uniform already. */
static size_t
set_of(const uint8_t hash[static 32])
{
    return hash[0] % SETS;
}

bool
sessions_get(struct sessions *sessions, const uint8_t token_hash[static 32], int64_t now_us,
             struct session *session)
{
    pthread_mutex_t *lock = &sessions->locks[set_of(token_hash) % LOCKS];
    bool found = false;

    (void) pthread_mutex_lock(lock);
    const struct session *set = sessions->sets[set_of(token_hash)];
    for (int i = 0; set && i < WAYS && !found; i++) {
        found = set[i].until_us > now_us && memcmp(set[i].token_hash, token_hash, 32) == 0;
        if (found)
            *session = set[i];
    }
    (void) pthread_mutex_unlock(lock);
    return found;
}

void
sessions_put(struct sessions *sessions, const struct session *session)
{
    const size_t number = set_of(session->token_hash);
    pthread_mutex_t *lock = &sessions->locks[number % LOCKS];

    if (session->until_us > sessions_until(sessions)) /* two at once: either will do */
        __atomic_store_n(&sessions->until_us, session->until_us, __ATOMIC_RELAXED);
    (void) pthread_mutex_lock(lock);
    struct session *set = sessions->sets[number];
    if (!set)
        set = sessions->sets[number] = calloc(WAYS, sizeof *set);
    struct session *place = set;
    for (int i = 0; set && i < WAYS; i++) {
        if (memcmp(set[i].token_hash, session->token_hash, 32) == 0) {
            place = &set[i];
            break;
        }
        if (set[i].until_us < place->until_us)
            place = &set[i];
    }
    if (place)
        *place = *session;
    (void) pthread_mutex_unlock(lock);
}

void
sessions_drop(struct sessions *sessions, const uint8_t token_hash[static 32])
{
    pthread_mutex_t *lock = &sessions->locks[set_of(token_hash) % LOCKS];

    (void) pthread_mutex_lock(lock);
    struct session *set = sessions->sets[set_of(token_hash)];
    for (int i = 0; set && i < WAYS; i++)
        if (memcmp(set[i].token_hash, token_hash, 32) == 0)
            explicit_bzero(&set[i], sizeof set[i]);
    (void) pthread_mutex_unlock(lock);
}

int64_t
sessions_until(const struct sessions *sessions)
{
    return __atomic_load_n(&sessions->until_us, __ATOMIC_RELAXED);
}

void
sessions_drop_account(struct sessions *sessions, const uint8_t account[16], int64_t before_us)
{
    for (size_t number = 0; number < SETS; number++) {
        pthread_mutex_t *lock = &sessions->locks[number % LOCKS];

        (void) pthread_mutex_lock(lock);
        struct session *set = sessions->sets[number];
        for (int i = 0; set && i < WAYS; i++)
            if (set[i].read_us < before_us &&
                (!account || memcmp(set[i].account, account, sizeof set[i].account) == 0))
                explicit_bzero(&set[i], sizeof set[i]);
        (void) pthread_mutex_unlock(lock);
    }
}
