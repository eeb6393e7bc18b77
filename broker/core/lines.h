/* How a queue's ready jobs stand in line: the structs; order.h has what is done with them.
 *
 *   queue ─► tenants, who take turns ─► a level for each priority, 9 first ─► its line, what came back, its groups
 *
 * Jobs without a tenant are those of the queue's own tenant, which is part of the queue. A queue that knows neither
 * tenants nor groups has nothing else, and costs nothing more. */
#ifndef SHEAF_CORE_LINES_H
#define SHEAF_CORE_LINES_H

#include <uthash.h>

#include "base/heap.h"
#include "base/list.h"
#include "proto/limits.h"

#define PRIORITIES (LIMIT_PRIORITY + 1)
#define TENANT_KEY (2 + LIMIT_NAME)

struct queue;

/* Jobs in the order of their ids: those that were never in anybody's hands in a list, to which new ones are added at
 * its end; the others in a heap. */
struct line {
	struct list fresh; /* struct job.in.link */
	struct heap back;  /* struct side.line */
};

/* What a tenant has of one priority. */
struct level {
	struct line line;
	struct heap groups; /* struct group.place: groups whose first job may be granted, by its id */
};

struct tenant {
	struct queue *queue;
	struct level *level[PRIORITIES]; /* owned, but for the queue's own tenant; NULL until there is a job for it */
	uint16_t mask;                   /* levels with something to grant */
	uint8_t since_low;               /* grants since a lower priority had its turn */
	bool ahead;                      /* it waits in queue.ahead, not in queue.turns */
	uint64_t turn;                   /* the round in which it is served next */
	uint32_t refs;                   /* policies and lanes */
	struct list link;                /* in queue.ahead or queue.turns while it has something to grant */
	struct list all;                 /* in queue.tenants */
	struct list away;                /* in core.away while nothing refers to it */
	uint32_t seen;                   /* by the purge of this number */
	UT_hash_handle hh;               /* in core.by_tenant; not the queue's own */
	uint8_t n_key;
	uint8_t key[TENANT_KEY]; /* index of the queue, name */
};

/* A group: its jobs run one at a time, in the order of their ids, whatever their priorities. */
struct group {
	struct heap_item place; /* in a level's groups, unless a job of it is held or there is none */
	uint8_t priority;       /* of that level */
	uint8_t n_key;
	uint32_t held; /* jobs that run, or wait for their next attempt: 0 or 1 */
	uint32_t refs; /* policies */
	struct line line;
	struct tenant *tenant;
	struct list all; /* in queue.groups */
	uint32_t seen;   /* by the purge of this number */
	UT_hash_handle hh;
	uint8_t key[]; /* in core.by_group: as the tenant's, 0, name of the group */
};

#endif
