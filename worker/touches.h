/* What the handlers of running jobs have said: the leases that have a time of their own, which begins anew with each
 * touch, and what is to be told to the broker of it. A table for the few jobs that run; those whose handlers say
 * nothing and whose leases the beats keep are not in it. Part of the session machine: no clock, no I/O. */
#ifndef SHEAF_WORKER_TOUCHES_H
#define SHEAF_WORKER_TOUCHES_H

#include <stdbool.h>

#include "base/must.h"
#include "proto/msg.h"

enum { TOUCH_WINDOW_MS = 100 }; /* the broker hears of one job at most so often, and four times in its lease */

/* One job. */
struct touched {
	uint64_t id;
	uint64_t token;
	uint64_t lease_ms; /* 0 = the beats keep it */
	uint64_t deadline; /* of its lease; UINT64_MAX = none, or it is over */
	uint64_t say_at;   /* when the broker is to be told; UINT64_MAX = it has been */
	uint64_t said_at;
	uint32_t percent;
	uint32_t n; /* bytes of text */
	char text[LIMIT_PROGRESS_TEXT];
};

struct touches {
	struct touched *v; /* owned */
	uint32_t n, cap;
	uint64_t deadline; /* nothing is due before: of all leases, and of all that is to be said */
	uint64_t say_at;
};

void touches_init(struct touches *t);
void touches_fini(struct touches *t);

/* The handler of a job with a lease of its own has begun. */
void touches_begin(struct touches *t, const struct lease_name *name, uint64_t lease_ms, uint64_t now_ms);
/* The handler has said something: percent or PERCENT_UNKNOWN, text or nothing. A mere touch leaves what it said
 * before. */
void touches_note(struct touches *t, const struct lease_name *name, uint32_t percent, struct span text,
                  uint64_t now_ms);
/* The job is not in our hands any more. */
void touches_forget(struct touches *t, uint64_t token);
/* We have been standing still: nobody else pays for that. */
void touches_shift(struct touches *t, uint64_t by_ms);
/* Another session with the broker: all is said again. */
void touches_say_again(struct touches *t, uint64_t now_ms);

/* The next lease that has run out, once; NULL if there is none. Valid until the next call. */
const struct touched *touches_expired(struct touches *t, uint64_t now_ms);
/* What is to be told now, at most `most` records; their texts are valid until the next call. */
uint32_t touches_due(struct touches *t, uint64_t now_ms, struct msg_progress_rec *v, uint32_t most);

#endif
