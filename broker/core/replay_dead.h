/* From facts about dead letters to state: a part of replay.c. False: the fact makes no sense. */
#ifndef SHEAF_CORE_REPLAY_DEAD_H
#define SHEAF_CORE_REPLAY_DEAD_H

#include "broker/core/state.h"

/* Body of JOBS_REDRIVE. */
MUST_CHECK bool replay_redrive(struct core *c, struct span rest);

/* Body of JOBS_FORGOTTEN. */
MUST_CHECK bool replay_forgotten(struct core *c, struct span rest);

#endif
