/* HTTP requests of ours, by libcurl, in a libuv loop: to auth servers and to nsqlookupds. */
#ifndef SHEAF_NSQ_FETCH_H
#define SHEAF_NSQ_FETCH_H

#include <uv.h>

#include "base/must.h"
#include "base/span.h"

struct fetch;
struct fetch_call;

/* NULL if libcurl cannot begin. */
MUST_CHECK struct fetch *fetch_open(uv_loop_t *loop);

/* Ends what goes on, without an answer; the loop has to turn until `closed` is called. */
void fetch_close(struct fetch *f, void (*closed)(void *arg), void *arg);

struct fetch_request {
	const char *url;        /* http:// or https:// */
	const char *headers[4]; /* "Name: value", up to a NULL */
	struct span post;       /* sent by POST; p NULL: GET */
	uint64_t connect_ms;    /* bounds, 0 = none */
	uint64_t total_ms;
	size_t most; /* bytes of the answer; a longer one is an error */
};

/* status: of HTTP, with the answer's body; 0 if there was none in time, and `error` says why. */
typedef void (*fetch_answer)(void *arg, unsigned status, struct span body, const char *error);

/* All of `r` is copied. `answer` is called once, later, never from within. */
struct fetch_call *fetch_start(struct fetch *f, const struct fetch_request *r, fetch_answer answer, void *arg);

/* No answer comes any more. Returns its arg. */
void *fetch_cancel(struct fetch_call *c);

#endif
