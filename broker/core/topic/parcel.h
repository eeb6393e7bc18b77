/* Parcels: what a channel's cursor has passed and is not finished. See state.h for the states and their containers.
 *
 *   the cursor passes ──► in hand ──► finished: parcel_finish
 *        │                 ▲   │
 *        │ not due yet     │   ├── comes back ──► waiting ──► in hand
 *        └──► deferred ────┼───┴── after a while ──► deferred ── its time ──► waiting
 *                          └── attempts spent ──► dying ──► finished, and published in the dead-letter topic
 */
#ifndef SHEAF_CORE_TOPIC_PARCEL_H
#define SHEAF_CORE_TOPIC_PARCEL_H

#include "broker/core/state.h"

/* Messages of the run that the channel has passed just now, in no state yet: one of the functions below comes next. */
struct parcel *parcel_new(struct core *c, struct channel *ch, struct run *r, uint64_t mask, uint32_t attempts);

/* A parcel of its own for some of its messages, with the same history and out of its container, in no state. It is the
 * parcel itself if it has no others. */
struct parcel *parcel_split(struct core *c, struct parcel *p, uint64_t mask);

/* Delivered to this consumer, one attempt more; until so many ms from now. */
void parcel_hand(struct core *c, struct parcel *p, struct consumer *cn, uint64_t token);
/* Back in line: at the tail; for an ordered channel at the front. */
void parcel_wait(struct core *c, struct parcel *p);
/* Not before this time by the wall clock. */
void parcel_defer(struct core *c, struct parcel *p, uint64_t due_ms);
/* Its attempts are spent. */
void parcel_die(struct core *c, struct parcel *p);
/* As it has come back: deferred if that time is not over, else in line, or dying if its attempts are spent. */
void parcel_back(struct core *c, struct parcel *p, uint64_t due_ms);

/* These messages of it are over, whatever its state; without any it is freed, and its run, if nothing else needs it. */
void parcel_finish(struct core *c, struct parcel *p, uint64_t mask);

/* The next parcel of this channel behind `after` (NULL: the first one) in the run's list, or NULL. */
struct parcel *parcel_of(const struct run *r, const struct channel *ch, const struct parcel *after);

static inline uint32_t mask_count(uint64_t mask)
{
	return (uint32_t)__builtin_popcountll(mask);
}

/* Bits of the places from..from+n-1. */
static inline uint64_t mask_of(uint32_t from, uint32_t n)
{
	return (n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1) << from;
}

/* The n lowest ones of the mask. */
static inline uint64_t mask_first(uint64_t mask, uint32_t n)
{
	uint64_t rest = mask;

	for (uint32_t i = 0; i < n && rest != 0; i++)
		rest &= rest - 1;
	return mask & ~rest;
}

/* A parcel in hand: one of its messages was touched, or split off. Sets its timer to the first of its times. */
void parcel_retime(struct core *c, struct parcel *p);

void parcels_fini(struct core *c);

#endif
