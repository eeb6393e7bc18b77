/* The mover's part about messages; see broker/core/trim.h. */
#ifndef SHEAF_CORE_TOPIC_MOVE_H
#define SHEAF_CORE_TOPIC_MOVE_H

#include "broker/core/fact.h"
#include "broker/core/state.h"

/* A run that is being written again, and where its bytes stand in the new block's facts. */
struct moved_run {
	struct run *run;
	uint64_t at;
	uint32_t overhead;
};

/* Writes those runs of a MESSAGES_PUT fact again that are still needed, with what each channel knows of them: behind
 * the n that are in v already, as many as v (`most`) and the block have room for. Returns how many are in v then;
 * core.trim.left says that some were left. */
uint32_t move_messages(struct core *c, uint64_t facts_at, const struct fact *f, struct moved_run *v, uint32_t n,
                       uint32_t most);

#endif
