/* See io.h. */
#include "worker/io.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zmq.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/text.h"
#include "proto/codec.h"
#include "worker/discover.h"
#include "worker/link.h"
#include "worker/session.h"
#include "worker/slots.h"

enum { TURN_MESSAGES = 64, TURN_TASKS = 4096, POLL_MOST_MS = 500, SAY_MS = 5000, REST_MS = 4000, LINGER_MS = 1000 };

/* A received frame with the tasks that point into it. */
struct batch_frame {
	zmq_msg_t msg;
	uint32_t refs; /* tasks, and the turn that reads it */
};

struct io {
	const struct io_config *config;
	void *context, *control, *jobs, *results;
	struct discover *discover;
	char workers_at[LIMIT_ENDPOINT];
	struct wsession *session;
	struct slots *slots;
	struct msg_room *room;
	struct batch_frame *frame; /* whose jobs are being handed out */
	struct task *spare;
	uint64_t now;
	uint64_t silent_since; /* 0 = the broker is there */
	bool announced, said_silent, said_denied, put, dropped, stop, draining, at_once;
	int status;
};

/* What a person should see. */
__attribute__((format(printf, 2, 3))) static void say(const struct io *io, const char *format, ...)
{
	char text[LIMIT_TEXT];
	va_list args;

	va_start(args, format);
	text_vformat(text, sizeof text, format, args);
	va_end(args);
	if (io->config->embedded)
		log_line(LOG_WARN, "worker", "%s", text);
	else
		fprintf(stderr, "sheaf-worker: %s\n", text);
}

/* ---- tasks ---- */

static void frame_release(struct batch_frame *f)
{
	if (f == NULL || --f->refs > 0)
		return;
	zmq_msg_close(&f->msg);
	free(f);
}

static struct task *task_new(struct io *io)
{
	struct task *t = io->spare;

	if (t != NULL) {
		io->spare = t->next;
	} else {
		t = calloc(1, sizeof *t);
		must(t != NULL);
	}
	atomic_store(&t->state, TASK_WAITING);
	atomic_store(&t->run.cancelled, 0);
	t->run.cancel_fd = -1;
	return t;
}

static void task_free(struct io *io, struct task *t)
{
	enum { KEEP = 64 << 10 };

	frame_release(t->frame);
	t->frame = NULL;
	if (t->out.result.cap > KEEP)
		buf_fini(&t->out.result);
	t->next = io->spare;
	io->spare = t;
}

static void start(struct io *io, const struct msg_job_rec *r)
{
	struct task *t = task_new(io);

	t->run.job = *r;
	t->begin_by_ns = r->expires_ms > 0 ? clock_mono_ns() + r->expires_ms * 1000000 : 0;
	t->run.queue = wsession_queue(io->session, r->queue);
	t->frame = io->frame;
	io->frame->refs++;
	wsession_bind(io->session, r->token, t);
	slots_put(io->slots, t);
	io->put = true;
}

/* What handlers have said goes to the session, what the slots have finished becomes outcomes. */
static void gather(struct io *io)
{
	struct slot_word w;
	struct task *t;

	for (int i = 0; i < LIMIT_SLOTS && slots_said(io->slots, &w); i++)
		wsession_touched(io->session, io->now,
		                 &(struct wsession_touch){ .token = w.token,
		                                           .lease_ms = w.lease_ms,
		                                           .touched = w.touched,
		                                           .percent = w.percent,
		                                           .text = span_of(w.text, w.n) });
	for (int i = 0; i < TURN_TASKS && (t = slots_take(io->slots)) != NULL; i++) {
		struct msg_outcome_rec r = { .id = t->run.job.id,
			                     .token = t->run.job.token,
			                     .verdict = t->out.verdict,
			                     .exit = t->out.exit,
			                     .run_ms = t->run_ns / 1000000 };

		if (atomic_load(&t->state) == TASK_LATE)
			wsession_late(io->session, t->run.job.token);
		if (atomic_load(&t->state) == TASK_ENDED) {
			r.error = buf_span(&t->out.error);
			r.result = t->out.result_is_payload ? t->run.job.payload : buf_span(&t->out.result);
			wsession_finished(io->session, &r, t->run_ns);
		}
		task_free(io, t);
	}
}

/* ---- what the session asks ---- */

static bool drop(void *ctx, void *user)
{
	struct io *io = ctx;

	if (!slots_drop(user))
		return false;
	io->dropped = true;
	return true;
}

static uint32_t running(void *ctx, uint64_t *tokens, uint32_t most)
{
	return slots_running(((struct io *)ctx)->slots, tokens, most);
}

static void send_to(void *socket, struct span bytes)
{
	if (socket != NULL && zmq_send(socket, bytes.p, bytes.n, ZMQ_DONTWAIT) < 0)
		log_line(LOG_DEBUG, "send", "%s",
		         zmq_strerror(errno)); /* a loss like any other: the protocol sees to it */
}

static void attach(struct io *io, const struct wsession_effect *e)
{
	char jobs[LIMIT_ENDPOINT], results[LIMIT_ENDPOINT];

	discover_resolve(e->jobs, io->config->broker, jobs);
	discover_resolve(e->results, io->config->broker, results);
	link_close(&io->jobs);
	link_close(&io->results);
	io->jobs = link_open(io->context, ZMQ_PULL, 0, jobs, io->config->keys);
	io->results = link_open(io->context, ZMQ_PUSH, LINGER_MS, results, io->config->keys);
}

/* Everything anew, the broker's addresses too: it may have come back elsewhere. */
static void reconnect(struct io *io)
{
	char err[512];

	link_close(&io->control);
	link_close(&io->jobs);
	link_close(&io->results);
	discover_free(io->discover);
	io->discover = discover_new(io->context, io->config->broker, io->config->keys, err);
	must(io->discover != NULL); /* it was an address at the start */
	if (io->silent_since == 0)
		io->silent_since = io->now;
}

static void ready(struct io *io)
{
	io->silent_since = 0;
	io->said_silent = io->said_denied = false;
	if (io->announced) {
		log_line(LOG_INFO, "attached", "session=%llu", (unsigned long long)wsession_id(io->session));
		return;
	}
	io->announced = true;
	if (io->config->embedded)
		return;
	fprintf(stderr, "sheaf-worker ready name=%s slots=%u queues=", io->config->name, io->config->slots);
	for (uint32_t i = 0; i < io->config->n_queues; i++)
		fprintf(stderr, "%s%.*s", i ? "," : "", (int)io->config->queues[i].n,
		        (const char *)io->config->queues[i].p);
	fprintf(stderr, " broker=%s\n", io->config->broker);
}

/* The broker, or what stands there, will not have us on account of keys. Who has never been attached gives up: that is
 * a matter of how it was started. Else the keys may come back. */
static void denied(struct io *io, const char *why)
{
	if (!io->announced) {
		say(io, "%s", why);
		io->status = 4;
		io->stop = true;
	} else if (!io->said_denied) {
		log_line(LOG_ERROR, "refused", "%s; trying on", why);
		io->said_denied = true;
	}
}

static void refused(struct io *io, const struct wsession_effect *e)
{
	char why[LIMIT_TEXT + 1];

	text_format(why, sizeof why, "%.*s", (int)e->why.n, (const char *)e->why.p);
	if (e->error == SHEAF_E_DENIED)
		denied(io, why);
	else
		log_line(LOG_ERROR, "refused", "%s", why);
}

static void carry_out(struct io *io)
{
	struct wsession_effect e;

	while (wsession_effect(io->session, &e)) {
		switch (e.kind) {
		case WSESSION_CONTROL:
			send_to(io->control, e.bytes);
			break;
		case WSESSION_OUTCOMES:
			send_to(io->results, e.bytes);
			break;
		case WSESSION_ATTACH:
			attach(io, &e);
			break;
		case WSESSION_RECONNECT:
			reconnect(io);
			break;
		case WSESSION_RUN:
			start(io, &e.job);
			break;
		case WSESSION_KILL:
			slots_cancel(e.user, END_FORGOTTEN);
			io->dropped = true; /* if it had not begun */
			break;
		case WSESSION_EXPIRED:
			slots_cancel(e.user, END_LEASE);
			break;
		case WSESSION_READY:
			ready(io);
			break;
		case WSESSION_REFUSED:
			refused(io, &e);
			break;
		case WSESSION_ENDED:
			io->stop = true;
			break;
		}
	}
	if (io->put)
		slots_wake(io->slots);
	if (io->dropped)
		slots_sweep(io->slots);
	io->put = io->dropped = false;
}

/* ---- sockets ---- */

static void take_from(struct io *io, void **socket)
{
	for (int i = 0; i < TURN_MESSAGES && *socket != NULL; i++) {
		struct batch_frame *f = malloc(sizeof *f);
		enum sheaf_error e;
		const char *why = "";
		struct msg m;

		must(f != NULL);
		f->refs = 1;
		zmq_msg_init(&f->msg);
		if (zmq_msg_recv(&f->msg, *socket, ZMQ_DONTWAIT) < 0) {
			frame_release(f);
			return;
		}
		e = msg_decode(span_of(zmq_msg_data(&f->msg), zmq_msg_size(&f->msg)), io->room, &m, &why);
		if (e == SHEAF_OK) {
			io->frame = f;
			wsession_message(io->session, io->now, &m);
			carry_out(io);
			io->frame = NULL;
		} else if (e != SHEAF_E_UNSUPPORTED) {
			log_line(LOG_WARN, "malformed", "kind=%u %s", m.h.kind, why);
		}
		frame_release(f);
	}
}

static void look_at_trouble(struct io *io, bool silent)
{
	enum curve_trouble t = discover_trouble(io->discover);
	char why[LIMIT_TEXT];

	curve_why(t, io->config->broker, io->config->keys != NULL, why);
	if (t == CURVE_REFUSED || t == CURVE_MISMATCH)
		denied(io, why);
	else if (silent && t == CURVE_CUT)
		say(io, "%s", why);
}

static void look_for_broker(struct io *io)
{
	bool silent;

	if (io->discover == NULL)
		return;
	if (!discover_run(io->discover, io->now, io->workers_at)) {
		silent = !io->said_silent && io->now - io->silent_since >= SAY_MS;
		if (silent) {
			io->said_silent = true;
			say(io, "broker %s does not answer; trying on", io->config->broker);
		}
		look_at_trouble(io, silent);
		return;
	}
	discover_free(io->discover);
	io->discover = NULL;
	io->control = link_open(io->context, ZMQ_DEALER, LINGER_MS, io->workers_at, io->config->keys);
	wsession_connected(io->session, io->now);
}

static void take_signal(struct io *io)
{
	struct signalfd_siginfo info = { 0 };

	if (read(io->config->signal_fd, &info, sizeof info) <= 0)
		return;
	if (io->draining) {
		io->stop = io->at_once = true;
		return;
	}
	io->draining = true;
	log_line(LOG_INFO, "drain", "signal=%u jobs=%u", info.ssi_signo, wsession_held(io->session));
	wsession_drain(io->session, io->now, io->config->grace_ms);
}

static long poll_ms(struct io *io)
{
	uint64_t deadline = wsession_deadline(io->session), ms = POLL_MOST_MS;

	if (io->discover != NULL && discover_deadline(io->discover) < deadline)
		deadline = discover_deadline(io->discover);
	if (deadline <= io->now)
		return 0;
	return (long)(deadline - io->now < ms ? deadline - io->now : ms);
}

static void await(struct io *io)
{
	zmq_pollitem_t items[5] = {
		{ NULL, slots_fd(io->slots), ZMQ_POLLIN, 0 },
		{ NULL, io->config->signal_fd, ZMQ_POLLIN, 0 },
	};
	int n = 2;

	if (io->discover != NULL)
		items[n++] = (zmq_pollitem_t){ discover_socket(io->discover), 0, ZMQ_POLLIN, 0 };
	if (io->control != NULL)
		items[n++] = (zmq_pollitem_t){ io->control, 0, ZMQ_POLLIN, 0 };
	if (io->jobs != NULL)
		items[n++] = (zmq_pollitem_t){ io->jobs, 0, ZMQ_POLLIN, 0 };
	if (zmq_poll(items, n, slots_sleep(io->slots) ? poll_ms(io) : 0) < 0)
		must(errno == EINTR);
	slots_woken(io->slots);
	io->now = clock_mono_ms();
	if (items[1].revents)
		take_signal(io);
}

static bool too_late(const struct io *io, uint64_t started)
{
	return !io->announced && io->config->start_timeout_ms != UINT64_MAX &&
	       io->now - started >= io->config->start_timeout_ms;
}

static void run(struct io *io)
{
	uint64_t started = io->now;

	while (!io->stop) {
		await(io);
		look_for_broker(io);
		take_from(io, &io->control);
		take_from(io, &io->jobs);
		gather(io);
		wsession_flush(io->session);
		wsession_tick(io->session, io->now);
		carry_out(io);
		if (too_late(io, started)) {
			say(io, "broker %s does not answer", io->config->broker);
			io->status = 3;
			io->stop = true;
		}
		if (io->draining && !io->announced && wsession_held(io->session) == 0)
			io->stop = true; /* it never had anything */
	}
}

/* After a second signal, or because a handler does not heed its cancel: what runs is handed back, and does not outlive
 * us. */
_Noreturn static void leave_at_once(struct io *io, int status)
{
	wsession_drain(io->session, io->now, 0);
	wsession_tick(io->session, io->now);
	carry_out(io);
	link_close(&io->control);
	link_close(&io->jobs);
	link_close(&io->results);
	discover_free(io->discover);
	zmq_ctx_term(io->context);
	_exit(status); /* the slots' threads are in their handlers, which die with us */
}

int io_run(const struct io_config *config)
{
	struct io io = { .config = config, .context = zmq_ctx_new(), .now = clock_mono_ms() };
	struct wsession_config wc = { .instance = rand_os(),
		                      .seed = rand_os(),
		                      .name = span_str(config->name),
		                      .queues = config->queues,
		                      .n_queues = config->n_queues,
		                      .slots = config->slots,
		                      .ctx = &io,
		                      .drop = drop,
		                      .running = running };
	char err[512];

	must(io.context != NULL);
	io.silent_since = io.now;
	io.discover = discover_new(io.context, config->broker, config->keys, err);
	if (io.discover == NULL) {
		say(&io, "%s", err);
		zmq_ctx_term(io.context);
		return 2;
	}
	io.slots = slots_new(config->slots, config->handler);
	must(io.slots != NULL);
	io.session = wsession_new(&wc);
	io.room = msg_room_new();
	run(&io);
	if (io.at_once)
		leave_at_once(&io, 130);
	if (!config->embedded && !slots_rest(io.slots, REST_MS)) {
		log_line(LOG_WARN, "handler-stuck", "a handler does not heed its cancel: it ends with this process");
		leave_at_once(&io, io.status);
	}
	slots_free(io.slots);
	discover_free(io.discover);
	link_close(&io.control);
	link_close(&io.jobs);
	link_close(&io.results);
	zmq_ctx_term(io.context);
	wsession_free(io.session);
	msg_room_free(io.room);
	for (struct task *t = io.spare, *next; t != NULL; t = next) {
		next = t->next;
		buf_fini(&t->out.result);
		buf_fini(&t->out.error);
		free(t);
	}
	return io.status;
}
