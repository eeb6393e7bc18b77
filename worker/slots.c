/* See slots.h. The shared ring has one producer and many consumers: a consumer claims a place with one compare and
 * swap. Whoever finds nothing spins for a moment, then sleeps; the producer wakes only if somebody sleeps. */
#include "worker/slots.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/text.h"
#include "base/units.h"

enum { RING = 1 << 16, DONE_RING = 1 << 12, SPINS = 64 };
static_assert(RING >= 2 * LIMIT_HELD, "every job that may be held has a place");

/* What one slot gives back: one producer, one consumer. */
struct slot {
	pthread_t thread;
	struct slots *all;
	_Atomic uint64_t token; /* runs now; 0 = nothing */
	_Alignas(64) _Atomic uint32_t in;
	_Alignas(64) _Atomic uint32_t out;
	struct task *done[DONE_RING];
	int cancel_fd;         /* lent to the tasks that it runs */
	pthread_mutex_t mouth; /* over `word` */
	struct slot_word word; /* token 0: nothing new */
};

struct slots {
	const struct handler *handler;
	uint32_t n;
	struct slot *v;                    /* owned */
	uint32_t look;                     /* the slot that is taken from next */
	struct task *dropped;              /* swept out of the ring */
	_Alignas(64) _Atomic uint32_t in;  /* places filled */
	_Alignas(64) _Atomic uint32_t out; /* places claimed */
	struct task *_Atomic ring[RING];
	_Alignas(64) _Atomic int sleepers;
	_Atomic int stop;
	_Atomic int io_sleeps;
	_Atomic uint32_t words; /* slots with a word that the I/O thread has not taken */
	int fd;
	pthread_mutex_t lock;
	pthread_cond_t work;
};

/* Claims the next task, or NULL. */
static struct task *claim(struct slots *s)
{
	uint32_t out = atomic_load_explicit(&s->out, memory_order_relaxed);

	for (;;) {
		struct task *t;

		if (out == atomic_load_explicit(&s->in, memory_order_acquire))
			return NULL;
		t = atomic_load_explicit(&s->ring[out % RING], memory_order_relaxed);
		if (atomic_compare_exchange_weak_explicit(&s->out, &out, out + 1, memory_order_acq_rel,
		                                          memory_order_relaxed))
			return t;
	}
}

static void nap(struct slots *s)
{
	pthread_mutex_lock(&s->lock);
	atomic_fetch_add(&s->sleepers, 1);
	while (atomic_load(&s->in) == atomic_load(&s->out) && !atomic_load(&s->stop))
		pthread_cond_wait(&s->work, &s->lock);
	atomic_fetch_sub(&s->sleepers, 1);
	pthread_mutex_unlock(&s->lock);
}

static void wake_io(struct slots *s)
{
	uint64_t one = 1;

	if (atomic_exchange(&s->io_sleeps, 0) && write(s->fd, &one, sizeof one) < 0)
		return; /* full: it is readable already */
}

static void give_back(struct slot *me, struct task *t)
{
	uint32_t in = atomic_load_explicit(&me->in, memory_order_relaxed);

	/* the I/O thread never lags for long; when it does, this slot waits for it */
	while (in - atomic_load_explicit(&me->out, memory_order_acquire) == DONE_RING) {
		wake_io(me->all);
		sched_yield();
	}
	me->done[in % DONE_RING] = t;
	atomic_store(&me->in, in + 1);
	if (atomic_load(&me->all->io_sleeps))
		wake_io(me->all);
}

/* A word of the slot's handler, put over what is there. */
static void speak(struct slot *me, const struct slot_word *w)
{
	bool first;

	pthread_mutex_lock(&me->mouth);
	first = me->word.token == 0;
	if (me->word.token != w->token)
		me->word = (struct slot_word){ .token = w->token, .percent = PERCENT_UNKNOWN };
	if (w->lease_ms > 0)
		me->word.lease_ms = w->lease_ms;
	me->word.touched = me->word.touched || w->touched;
	if (w->touched && w->percent <= 100)
		me->word.percent = w->percent;
	if (w->touched && (w->percent <= 100 || w->n > 0)) {
		me->word.n = w->n;
		memcpy(me->word.text, w->text, w->n);
	}
	if (first)
		atomic_fetch_add(&me->all->words, 1);
	pthread_mutex_unlock(&me->mouth);
	if (atomic_load(&me->all->io_sleeps))
		wake_io(me->all);
}

static void tell(void *teller, uint64_t token, uint32_t percent, struct span text)
{
	struct slot_word w = { .token = token, .touched = true, .percent = percent };

	w.n = (uint32_t)(text.n < sizeof w.text ? text.n : sizeof w.text);
	if (w.n > 0)
		memcpy(w.text, text.p, w.n);
	speak(teller, &w);
}

bool slots_said(struct slots *s, struct slot_word *w)
{
	w->token = 0;
	for (uint32_t i = 0; i < s->n && atomic_load(&s->words) > 0; i++) {
		struct slot *v = &s->v[i];

		pthread_mutex_lock(&v->mouth);
		if (v->word.token != 0) {
			*w = v->word;
			v->word.token = 0;
			atomic_fetch_sub(&s->words, 1);
		}
		pthread_mutex_unlock(&v->mouth);
		if (w->token != 0)
			return true;
	}
	return false;
}

/* A lock for a few instructions, nearly always free. */
static void hold(struct task *t)
{
	while (atomic_exchange_explicit(&t->lock, 1, memory_order_acquire))
		sched_yield();
}

static void let_go(struct task *t)
{
	atomic_store_explicit(&t->lock, 0, memory_order_release);
}

/* Whatever the handler made of it. */
static void ran_out(struct task *t)
{
	char text[64], lease[24];

	t->out.verdict = VERDICT_KILLED;
	if (t->out.exit <= 128)
		t->out.exit = 128 + SIGTERM;
	t->out.result_is_payload = false;
	buf_clear(&t->out.result);
	buf_clear(&t->out.error);
	buf_put(&t->out.error, text,
	        text_format(text, sizeof text, "ran out of its lease of %s",
	                    units_type_duration(t->run.job.lease_ms, lease)));
}

/* From here on no cancel reaches the slot through this task; one that did is taken off its descriptor. */
static void end_task(struct slot *me, struct task *t)
{
	enum end_reason why;
	uint64_t n;
	ssize_t got;

	hold(t);
	atomic_store(&t->state, TASK_ENDED);
	let_go(t);
	why = (enum end_reason)atomic_load(&t->run.cancelled);
	if (why == END_NOT)
		return;
	got = read(me->cancel_fd, &n, sizeof n);
	(void)got;
	if (why == END_LEASE)
		ran_out(t);
}

static void run_task(struct slot *me, struct task *t, uint64_t *now_ns)
{
	const struct handler *h = me->all->handler;
	int waiting = TASK_WAITING;
	bool late = t->begin_by_ns > 0 && clock_mono_ns() > t->begin_by_ns;
	uint64_t from = *now_ns;

	t->run.cancel_fd = me->cancel_fd;
	t->run.slot = (uint32_t)(me - me->all->v);
	t->run.tell = tell;
	t->run.teller = me;
	if (!atomic_compare_exchange_strong(&t->state, &waiting, late ? TASK_LATE : TASK_RUNNING) || late)
		return; /* dropped meanwhile, or of no use any more */
	t->out.verdict = VERDICT_DONE;
	t->out.exit = 0;
	t->out.result_is_payload = false;
	buf_clear(&t->out.result);
	buf_clear(&t->out.error);
	atomic_store(&me->token, t->run.job.token);
	if (t->run.job.lease_ms > 0)
		speak(me, &(struct slot_word){ .token = t->run.job.token, .lease_ms = t->run.job.lease_ms });
	h->run(h->arg, &t->run, &t->out);
	atomic_store(&me->token, 0);
	*now_ns = clock_mono_ns();
	t->run_ns = *now_ns - from;
	end_task(me, t);
}

static void *slot_run(void *arg)
{
	struct slot *me = arg;
	struct slots *s = me->all;
	uint64_t now_ns;

	if (s->handler->begin != NULL)
		s->handler->begin(s->handler->arg, (uint32_t)(me - s->v));
	now_ns = clock_mono_ns();
	while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
		struct task *t = claim(s);

		for (int i = 0; t == NULL && i < SPINS; i++)
			t = claim(s);
		if (t == NULL) {
			nap(s);
			now_ns = clock_mono_ns();
			continue;
		}
		run_task(me, t, &now_ns);
		give_back(me, t);
	}
	if (s->handler->end != NULL)
		s->handler->end(s->handler->arg, (uint32_t)(me - s->v));
	return NULL;
}

struct slots *slots_new(uint32_t n, const struct handler *handler)
{
	struct slots *s = aligned_alloc(64, (sizeof *s + 63) / 64 * 64);

	must(s != NULL);
	memset(s, 0, sizeof *s);
	s->handler = handler;
	s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	must(s->fd >= 0);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->work, NULL);
	s->v = aligned_alloc(64, n * sizeof s->v[0]);
	must(s->v != NULL);
	memset(s->v, 0, n * sizeof s->v[0]);
	for (; s->n < n; s->n++) {
		struct slot *me = &s->v[s->n];

		me->all = s;
		pthread_mutex_init(&me->mouth, NULL);
		me->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (me->cancel_fd < 0 || pthread_create(&me->thread, NULL, slot_run, me) != 0) {
			slots_free(s);
			return NULL;
		}
	}
	return s;
}

void slots_free(struct slots *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	atomic_store(&s->stop, 1);
	pthread_cond_broadcast(&s->work);
	pthread_mutex_unlock(&s->lock);
	for (uint32_t i = 0; i < s->n; i++) {
		pthread_join(s->v[i].thread, NULL);
		close(s->v[i].cancel_fd);
		pthread_mutex_destroy(&s->v[i].mouth);
	}
	close(s->fd);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->work);
	free(s->v);
	free(s);
}

void slots_put(struct slots *s, struct task *t)
{
	uint32_t in = atomic_load_explicit(&s->in, memory_order_relaxed);

	must(in - atomic_load(&s->out) < RING);
	atomic_store_explicit(&s->ring[in % RING], t, memory_order_relaxed);
	atomic_store(&s->in, in + 1);
}

void slots_wake(struct slots *s)
{
	if (atomic_load(&s->sleepers) == 0)
		return;
	pthread_mutex_lock(&s->lock);
	pthread_cond_broadcast(&s->work);
	pthread_mutex_unlock(&s->lock);
}

/* Once around: who is alive goes to the end, so that the order stays. */
void slots_sweep(struct slots *s)
{
	uint32_t n = atomic_load(&s->in) - atomic_load(&s->out);
	struct task *t;

	for (; n > 0 && (t = claim(s)) != NULL; n--) {
		if (atomic_load(&t->state) != TASK_DROPPED) {
			slots_put(s, t);
			continue;
		}
		t->next = s->dropped;
		s->dropped = t;
	}
	slots_wake(s);
}

struct task *slots_take(struct slots *s)
{
	struct task *dropped = s->dropped;

	if (dropped != NULL) {
		s->dropped = dropped->next;
		return dropped;
	}
	for (uint32_t i = 0; i < s->n; i++) {
		struct slot *v = &s->v[(s->look + i) % s->n];
		uint32_t out = atomic_load_explicit(&v->out, memory_order_relaxed);
		struct task *t;

		if (out == atomic_load_explicit(&v->in, memory_order_acquire))
			continue;
		t = v->done[out % DONE_RING];
		atomic_store_explicit(&v->out, out + 1, memory_order_release);
		s->look = (s->look + i) % s->n;
		return t;
	}
	return NULL;
}

int slots_fd(const struct slots *s)
{
	return s->fd;
}

bool slots_sleep(struct slots *s)
{
	if (s->dropped != NULL)
		return false;
	atomic_store(&s->io_sleeps, 1);
	if (atomic_load(&s->words) > 0) {
		atomic_store(&s->io_sleeps, 0);
		return false;
	}
	for (uint32_t i = 0; i < s->n; i++) {
		if (atomic_load(&s->v[i].in) != atomic_load(&s->v[i].out)) {
			atomic_store(&s->io_sleeps, 0);
			return false;
		}
	}
	return true;
}

void slots_woken(struct slots *s)
{
	uint64_t n;
	ssize_t got;

	atomic_store(&s->io_sleeps, 0);
	got = read(s->fd, &n, sizeof n);
	(void)got;
}

bool slots_drop(struct task *t)
{
	int waiting = TASK_WAITING;

	return atomic_compare_exchange_strong(&t->state, &waiting, TASK_DROPPED);
}

void slots_cancel(struct task *t, enum end_reason why)
{
	uint64_t one = 1;

	if (slots_drop(t))
		return;
	hold(t);
	if (atomic_load(&t->state) == TASK_RUNNING) {
		atomic_store(&t->run.cancelled, why);
		if (write(t->run.cancel_fd, &one, sizeof one) < 0)
			atomic_store(&t->run.cancelled, why); /* full: it is readable already */
	}
	let_go(t);
}

bool slots_rest(struct slots *s, uint64_t ms)
{
	uint64_t token, until = clock_mono_ms() + ms;

	while (slots_running(s, &token, 1) > 0) {
		if (clock_mono_ms() >= until)
			return false;
		poll(NULL, 0, 5);
	}
	return true;
}

uint32_t slots_running(struct slots *s, uint64_t *tokens, uint32_t most)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n && n < most; i++) {
		uint64_t token = atomic_load(&s->v[i].token);

		if (token != 0)
			tokens[n++] = token;
	}
	return n;
}
