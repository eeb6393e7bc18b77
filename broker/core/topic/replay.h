/* From facts to state: what is known of topics; see fact.h for the rules, and broker/core/replay.h. */
#ifndef SHEAF_CORE_TOPIC_REPLAY_H
#define SHEAF_CORE_TOPIC_REPLAY_H

#include "broker/core/fact.h"
#include "broker/core/state.h"

/* Makes one of the facts about topics true. False: it makes no sense. */
MUST_CHECK bool replay_topic(struct core *c, uint64_t facts_at, const struct fact *f);

/* After the last block: drops what has no name, puts parcels in line, and counts. */
void replay_topics_finish(struct core *c);

#endif
