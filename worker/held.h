/* The jobs in a worker's hands, by token: a table with open addressing and a fixed size, for nothing may be
 * allocated per job. */
#ifndef SHEAF_WORKER_HELD_H
#define SHEAF_WORKER_HELD_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/limits.h"

struct held {
	uint64_t token; /* 0 = empty */
	uint64_t id;
	void *user;
	uint32_t bytes;
	bool handed; /* to the slots */
};

struct held_table {
	struct held *v; /* owned */
	uint32_t n;
};

enum { HELD_PLACES = 1 << 16 };
static_assert(LIMIT_HELD * 2 <= HELD_PLACES, "the table stays half empty");

void held_init(struct held_table *t);
void held_fini(struct held_table *t);
/* A new entry, or NULL if the table holds LIMIT_HELD or has this token. */
struct held *held_add(struct held_table *t, uint64_t token);
struct held *held_find(const struct held_table *t, uint64_t token);
void held_remove(struct held_table *t, struct held *h);

#endif
