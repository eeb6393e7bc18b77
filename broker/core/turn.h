/* One step's facts: gathered, placed in the log as one group, then made true. A handler writes facts of its
 * own to fx->block and names the jobs that end or go back; turn_commit writes the facts of those, places
 * the block, and carries them out. After that the step writes no more facts. */
#ifndef SHEAF_CORE_TURN_H
#define SHEAF_CORE_TURN_H

#include "broker/core/state.h"

/* Makes the turn and the effects empty. */
void turn_begin(struct core *c);

/* Room for that many more endings, handbacks, redrives and forgotten ones. */
bool turn_has_room(const struct core *c, uint32_t n);

/* The job ends in this step; its error and result are borrowed until the commit. The job is live and named
 * once per turn. */
void turn_end_job(struct core *c, const struct ending *e);

/* The running job goes back to ready, or waits a while, in this step; the texts of its attempt are borrowed until the
 * commit. */
void turn_back_job(struct core *c, const struct handback *h);

/* The dead letter is ready again, or forgotten, in this step. It is named once per turn; a redriven one has its
 * payload.
 */
void turn_redrive(struct core *c, struct job *j);
void turn_forget(struct core *c, struct job *j);

/* Bytes of facts gathered so far, endings included. */
uint64_t turn_bytes(const struct core *c);

/* Places the step's block; the positions of what it holds are known then. Returns the position of the
 * first fact's head. */
uint64_t turn_place(struct core *c);

/* Writes all that was named, places the block (unless it was), and carries them out. */
void turn_commit(struct core *c);

#endif
