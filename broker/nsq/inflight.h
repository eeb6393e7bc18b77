/* What a client has in its hands: parcels, each of messages of one run that were delivered together. A message is
 * found by its id; those that are finished gather in their parcel until somebody asks for them. Grows as needed, up to
 * INFLIGHT_PARCELS. */
#ifndef SHEAF_NSQ_INFLIGHT_H
#define SHEAF_NSQ_INFLIGHT_H

#include "base/must.h"
#include "proto/msg_topic.h"

enum { INFLIGHT_PARCELS = 2 * LIMIT_READY };

struct inflight_parcel {
	uint64_t run;
	uint64_t token;
	uint64_t mask;     /* messages in flight */
	uint64_t finished; /* not in `mask` any more, not yet taken by inflight_finished */
	uint32_t next;     /* in its chain, or of the free ones; place + 1, 0 = none */
	uint32_t dirty;    /* the next one with something in `finished`, likewise; itself = the last */
};

struct inflight {
	struct inflight_parcel *v; /* owned; places do not change */
	uint32_t *chains;          /* owned; as many as places, a power of two */
	uint32_t cap;
	uint32_t used;  /* places that were ever taken */
	uint32_t free;  /* first free one of these */
	uint32_t dirty; /* first with something in `finished` */
	uint32_t last;  /* where the last message was found */
	uint64_t n;     /* messages in flight */
};

void inflight_fini(struct inflight *f);

/* A delivery. False: no more is taken. */
MUST_CHECK bool inflight_add(struct inflight *f, uint64_t run, uint64_t token, uint64_t mask);

/* Whether the message is in flight. */
bool inflight_has(const struct inflight *f, uint64_t id);

/* Takes a message out as finished. False: it is not in flight. */
MUST_CHECK bool inflight_finish(struct inflight *f, uint64_t id);

/* A parcel with what of it was finished since the last call. False: there is none. */
struct inflight_settled {
	uint64_t run, token, mask;
};
MUST_CHECK bool inflight_finished(struct inflight *f, struct inflight_settled *out);

/* Finds the message's parcel, and takes the message out of it if `take`. False: it is not in flight. */
MUST_CHECK bool inflight_find(struct inflight *f, uint64_t id, bool take, struct inflight_settled *out);

/* The broker has taken these back. Returns how many of them were in flight. */
uint32_t inflight_gone(struct inflight *f, uint64_t run, uint64_t token, uint64_t mask);

/* All of them. */
void inflight_clear(struct inflight *f);

#endif
