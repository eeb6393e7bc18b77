/* What one step does to messages: facts about them gathered, to be written together when the step's block is placed,
 * and what the clients are told. The state may change at once, for the block is there whole or not at all; only what
 * has a place in the log waits for that: turn_commit calls step_write and step_apply. */
#ifndef SHEAF_CORE_TOPIC_STEP_H
#define SHEAF_CORE_TOPIC_STEP_H

#include "broker/core/state.h"

/* Room for n more of each: finished, back, told. */
bool step_room(const struct core *c, uint32_t n);

/* These messages are finished in this channel; no fact if the channel has none. */
void step_done(struct core *c, const struct channel *ch, const struct run *r, uint64_t mask);

/* This parcel has come back, with its attempts as they are, and waits until then (0: no longer). */
void step_back(struct core *c, const struct parcel *p, uint64_t due_ms, bool timed_out);

/* Tells the consumer's client that these are no longer in its hands. */
void step_gone(struct core *c, const struct consumer *cn, const struct msg_gone_rec *rec);
/* The same to a client without such a consumer. */
void step_stale(struct core *c, const struct client *cl, const struct msg_gone_rec *rec);

void step_begin(struct core *c);
/* Writes the facts. Nothing more is gathered then. */
void step_write(struct core *c);
/* The block is placed, its first fact at `base`: what was published is there. */
void step_apply(struct core *c, uint64_t base);
/* Says what is gone: at the end of the step. */
void step_tell(struct core *c);

void step_init(struct topic_step *s);
void step_fini(struct topic_step *s);

#endif
