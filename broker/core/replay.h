/* From facts to state: what core_replay and core_start are made of. */
#ifndef SHEAF_CORE_REPLAY_H
#define SHEAF_CORE_REPLAY_H

#include "broker/core/state.h"

/* Makes one block's facts true. False with *why. */
MUST_CHECK bool replay_block(struct core *c, uint64_t position, struct span facts, const char **why);

/* After the last block: puts ready jobs in line in the order of ids, starts timers, drops what has no name. */
void replay_finish(struct core *c, uint64_t tail, uint64_t head);

#endif
