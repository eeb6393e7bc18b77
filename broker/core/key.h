/* Idempotency keys: the first submit with a key of a queue makes a job, every repeat within the queue's window is
 * answered with that job's id, whatever has become of it. A key is a fact, so it outlives crashes, its job, and the
 * segment of the log that it was written in: its bytes are charged to that segment, and the mover takes it along. */
#ifndef SHEAF_CORE_KEY_H
#define SHEAF_CORE_KEY_H

#include "broker/core/fact.h"
#include "broker/core/state.h"

/* The id that this key of the queue stands for, or 0. */
uint64_t key_find(const struct core *c, const struct queue *q, struct span key);

/* Whether one more key can be remembered, when `here` more of the queue are to be remembered already and `all` in all;
 * q NULL: for a queue that is not there yet. */
bool key_room(const struct core *c, const struct queue *q, uint32_t here, uint32_t all);

struct key_fact {
	struct fact_key f;
	uint64_t at; /* of its body, counted from the first fact */
};

/* Writes the fact of a new key into the step's block; key_add makes it true once the block has its place. */
struct key_fact key_write(struct core *c, const struct queue *q, struct span key, uint64_t id);

/* Makes it true; `at` is the position of the fact's body. What the key stood for before is forgotten. */
void key_add(struct core *c, struct queue *q, const struct fact_key *f, uint64_t at);

/* The key whose fact has its body at this position, if it is still needed; else NULL. For the mover. */
struct key *key_at(const struct core *c, const struct fact_key *f, uint64_t at);
/* Its fact was written again there. */
void key_moved(struct core *c, struct key *k, uint64_t at);

/* Forgets keys whose window is over, at most STEP_WORK. They say so themselves: no fact is needed. */
void key_expire(struct core *c);
/* Core time at which key_expire has something to do; UINT64_MAX = none. */
uint64_t key_deadline(const struct core *c);

/* Forgets up to `most` keys of a queue. */
void key_drop(struct core *c, struct queue *q, uint32_t most);

/* Bytes of the log that it needs. */
uint64_t key_log_bytes(const struct key *k);

#endif
