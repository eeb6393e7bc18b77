/* Channels: the cursor, and whether there is something to deliver. topic.h has how they are found and made. */
#ifndef SHEAF_CORE_TOPIC_CHANNEL_H
#define SHEAF_CORE_TOPIC_CHANNEL_H

#include "broker/core/state.h"

/* Gives it a name, as in a replay, that it had not. */
void channel_name(struct core *c, struct channel *ch, struct span name);

/* Whether facts are written about it: not if it or its topic is ephemeral, nor once it is being deleted. */
static inline bool channel_durable(const struct channel *ch)
{
	return !ch->ephemeral && !ch->topic->ephemeral && !ch->doomed && !ch->topic->doomed;
}

/* Writes it as it is now into the step's block, if it is durable. */
void channel_fact(struct core *c, const struct channel *ch);

/* Messages that it has not given to anybody and may: the cursor's, without what is in parcels. */
static inline uint64_t channel_backlog(const struct channel *ch)
{
	return ch->topic->passed_n - ch->passed;
}

/* The cursor's run, if the topic has passed it. */
static inline struct run *channel_run(const struct channel *ch)
{
	return ch->cursor != NULL && ch->cursor->number < ch->topic->passed ? ch->cursor : NULL;
}

/* Puts the cursor to the beginning of a run, or to the end (NULL); `passed` is the caller's. */
void channel_place(struct core *c, struct channel *ch, struct run *r);

/* The cursor passes the next n messages of its run; returns their mask. They are finished unless the caller makes a
 * parcel of them: before the cursor leaves the run nothing else may look at it. */
uint64_t channel_pass(struct core *c, struct channel *ch, uint32_t n);

/* The cursor passes everything below this number, which goes into parcels: waiting, or deferred if it is not due. For
 * a replay, which learns of deliveries by what came of them. */
void channel_advance(struct core *c, struct channel *ch, uint64_t number);

/* The cursor passes runs that are not due, which go into deferred parcels; some of them. */
void channel_defer(struct core *c, struct channel *ch);

/* The topic has passed messages on to it: defers what is not due, and drops the oldest of an ephemeral channel that
 * holds too many. */
void channel_came(struct core *c, struct channel *ch);

/* It may have something to deliver now. */
void channel_heat(struct core *c, struct channel *ch);
/* Whether it has, and somebody who may have it. */
bool channel_hot(const struct channel *ch);

/* Its first waiting parcel that may go, or NULL: what came back goes behind what was there then. */
struct parcel *channel_waiting(const struct channel *ch);

/* It has no consumers and no parcels. */
void channel_free(struct core *c, struct channel *ch);

#endif
