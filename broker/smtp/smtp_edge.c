/* See smtp_edge.h. */
#include "broker/smtp/smtp_edge.h"

#include <stdlib.h>

#include "broker/edge/thread.h"
#include "broker/smtp/parts.h"

/* The broker lives in the same process: it is silent only while it is busy. */
#define BEAT_MS 2000

static_assert((int)SMTP_EDGE_ERR == (int)SMTP_PARTS_ERR && (int)SMTP_EDGE_STATS == (int)SMTP_PARTS_STATS &&
                  (int)SMTP_EDGE_ERR == (int)EDGE_THREAD_ERR,
              "what parts say has room");

struct smtp_edge {
	struct edge_thread *thread;
	struct smtp_parts *parts; /* NULL = they could not begin */
};

static void drain(void *arg)
{
	struct smtp_edge *e = arg;

	smtp_parts_drain(e->parts, false);
}

static void fail(void *arg)
{
	struct smtp_edge *e = arg;

	smtp_parts_fail(e->parts);
}

static bool done(void *arg)
{
	struct smtp_edge *e = arg;

	return smtp_parts_done(e->parts);
}

static void close_parts(void *arg, void (*closed)(void *closed_arg), void *closed_arg)
{
	struct smtp_edge *e = arg;

	if (e->parts != NULL)
		smtp_parts_close(e->parts, closed, closed_arg);
	else
		closed(closed_arg);
}

static const struct edge_work work = {
	.name = "mail", .drain = drain, .fail = fail, .done = done, .close = close_parts
};

struct smtp_edge *smtp_edge_open(const struct smtp_config *c, char err[SMTP_EDGE_ERR])
{
	struct smtp_edge *e = calloc(1, sizeof *e);

	must(e != NULL);
	e->thread = edge_thread_new(&work, e, err);
	if (e->thread != NULL)
		e->parts = smtp_parts_open(edge_thread_loop(e->thread), c, "smtp-", err);
	if (e->parts != NULL)
		return e;
	smtp_edge_free(e);
	return NULL;
}

int smtp_edge_start(struct smtp_edge *e, void *zmq_context, const char *endpoint, char err[SMTP_EDGE_ERR])
{
	const struct link_setup link = {
		.name = "smtp", .endpoint = endpoint, .context = zmq_context, .beat_ms = BEAT_MS
	};

	if (smtp_parts_start(e->parts, &link, err) != 0)
		return -1;
	return edge_thread_start(e->thread, err);
}

const char *smtp_edge_addresses(const struct smtp_edge *e)
{
	return smtp_parts_addresses(e->parts);
}

uint32_t smtp_edge_stats(const struct smtp_edge *e, struct msg_stat_rec to[SMTP_EDGE_STATS])
{
	return smtp_parts_stats(e->parts, to);
}

void smtp_edge_drain(struct smtp_edge *e)
{
	edge_thread_drain(e->thread);
}

void smtp_edge_fail(struct smtp_edge *e)
{
	edge_thread_fail(e->thread);
}

bool smtp_edge_done(const struct smtp_edge *e)
{
	return edge_thread_done(e->thread);
}

void smtp_edge_free(struct smtp_edge *e)
{
	if (e == NULL)
		return;
	edge_thread_free(e->thread);
	free(e);
}
