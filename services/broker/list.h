/* list.h - a doubly linked ring inside the things it holds: O(1) to leave from anywhere.  A node
 * that is in no list points to itself. */
#ifndef HUZHU_BROKER_LIST_H
#define HUZHU_BROKER_LIST_H

#include "base/base.h"

struct node {
    struct node *next, *before;
};

#define NODE_OF(node, type, member) ((type *) (void *) ((char *) (node) -offsetof(type, member)))

static inline void
list_init(struct node *list)
{
    list->next = list->before = list;
}
static inline bool
list_is_empty(const struct node *list)
{
    return list->next == list;
}
static inline void
list_leave(struct node *node)
{
    node->before->next = node->next;
    node->next->before = node->before;
    list_init(node);
}
static inline void
list_append(struct node *list, struct node *node)
{
    node->before = list->before;
    node->next = list;
    list->before->next = node;
    list->before = node;
}
static inline void
list_prepend(struct node *list, struct node *node)
{
    list_append(list->next, node);
}

#endif
