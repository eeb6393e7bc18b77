/* See thread.h. */
#include "broker/edge/thread.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/text.h"

enum { LOOK_MS = 10 /* while it drains: how often it looks whether it is done */ };

struct edge_thread {
	const struct edge_work *work;
	void *arg;
	uv_loop_t loop;
	uv_async_t async; /* how the main thread calls */
	uv_timer_t look;
	pthread_t thread;
	bool started;
	atomic_bool drain, fail, stop, done;
	bool draining, failing, stopping; /* what of these the thread has seen */
};

static void on_look(uv_timer_t *timer)
{
	struct edge_thread *t = timer->data;

	t->done = t->work->done(t->arg);
}

static void begin_to_look(struct edge_thread *t)
{
	uv_timer_start(&t->look, on_look, 0, LOOK_MS);
}

static void close_handles(void *arg)
{
	struct edge_thread *t = arg;

	uv_close((uv_handle_t *)&t->look, NULL);
	uv_close((uv_handle_t *)&t->async, NULL);
}

static void on_call(uv_async_t *a)
{
	struct edge_thread *t = a->data;

	if (t->drain && !t->draining) {
		t->draining = true;
		t->work->drain(t->arg);
		begin_to_look(t);
	}
	if (t->fail && !t->failing) {
		t->failing = true;
		t->work->fail(t->arg);
		begin_to_look(t);
	}
	if (t->stop && !t->stopping) {
		t->stopping = true;
		uv_timer_stop(&t->look); /* what it looks at goes */
		t->work->close(t->arg, close_handles, t);
	}
}

static void call(struct edge_thread *t, atomic_bool *what)
{
	*what = true;
	uv_async_send(&t->async);
}

static void *run(void *arg)
{
	struct edge_thread *t = arg;

	uv_run(&t->loop, UV_RUN_DEFAULT);
	return NULL;
}

struct edge_thread *edge_thread_new(const struct edge_work *work, void *arg, char err[EDGE_THREAD_ERR])
{
	struct edge_thread *t = calloc(1, sizeof *t);
	int status;

	must(t != NULL);
	t->work = work;
	t->arg = arg;
	status = uv_loop_init(&t->loop);
	if (status != 0)
		goto err_free;
	status = uv_async_init(&t->loop, &t->async, on_call);
	if (status != 0)
		goto err_loop;
	uv_timer_init(&t->loop, &t->look); /* cannot fail */
	t->async.data = t->look.data = t;
	return t;

err_loop:
	uv_loop_close(&t->loop);
err_free:
	text_format(err, EDGE_THREAD_ERR, "the %s edge cannot begin: %s", work->name, uv_strerror(status));
	free(t);
	return NULL;
}

uv_loop_t *edge_thread_loop(struct edge_thread *t)
{
	return &t->loop;
}

int edge_thread_start(struct edge_thread *t, char err[EDGE_THREAD_ERR])
{
	if (pthread_create(&t->thread, NULL, run, t) != 0) {
		text_format(err, EDGE_THREAD_ERR, "the %s edge has no thread", t->work->name);
		return -1;
	}
	t->started = true;
	return 0;
}

void edge_thread_drain(struct edge_thread *t)
{
	call(t, &t->drain);
}

void edge_thread_fail(struct edge_thread *t)
{
	call(t, &t->fail);
}

bool edge_thread_done(const struct edge_thread *t)
{
	return t->done;
}

void edge_thread_free(struct edge_thread *t)
{
	if (t == NULL)
		return;
	t->stop = true;
	if (t->started) {
		uv_async_send(&t->async);
		pthread_join(t->thread, NULL);
	} else {
		on_call(&t->async);
		uv_run(&t->loop, UV_RUN_DEFAULT);
	}
	must(uv_loop_close(&t->loop) == 0);
	free(t);
}
