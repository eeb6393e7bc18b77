/* See smtp_edge.h. */
#include "broker/smtp/smtp_edge.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/text.h"
#include "broker/smtp/parts.h"

/* The broker lives in the same process: it is silent only while it is busy. */
#define BEAT_MS 2000

enum { LOOK_MS = 10 /* while it drains: how often it looks whether it is done */ };

static_assert((int)SMTP_EDGE_ERR == (int)SMTP_PARTS_ERR && (int)SMTP_EDGE_STATS == (int)SMTP_PARTS_STATS,
              "what parts say has room");

struct smtp_edge {
	uv_loop_t loop;
	uv_async_t async; /* how the main thread calls */
	uv_timer_t look;
	struct smtp_parts *parts;
	pthread_t thread;
	bool started;
	atomic_bool drain, fail, stop, done;
	bool draining, failing, stopping; /* what of these the thread has seen */
};

static void on_look(uv_timer_t *t)
{
	struct smtp_edge *e = t->data;

	e->done = smtp_parts_done(e->parts);
}

static void begin_to_look(struct smtp_edge *e)
{
	uv_timer_start(&e->look, on_look, 0, LOOK_MS);
}

static void close_handles(void *arg)
{
	struct smtp_edge *e = arg;

	uv_close((uv_handle_t *)&e->look, NULL);
	uv_close((uv_handle_t *)&e->async, NULL);
}

static void on_call(uv_async_t *a)
{
	struct smtp_edge *e = a->data;

	if (e->drain && !e->draining) {
		e->draining = true;
		smtp_parts_drain(e->parts, false);
		begin_to_look(e);
	}
	if (e->fail && !e->failing) {
		e->failing = true;
		smtp_parts_fail(e->parts);
		begin_to_look(e);
	}
	if (e->stop && !e->stopping) {
		e->stopping = true;
		uv_timer_stop(&e->look); /* what it looks at goes */
		if (e->parts != NULL)
			smtp_parts_close(e->parts, close_handles, e);
		else
			close_handles(e);
	}
}

static void call(struct smtp_edge *e, atomic_bool *what)
{
	*what = true;
	uv_async_send(&e->async);
}

static void *run(void *arg)
{
	struct smtp_edge *e = arg;

	uv_run(&e->loop, UV_RUN_DEFAULT);
	return NULL;
}

/* ---- the beginning ---- */

struct smtp_edge *smtp_edge_open(const struct smtp_config *c, char err[SMTP_EDGE_ERR])
{
	struct smtp_edge *e = calloc(1, sizeof *e);
	int status;

	must(e != NULL);
	status = uv_loop_init(&e->loop);
	if (status != 0)
		goto err_free;
	status = uv_async_init(&e->loop, &e->async, on_call);
	if (status != 0)
		goto err_loop;
	uv_timer_init(&e->loop, &e->look); /* cannot fail */
	e->async.data = e->look.data = e;
	e->parts = smtp_parts_open(&e->loop, c, "smtp-", err);
	if (e->parts != NULL)
		return e;
	smtp_edge_free(e);
	return NULL;

err_loop:
	uv_loop_close(&e->loop);
err_free:
	text_format(err, SMTP_EDGE_ERR, "the mail edge cannot begin: %s", uv_strerror(status));
	free(e);
	return NULL;
}

int smtp_edge_start(struct smtp_edge *e, void *zmq_context, const char *endpoint, char err[SMTP_EDGE_ERR])
{
	const struct link_setup link = {
		.name = "smtp", .endpoint = endpoint, .context = zmq_context, .beat_ms = BEAT_MS
	};

	if (smtp_parts_start(e->parts, &link, err) != 0)
		return -1;
	if (pthread_create(&e->thread, NULL, run, e) != 0) {
		text_format(err, SMTP_EDGE_ERR, "the mail edge has no thread");
		return -1;
	}
	e->started = true;
	return 0;
}

const char *smtp_edge_addresses(const struct smtp_edge *e)
{
	return smtp_parts_addresses(e->parts);
}

uint32_t smtp_edge_stats(const struct smtp_edge *e, struct msg_stat_rec to[SMTP_EDGE_STATS])
{
	return smtp_parts_stats(e->parts, to);
}

/* ---- the end ---- */

void smtp_edge_drain(struct smtp_edge *e)
{
	call(e, &e->drain);
}

void smtp_edge_fail(struct smtp_edge *e)
{
	call(e, &e->fail);
}

bool smtp_edge_done(const struct smtp_edge *e)
{
	return e->done;
}

void smtp_edge_free(struct smtp_edge *e)
{
	if (e == NULL)
		return;
	e->stop = true;
	if (e->started) {
		uv_async_send(&e->async);
		pthread_join(e->thread, NULL);
	} else {
		on_call(&e->async);
		uv_run(&e->loop, UV_RUN_DEFAULT);
	}
	must(uv_loop_close(&e->loop) == 0);
	free(e);
}
