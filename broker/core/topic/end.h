/* The end of topics and channels, and their emptying. Facts and names go at once; what they hold goes in slices through
 * the ticks, and they deliver nothing meanwhile. */
#ifndef SHEAF_CORE_TOPIC_END_H
#define SHEAF_CORE_TOPIC_END_H

#include "broker/core/state.h"

/* Deletes it: nobody finds it any more. Its consumers are told. If it was the last one of an ephemeral topic, that ends
 * as well. */
void channel_end(struct core *c, struct channel *ch);
void topic_end(struct core *c, struct topic *t);

/* All that it has now is gone: it begins anew with what comes. */
void channel_empty(struct core *c, struct channel *ch);
/* What no channel has seen is gone. */
void topic_empty(struct core *c, struct topic *t);

/* Goes on with what is being emptied or deleted. */
void end_slice(struct core *c);
bool end_pending(const struct core *c);

#endif
