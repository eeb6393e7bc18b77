/* Giving the log's beginning back. The log is trimmed by prefix only, and only when nothing below is needed:
 * no job's bytes (counted per segment), and no small state, which is why a preamble (every queue, batch
 * and client session as it is) is written behind before. When live bytes hold an old segment while the log
 * has grown out of proportion, the mover writes them again at the head.
 * Jobs that share a payload are charged with a part of it each; those that are left when others have ended are charged
 * with too little until they are moved, which comes the sooner for it.
 * Bound: disk ≤ 3 × live bytes + 4 segments. */
#ifndef SHEAF_CORE_TRIM_H
#define SHEAF_CORE_TRIM_H

#include "broker/core/state.h"

/* Counts bytes at a position as needed, or no longer. */
void trim_charge(struct core *c, uint64_t at, uint64_t bytes);
void trim_discharge(struct core *c, uint64_t at, uint64_t bytes);

/* The log's head has moved. */
void trim_set_head(struct core *c, uint64_t head);

/* After a replay: the log begins at `tail`, which may be before its first intact block. */
void trim_set_tail(struct core *c, uint64_t tail);

/* The log has no room for another submit of that many bytes. */
bool trim_full(const struct core *c, uint64_t bytes);

/* Core time at which trim_tick has something to do: now, or UINT64_MAX. */
uint64_t trim_deadline(const struct core *c);

/* A slice of what is due; writes facts, so before the turn is committed. */
void trim_tick(struct core *c);

/* EV_MOVE: writes what is live of this block again; a step of its own. */
void trim_move(struct core *c, uint64_t position, struct span facts);
/* EV_MOVED. */
void trim_moved(struct core *c, uint64_t base);

#endif
