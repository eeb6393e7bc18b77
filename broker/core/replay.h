/* From facts to state: what core_replay and core_start are made of. */
#ifndef SHEAF_CORE_REPLAY_H
#define SHEAF_CORE_REPLAY_H

#include "broker/core/fact.h"
#include "broker/core/state.h"

/* Makes one block's facts true. False with *why. */
MUST_CHECK bool replay_block(struct core *c, uint64_t position, struct span facts, const char **why);

/* After the last block: puts ready jobs in line in the order of ids, starts timers, drops what has no name. */
void replay_finish(struct core *c, uint64_t tail, uint64_t head);

/* For replay.c, in replay_state.c: one fact each. False: it makes no sense. */
MUST_CHECK bool replay_batch(struct core *c, struct span body);
MUST_CHECK bool replay_batch_gone(struct core *c, struct span body);
MUST_CHECK bool replay_session(struct core *c, struct span body);
MUST_CHECK bool replay_answer(struct core *c, struct span body);
MUST_CHECK bool replay_key(struct core *c, uint64_t facts_at, const struct fact *fact);
/* The batch with this id, made if its own fact was trimmed; NULL for 0. */
struct batch *replay_batch_at(struct core *c, uint64_t id);

#endif
