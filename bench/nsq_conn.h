/* A connection that speaks NSQ's TCP protocol as a client, and the loop that waits for many of them. Setting up is
 * blocking, everything after it is not. */
#ifndef SHEAF_BENCH_NSQ_CONN_H
#define SHEAF_BENCH_NSQ_CONN_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

#include "base/buf.h"

enum { FRAME_RESPONSE = 0, FRAME_ERROR = 1, FRAME_MESSAGE = 2 };
enum { MESSAGE_HEAD = 26, MESSAGE_ID = 16, MESSAGE_ID_AT = 10 }; /* time, attempts, id; then the body */

struct conn;

struct conn_calls {
	/* A message: `n` bytes from its time on, at least MESSAGE_HEAD. */
	void (*message)(struct conn *c, const uint8_t *data, size_t n);
	/* A response or an error; heartbeats are answered before and never come here. */
	void (*response)(struct conn *c, uint32_t type, const uint8_t *data, size_t n);
	/* All that had come has been told; or there is room to write again. */
	void (*turn)(struct conn *c);
	/* The server has closed it or it broke. */
	void (*closed)(struct conn *c, const char *why);
};

struct conn {
	int fd; /* -1: closed */
	const struct conn_calls *calls;
	void *arg;
	struct loop *loop;
	bool waits_to_write; /* epoll tells when there is room */
	bool midway;         /* its owner has written a part of something: what is in `out` waits until it is whole */
	struct buf in;       /* what has come; [at, n) is not told yet */
	size_t at;
	size_t chunk;    /* bytes that are read at a time */
	bool subscribes; /* SUB has been sent */
	struct buf out;  /* what could not be written yet begins at out_at */
	size_t out_at;
};

struct loop {
	int epoll;
	bool stop;
};

void loop_init(struct loop *l);
void loop_fini(struct loop *l);
/* Waits at most timeout_ms (-1: for ever) and tells each connection what came. */
void loop_turn(struct loop *l, int timeout_ms);
/* The same to the microsecond. */
void loop_turn_ns(struct loop *l, uint64_t timeout_ns);

/* Connects and sends IDENTIFY; the process ends with a message if that fails. chunk: see struct conn. */
void conn_open(struct conn *c, struct loop *l, const char *host, const char *port, size_t chunk,
               const struct conn_calls *calls, void *arg);
/* Sends SUB. Before conn_await. */
void conn_subscribe(struct conn *c, const char *topic, const char *channel);
/* Waits for the answers; the process ends with a message if one is a refusal. Where there are many connections, open
 * some hundred before they are awaited: their answers come together. */
void conn_await(struct conn *c);
/* From here on the connection does not block and its calls come. */
void conn_start(struct conn *c);
void conn_close(struct conn *c);

/* Adds to what is written at the next conn_flush. */
static inline uint8_t *conn_room(struct conn *c, size_t n)
{
	return buf_room(&c->out, n);
}

void conn_put_text(struct conn *c, const char *text);
/* Writes as much as the socket takes; the rest when there is room. */
void conn_flush(struct conn *c);
/* Writes from the caller's own memory. How many bytes were taken; 0: none, `turn` comes when there is room. Nothing
 * may wait in `out`: flush it before. */
size_t conn_write(struct conn *c, const struct iovec *v, int n);

static inline uint32_t be_get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return be32toh(v);
}

static inline void be_put32(uint8_t *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof v);
}

#endif
