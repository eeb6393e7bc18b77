/* See pipe.h, and talk.h for what is said. */
#include "worker/pipe.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "worker/peer.h"
#include "worker/talk.h"
#include "worker/watch.h"

enum { COMPLAINTS = 10, COMPLAINTS_MS = 60000, LOOK_MS = 10, END_MS = 500, READS = 16 };

struct pipes {
	const struct exec_config *config; /* borrowed */
	uint32_t n;
	struct peer *v; /* owned: one per slot, which alone touches it */
	pthread_mutex_t lock;
	uint64_t minute; /* when the complaints began to be counted */
	uint32_t complaints, swallowed;
};

/* A job under way. */
struct turn {
	struct pipes *all;
	struct peer *peer;
	struct job_run *run;
	struct job_outcome *out;
	struct buf request;
	size_t written;
	struct watch watch;
	bool answered;
};

struct pipes *pipes_new(const struct exec_config *config, uint32_t slots)
{
	struct pipes *p = calloc(1, sizeof *p);

	must(p != NULL);
	json_object_seed(0); /* while there is one thread */
	p->config = config;
	p->n = slots;
	p->v = calloc(slots, sizeof p->v[0]);
	must(p->v != NULL);
	pthread_mutex_init(&p->lock, NULL);
	for (uint32_t i = 0; i < slots; i++)
		peer_init(&p->v[i], config, TALK_LINE);
	return p;
}

void pipes_free(struct pipes *p)
{
	if (p == NULL)
		return;
	for (uint32_t i = 0; i < p->n; i++)
		peer_fini(&p->v[i]);
	pthread_mutex_destroy(&p->lock);
	free(p->v);
	free(p);
}

/* Reports a bad line, but not more than COMPLAINTS a minute. `id` 0: outside of a job. */
static void complain(struct pipes *p, uint32_t slot, uint64_t id, const char *why)
{
	uint64_t now = clock_mono_ms();
	uint32_t swallowed;
	bool say;

	pthread_mutex_lock(&p->lock);
	if (p->minute == 0 || now - p->minute >= COMPLAINTS_MS) {
		p->minute = now;
		p->complaints = 0;
	}
	say = p->complaints++ < COMPLAINTS;
	swallowed = say ? p->swallowed : 0;
	p->swallowed = say ? 0 : p->swallowed + 1;
	pthread_mutex_unlock(&p->lock);
	if (swallowed > 0)
		log_line(LOG_WARN, "pipe-bad-lines", "%u more bad lines were not reported", swallowed);
	if (say && id > 0)
		log_line(LOG_WARN, "pipe-bad-line", "slot=%u job=%" PRIu64 " a line of its stdout: %s", slot, id, why);
	else if (say)
		log_line(LOG_WARN, "pipe-bad-line", "slot=%u between jobs: %s", slot, why);
}

static void fail(struct job_outcome *out, enum verdict verdict, int exit, const char *text)
{
	out->verdict = verdict;
	out->exit = exit;
	buf_clear(&out->result);
	buf_clear(&out->error);
	buf_put(&out->error, text, strlen(text));
}

/* ---- the process ---- */

/* Buries it if it has ended by itself, and says so. */
static bool look(struct peer *p, uint32_t slot)
{
	uint64_t now = clock_mono_ms();
	int pid = p->pid;

	if (!peer_look(p))
		return false;
	if (p->start_ms > now)
		log_line(LOG_WARN, "pipe-ended",
		         "slot=%u pid=%d ended with %s at once again; the next one in %" PRIu64 " ms", slot, pid,
		         p->how, p->start_ms - now);
	else
		log_line(LOG_WARN, "pipe-ended", "slot=%u pid=%d ended with %s; a new one is started", slot, pid,
		         p->how);
	return true;
}

static void tell_no_start(const struct peer *p, char *text, size_t n)
{
	const struct exec_config *c = p->config;

	if (p->failed == SPAWN_NO_DIR)
		text_format(text, n, "cannot enter --dir %.100s: %s",
		            c->dir != NULL ? c->dir : "tmp:", strerror(p->error));
	else
		text_format(text, n, "cannot run '%.100s': %s", c->argv[0], strerror(p->error));
}

void pipe_begin(void *arg, uint32_t slot)
{
	struct pipes *all = arg;
	char text[256];

	if (peer_start(&all->v[slot]))
		return;
	tell_no_start(&all->v[slot], text, sizeof text);
	log_line(LOG_ERROR, "pipe-start", "slot=%u %s", slot, text);
}

void pipe_end(void *arg, uint32_t slot)
{
	peer_stop(&((struct pipes *)arg)->v[slot], true);
}

/* Waits until it may be started again. False if the job was cancelled meanwhile. */
static bool wait_for_start(struct turn *t)
{
	struct pollfd cancel = { .fd = t->run->cancel_fd, .events = POLLIN };

	for (;;) {
		uint64_t now = clock_mono_ms();

		if (atomic_load(&t->run->cancelled))
			return false;
		if (now >= t->peer->start_ms)
			return true;
		poll(&cancel, 1, (int)(t->peer->start_ms - now));
	}
}

/* A live process for this job. False with the outcome filled in. */
static bool have_process(struct turn *t)
{
	struct peer *p = t->peer;
	struct span line;
	char text[256];

	look(p, t->run->slot);
	if (p->pid < 0) {
		if (!wait_for_start(t)) {
			fail(t->out, VERDICT_FAILED, 128 + SIGTERM, "cancelled");
			return false;
		}
		if (!peer_start(p)) {
			tell_no_start(p, text, sizeof text);
			fail(t->out, VERDICT_FAILED, p->failed == SPAWN_NO_EXEC && p->error == ENOENT ? 127 : 126,
			     text);
			return false;
		}
		return true;
	}
	/* what it said since its last answer is for nobody */
	lines_read(&p->lines, p->out);
	for (enum line got; (got = lines_next(&p->lines, &line)) != LINE_NONE;)
		if (got == LINE_TOO_LONG || line.n > 0)
			complain(t->all, t->run->slot, 0, "it wrote to its stdout, which is for answers");
	return true;
}

/* ---- a job ---- */

/* Sends what the pipe takes. */
static void feed(struct turn *t)
{
	while (t->written < t->request.n) {
		ssize_t n = write(t->peer->in, t->request.p + t->written, t->request.n - t->written);

		if (n <= 0)
			return; /* full; or it does not read any more, and then it ends or answers */
		t->written += (size_t)n;
	}
}

/* A line that is none of what it may say: it is not to be trusted with another job. */
static void go_wrong(struct turn *t, const char *why)
{
	char text[192];

	complain(t->all, t->run->slot, t->run->job.id, why);
	text_format(text, sizeof text, "a line that the process wrote to its stdout is no answer: %s", why);
	fail(t->out, VERDICT_FAILED, 1, text);
	t->answered = true;
	peer_stop(t->peer, false);
}

static void take_line(struct turn *t, struct span line)
{
	struct job_outcome *out = t->out;
	struct talk_answer a;
	enum talk what = talk_read(line, t->run->job.id, &a, &out->result, &out->error);

	switch (what) {
	case TALK_BAD:
		go_wrong(t, a.why);
		return;
	case TALK_REPORT:
		job_touch(t->run, a.report.percent, span_of(a.report.text, a.report.n));
		return;
	case TALK_DONE:
	case TALK_FAILED:
		out->verdict = what == TALK_DONE ? VERDICT_DONE : VERDICT_FAILED;
		out->exit = a.exit;
		t->answered = true;
		watch_output(&t->watch, out->result.n, out->error.n);
		break;
	}
	if (a.bye)
		peer_stop(t->peer, true);
	else if (t->written < t->request.n)
		peer_stop(t->peer, false); /* it would take the rest of this request for the next one */
}

static void take_lines(struct turn *t)
{
	struct span line;
	enum line got;

	while (!t->answered && (got = lines_next(&t->peer->lines, &line)) != LINE_NONE) {
		if (got == LINE_TOO_LONG)
			go_wrong(t, "it is longer than 32 MiB");
		else if (line.n > 0)
			take_line(t, line);
	}
}

/* It has ended, or closed its stdout; what it wrote before that counts. */
static void take_end(struct turn *t)
{
	struct peer *p = t->peer;
	char text[192];
	size_t before = SIZE_MAX;

	/* what it left behind may go on to write: no more than a pipe holds */
	for (int i = 0; i < READS && !t->answered && p->lines.b.n != before; i++) {
		before = p->lines.b.n - p->lines.taken;
		lines_read(&p->lines, p->out);
		take_lines(t);
	}
	if (p->pid < 0)
		return;
	peer_await(p, t->answered ? 0 : END_MS); /* who ends closes its stdout a moment before */
	if (look(p, t->run->slot)) {
		text_format(text, sizeof text, "the process ended with %s before it answered", p->how);
	} else {
		peer_stop(p, false);
		text_format(text, sizeof text, "the process closed its stdout before it answered");
	}
	if (t->answered)
		return;
	fail(t->out, VERDICT_FAILED, 1, text);
	t->answered = true;
}

static int wait_ms(const struct turn *t, uint64_t now)
{
	uint64_t at = t->watch.look_at;

	if (t->peer->pidfd < 0 && now + LOOK_MS < at)
		at = now + LOOK_MS;
	if (at == UINT64_MAX)
		return -1;
	return at > now ? (int)(at - now) : 0;
}

static void round_once(struct turn *t)
{
	struct peer *p = t->peer;
	struct pollfd fds[4] = {
		{ p->out, POLLIN, 0 },
		{ t->written < t->request.n ? p->in : -1, POLLOUT, 0 },
		{ p->pidfd, POLLIN, 0 },
		{ t->run->cancel_fd, POLLIN, 0 },
	};
	bool open = true;

	poll(fds, 4, wait_ms(t, clock_mono_ms()));
	if (fds[3].revents && atomic_load(&t->run->cancelled)) {
		fail(t->out, VERDICT_FAILED, 128 + SIGTERM, "cancelled");
		t->answered = true;
		peer_stop(p, false);
		return;
	}
	if (fds[1].revents)
		feed(t);
	if (fds[0].revents)
		open = lines_read(&p->lines, p->out);
	take_lines(t);
	if (!t->answered && (!open || fds[2].revents || (p->pidfd < 0 && peer_await(p, 0))))
		take_end(t);
	if (t->answered)
		return;
	watch_look(&t->watch, clock_mono_ms());
	if (t->watch.over != OVER_NOT) {
		t->answered = true;
		peer_stop(p, false);
	}
}

void pipe_run(void *arg, struct job_run *run, struct job_outcome *out)
{
	struct pipes *all = arg;
	struct turn t = { .all = all, .peer = &all->v[run->slot], .run = run, .out = out };
	char text[128];

	if (!have_process(&t))
		return;
	buf_init(&t.request);
	talk_request(&t.request, run);
	watch_begin(&t.watch, &all->config->limits, t.peer->pid, clock_mono_ms());
	feed(&t);
	while (!t.answered)
		round_once(&t);
	if (t.watch.over != OVER_NOT) {
		watch_why(&t.watch, text, sizeof text);
		fail(out, VERDICT_KILLED, 128 + SIGKILL, text);
	}
	if (out->verdict == VERDICT_DONE)
		buf_clear(&out->error);
	buf_fini(&t.request);
	if (t.peer->pid < 0 && clock_mono_ms() >= t.peer->start_ms)
		pipe_begin(all, run->slot); /* it may take its time until the next job comes */
}
