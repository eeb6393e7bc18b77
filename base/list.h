/* An intrusive doubly linked list. A node sits in at most one list; a node that is in none points at
 * itself. The list never owns its nodes. */
#ifndef SHEAF_BASE_LIST_H
#define SHEAF_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next; /* first node of a head, successor of a node */
	struct list *prev; /* last node of a head, predecessor of a node */
};

/* The struct that holds the node `ptr` as its field `field`. */
#define list_item(ptr, type, field) ((type *)(void *)((char *)(ptr)-offsetof(type, field)))

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_insert(struct list *node, struct list *prev, struct list *next)
{
	node->prev = prev;
	node->next = next;
	prev->next = node;
	next->prev = node;
}

static inline void list_push_back(struct list *head, struct list *node)
{
	list_insert(node, head->prev, head);
}

static inline void list_push_front(struct list *head, struct list *node)
{
	list_insert(node, head, head->next);
}

static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

#endif
