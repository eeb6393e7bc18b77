/* What ends at once with all that it has: in a replay, and when the broker goes down. Live deletions go in slices. */
#ifndef SHEAF_CORE_TOPIC_GONE_H
#define SHEAF_CORE_TOPIC_GONE_H

#include "broker/core/state.h"

/* The run, for every channel. */
void run_gone(struct core *c, struct run *r);
/* It has no consumers. */
void channel_gone(struct core *c, struct channel *ch);
void topic_gone(struct core *c, struct topic *t);

#endif
