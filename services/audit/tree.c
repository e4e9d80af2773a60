/* tree.c - sequencing is done in the transaction of the feed; here the tree catches up. */
#include "tree.h"

#include <string.h>

#include "fault/fault.h"
#include "state.h"
#include "store.h"

bool
tree_read(void *of_merkle, unsigned level, uint64_t index, merkle_hash_t *hash)
{
    struct tree *tree = of_merkle;
    bool found = false;

    if (level < COUNT(tree->last) && tree->last[level].known && tree->last[level].index == index) {
        *hash = tree->last[level].hash;
        return true;
    }
    if (node_get(tree->c, level, index, hash, &found) != ERR_OK) {
        tree->failed = true;
        return false;
    }
    return found;
}

static bool
tree_write(void *of_merkle, unsigned level, uint64_t index, merkle_hash_t hash)
{
    struct tree *tree = of_merkle;

    assert(level < COUNT(tree->last));
    tree->last[level].known = true;
    tree->last[level].index = index;
    tree->last[level].hash = hash;
    if (node_insert(tree->c, level, index, hash) == ERR_OK)
        return true;
    tree->failed = true;
    return false;
}

err_t
tree_error(const struct tree *tree)
{
    struct call *c = tree->c;

    if (tree->failed)
        return c->err.code;
    return err_set(&c->err, ERR_INTERNAL, TREE_TORN, "a stored node of the tree is missing");
}

static err_t
grow(struct tree *tree, const struct log_state *log, int64_t *size)
{
    const struct audit_conf *conf = tree->c->conf;
    merkle_hash_t *leaves = NULL;
    size_t count = 0;

    *size = log->integrated;
    if (log->next_seq == log->integrated)
        return ERR_OK;
    TRY(leaf_list(tree->c, log->integrated, conf->integrate_most, &leaves, &count));
    if (count == 0)
        return err_set(&tree->c->err, ERR_INTERNAL, TREE_TORN, "record %lld is missing",
                       (long long) log->integrated);
    for (size_t i = 0; i < count; i++, ++*size)
        if (!merkle_append((uint64_t) *size, leaves[i], tree_read, tree_write, tree))
            return tree_error(tree);
    return log_integrated(tree->c, *size);
}

/* One log: its row is locked, so feeds wait for the few milliseconds and replicas of this duty too.
 */
static err_t
integrate(struct call *c)
{
    struct tree tree = { .c = c };
    struct head head = { .at = c->wall };
    struct log_state log;

    TRY(log_lock(c, &log));
    TRY(grow(&tree, &log, &head.size));
    if (head.size == 0)
        return ERR_OK;
    if (!merkle_root((uint64_t) head.size, tree_read, &tree, &head.root))
        return tree_error(&tree);
    TRY(head_sign(c, &head));
    if (fault_hit("audit.head"))
        return err_set(&c->err, ERR_UNAVAILABLE, "db.away", "the database is away");
    return head_insert(c, &head);
}

err_t
audit_integrate(struct call *c)
{
    const struct audit_conf *conf = c->conf;
    const instant_t head_before = { c->wall.us - conf->head_every * 1000 };
    struct id *tenants = NULL;
    size_t count = 0;

    TRY(logs_waiting(c, head_before, &tenants, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(call_as_tenant(c, tenants[i]));
        if (log_is_torn(c))
            continue;
        const err_t code = integrate(c);
        /* The round is rolled back as a whole; the next one leaves this log out. */
        if (code != ERR_OK && strcmp(c->err.reason, TREE_TORN) == 0)
            log_mark_torn(c);
        TRY(code);
    }
    return ERR_OK;
}
