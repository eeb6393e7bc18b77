/* What an attached worker says of itself: beats, with the jobs that run and the messages that never came,
 * and jobs that it gives back. */
#ifndef SHEAF_CORE_BEAT_H
#define SHEAF_CORE_BEAT_H

#include "broker/core/state.h"

void beat_take(struct core *c, struct worker *w, const struct msg *m);
void beat_return(struct core *c, struct worker *w, const struct msg *m);

/* Leases that have become old are facts from now on; before the turn is committed. */
void beat_young(struct core *c);

/* Core time at which beat_young has something to do; UINT64_MAX = none. */
uint64_t beat_young_deadline(const struct core *c);

/* Orphans that nobody has claimed in time go back to ready; before the turn is committed. */
void beat_orphans(struct core *c);

#endif
