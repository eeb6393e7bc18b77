/* The requests that the broker has not answered yet. Each has a number; together they span at most
 * LIMIT_CLIENT_REQUESTS numbers, the window within which the broker can tell a retry from a new request.
 * A SUBMIT keeps its payloads and is encoded whenever it leaves, since what it says about earlier answers
 * changes, and so does a PUBLISH; any other request is kept as a frame. Memory of answered requests is used again. */
#ifndef SHEAF_CLIENT_REQUESTS_H
#define SHEAF_CLIENT_REQUESTS_H

#include "base/buf.h"
#include "client/session.h"
#include "proto/limits.h"

enum request_state {
	REQUEST_GATHERING, /* a SUBMIT that takes more jobs; without a number */
	REQUEST_READY,     /* to be sent */
	REQUEST_SENT,      /* to be answered */
	REQUEST_HELD       /* refused for the moment: ready again at due_ms */
};

struct posted {
	uint64_t tag;
	uint32_t length; /* of the payload */
};

struct request {
	enum request_state state;
	uint32_t kind; /* enum msg_kind */
	uint64_t number;
	uint64_t call;
	bool again;       /* an earlier sending may have been taken */
	uint32_t refused; /* how often it was held */
	uint64_t due_ms;
	uint64_t pings; /* that had been sent when it was */
	/* a SUBMIT's: */
	char queue[LIMIT_QUEUE_NAME];
	struct csession_policy policy; /* queue, headers and terms point into this request */
	struct buf headers;
	struct msg_terms terms;
	uint64_t after[LIMIT_AFTER];
	struct buf words;    /* the texts of the terms */
	struct posted *jobs; /* owned, jobs_cap of them */
	uint32_t n_jobs;
	uint32_t n_ended; /* of these, the ones whose answer has been handed out */
	uint32_t jobs_cap;
	/* a PUBLISH's: */
	char topic[LIMIT_NAME];
	size_t topic_n;
	uint64_t defer_ms;
	uint32_t count; /* and parts of a SUBMIT_ALL */
	uint32_t sub;   /* a SUBSCRIBE's or UNSUBSCRIBE's */
	/* payloads one behind the other; packed messages; or the frame of any other kind */
	struct buf bytes;
	struct request *next_free;
};

struct requests {
	struct request *v[LIMIT_CLIENT_REQUESTS]; /* by number; NULL: answered, or never used. Owned */
	uint64_t first;                           /* no lower number is unanswered */
	uint64_t next;                            /* the next to be given */
	uint64_t unsent;                          /* no lower number is ready */
	uint64_t held_ms;                         /* not later than the first due_ms of those held; UINT64_MAX = none */
	uint64_t jobs;                            /* posted ones without an answer, the gathered ones included */
	uint64_t payload_bytes;                   /* of these */
	struct request *free;                     /* owned */
	uint32_t n_free;
};

void requests_init(struct requests *q);
void requests_fini(struct requests *q);

/* How many numbers can be given now. */
static inline uint64_t requests_left(const struct requests *q)
{
	return LIMIT_CLIENT_REQUESTS - (q->next - q->first);
}

/* Makes a PUBLISH of the `count` packed messages that are in r->bytes. */
void requests_set_publish(struct requests *q, struct request *r, struct span topic, uint64_t defer_ms, uint32_t count);

/* Encodes a SUBMIT_ALL, which is not done again when it leaves: that it knows of fewer answers than it might does no
 * harm. */
void requests_set_all(struct requests *q, struct request *r, const struct msg_submit_all *all);

/* Whether the message makes sense as the answer to a SUBMIT_ALL. */
bool request_answers_all(const struct request *r, const struct msg *m);

static inline struct request *requests_find(const struct requests *q, uint64_t number)
{
	if (number < q->first || number >= q->next)
		return NULL;
	return q->v[number % LIMIT_CLIENT_REQUESTS];
}

/* A blank request that gathers; it is to be numbered or released. */
struct request *requests_new(struct requests *q, uint32_t kind, uint64_t call);
/* Gives it its number and makes it ready; requests_left() > 0. */
void requests_number(struct requests *q, struct request *r);
/* It is answered or given up: its memory goes back, its number is free once no older one is open. */
void requests_release(struct requests *q, struct request *r);

/* A numbered request is to be sent again at `due_ms`, or at once for 0. */
void requests_retry(struct requests *q, struct request *r, uint64_t due_ms);
/* Makes ready what was held until now. */
void requests_due(struct requests *q, uint64_t now_ms);
/* The lowest ready request, or NULL. */
struct request *requests_ready(struct requests *q);

/* Sets what the jobs of a SUBMIT have in common. */
void request_set_policy(struct request *r, const struct csession_policy *p);
bool request_same_policy(const struct request *r, const struct csession_policy *p);
/* Whether the terms keep the protocol's limits. */
bool request_good_terms(const struct msg_terms *t);
/* Whether a SUBMIT of this policy carries one job only: one with a key, or a race. */
static inline bool request_for_one(const struct csession_policy *p)
{
	return p->terms && (p->terms->key.n > 0 || p->terms->replicas > 0);
}
void requests_add_job(struct requests *q, struct request *r, struct span payload, uint64_t tag);

/* The frame of a numbered request, made in `out` for a SUBMIT or PUBLISH; valid until the request or `out` changes. */
struct span requests_frame(const struct requests *q, struct request *r, const struct msg_header *h, struct buf *out);

#endif
