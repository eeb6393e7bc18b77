/* An HTTP server (libmicrohttpd) in a libuv loop: HTTP/1.1 with keep-alive, chunked bodies, Expect: 100-continue, and
 * TLS by GnuTLS. A request is handed over whole; its answer may come at once or later. */
#ifndef SHEAF_NSQ_HTTP_H
#define SHEAF_NSQ_HTTP_H

#include <uv.h>

#include "base/must.h"
#include "base/span.h"

struct http;
struct http_call;

#define LIMIT_HTTP_HEAD   (32 * 1024) /* bytes of a request's line and headers */
#define DEFAULT_HTTP_IDLE 60          /* seconds without a byte, then a connection is closed */
enum { HTTP_ERR = 512 };

struct http_request {
	const char *method;
	struct span path;   /* as it came, percent signs and all */
	struct span query;  /* behind the question mark, raw; empty if there is none */
	struct span body;   /* empty if it was not wanted or is too big */
	bool too_big;       /* it was longer than body_bound() said */
	const char *remote; /* the peer's IP address */
	const char *secret; /* of Authorization: Bearer SECRET, or NULL */
	bool tls;
};

struct http_reply {
	unsigned status;
	const char *type; /* Content-Type; NULL = none */
	struct span body;
	const char *allow; /* the Allow header, or NULL */
	bool plain;        /* without X-NSQ-Content-Type */
};

struct http_calls {
	/* Bytes of the request's body that are wanted, at most; 0: none, whatever comes is dropped. `head` is the
	 * request without its body. */
	size_t (*body_bound)(void *arg, const struct http_request *head);
	/* http_answer is to be called for it, once; the request lives until then. */
	void (*request)(void *arg, struct http_call *call, const struct http_request *request);
};

enum http_clients { HTTP_CLIENTS_ANY, HTTP_CLIENTS_REQUIRE, HTTP_CLIENTS_VERIFY };

struct http_options {
	const char *address; /* IP address; port 0: any free one */
	uint16_t port;
	uint32_t connections; /* at once */
	uint64_t bodies;      /* bytes of bodies in memory, of all requests; who goes beyond it is closed */
	uint32_t idle_s;      /* 0 = DEFAULT_HTTP_IDLE */
	const char *cert;     /* PEM files; NULL = plain HTTP */
	const char *key;
	const char *ca; /* of the clients, or NULL */
	enum http_clients clients;
	bool least_tls13; /* refuse TLS 1.2 */
};

/* Listens. NULL with a sentence in err. `calls` outlives it. */
MUST_CHECK struct http *http_open(uv_loop_t *loop, const struct http_options *o, const struct http_calls *calls,
                                  void *arg, char err[HTTP_ERR]);

uint16_t http_port(const struct http *h);

/* The reply's spans are copied. If the client is gone nothing happens. */
void http_answer(struct http_call *call, const struct http_reply *reply);

/* Takes no more connections and requests. Calls that wait are still to be answered, or given up by http_close. */
void http_drain(struct http *h);

/* Gives up the calls that wait: http_answer may not be called for them any more. `closed` is called when the loop has
 * nothing of it any more. */
void http_close(struct http *h, void (*closed)(void *arg), void *arg);

#endif
