/* The life of a store, its part of a turn, its time. See store.h; queues are in store_queues.c, mails in
 * store_mails.c. */
#include "broker/smtp/store.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "broker/smtp/store_state.h"

static const char ended[] = "the broker does not keep anything any more";
static const char ending[] = "the server ends";

/* ---- the turn ---- */

void store_wake(struct store *s)
{
	if (s->link != NULL)
		link_wake(s->link);
}

void store_say(struct store *s, const char *id, enum sheaf_error e, struct span text)
{
	uint32_t more;

	if (quiet_may(&s->quiet, sheaf_error_name(e), clock_mono_ms(), &more))
		log_line(LOG_WARN, id, "error=%s more=%u %.*s", sheaf_error_name(e), more, (int)text.n,
		         (const char *)text.p);
}

static void turned_away(struct store *s, const struct csession_event *ev)
{
	store_say(s, "smtp-broker-refused", ev->error, ev->text);
	if (s->refused == NULL)
		s->refused = "the broker does not let this server in";
	queues_fail(s);
	mails_fail(s, s->refused);
	s->again_ms = link_now(s->link) + STORE_AGAIN_MS;
	store_by(s, s->again_ms);
}

static void event(void *arg, const struct csession_event *ev)
{
	struct store *s = arg;
	struct asked *a;

	switch (ev->kind) {
	case CSESSION_ANSWER:
		a = (struct asked *)(uintptr_t)ev->call;
		if (a->kind == ASKED_QUEUE)
			queues_answered(s, (struct known *)(void *)a, ev);
		else
			mails_answered(s, (struct mail *)(void *)a, ev);
		break;
	case CSESSION_WELCOMED:
		log_line(LOG_INFO, "smtp-broker", s->welcomed ? "connected again" : "connected");
		s->welcomed = true;
		break;
	case CSESSION_FAILED:
		turned_away(s, ev);
		break;
	default: /* of what is not asked for here */
		break;
	}
}

static bool turn(void *arg)
{
	struct store *s = arg;

	queues_tell(s);
	mails_tell(s);
	return !list_empty(&s->heard) || !list_empty(&s->done);
}

static void send_waiting(void *arg)
{
	struct store *s = arg;

	if (s->refused == NULL && queues_send(s))
		mails_send(s);
}

static const struct link_calls link_calls = { .event = event, .turn = turn, .send = send_waiting };

/* ---- time ---- */

static void link_is_closed(void *arg);

/* A session that was turned away is over; a new one begins. */
static void begin_again(struct store *s)
{
	struct link *old = s->link, *link = link_open(s->loop, &s->setup, &link_calls, s);

	if (link == NULL) {
		s->again_ms += STORE_AGAIN_MS;
		return;
	}
	s->again_ms = UINT64_MAX;
	s->link = link;
	s->session = link_session(link);
	if (s->refused != ended)
		s->refused = NULL;
	s->handles++;
	link_close(&old, link_is_closed, s);
}

static void on_timer(uv_timer_t *t)
{
	struct store *s = t->data;
	uint64_t now = clock_mono_ms(), queues, mails;

	s->timer_ms = UINT64_MAX;
	if (s->again_ms <= now)
		begin_again(s);
	queues = queues_expire(s, now);
	mails = mails_expire(s, now);
	store_by(s, queues < mails ? queues : mails);
	store_by(s, s->again_ms);
}

void store_by(struct store *s, uint64_t due_ms)
{
	uint64_t now;

	if (due_ms >= s->timer_ms || s->link == NULL)
		return;
	now = clock_mono_ms();
	s->timer_ms = due_ms;
	uv_timer_start(&s->timer, on_timer, due_ms > now ? due_ms - now : 1, 0);
}

bool store_reaches(const struct store *s, uint64_t now_ms)
{
	if (s->refused != NULL)
		return false;
	return link_connected(s->link) || (!s->welcomed && now_ms < s->opened_ms + STORE_ASK_MS);
}

/* ---- life ---- */

struct store *store_open(const struct store_setup *setup)
{
	struct store *s = calloc(1, sizeof *s);

	must(s != NULL);
	s->loop = setup->loop;
	s->config = setup->config;
	s->setup = setup->link;
	s->timer_ms = s->again_ms = UINT64_MAX;
	s->opened_ms = clock_mono_ms();
	queues_init(s);
	mails_init(s);
	s->link = link_open(s->loop, &s->setup, &link_calls, s);
	if (s->link == NULL) {
		free(s);
		return NULL;
	}
	s->session = link_session(s->link);
	must(uv_timer_init(s->loop, &s->timer) == 0);
	s->timer.data = s;
	s->handles = 2;
	return s;
}

bool store_connected(const struct store *s)
{
	return s->refused == NULL && link_connected(s->link);
}

bool store_idle(const struct store *s)
{
	return list_empty(&s->mails) && list_empty(&s->done) && s->working == 0 && link_idle(s->link);
}

void store_fail(struct store *s)
{
	if (s->refused == NULL)
		s->refused = ended;
	queues_fail(s);
	mails_fail(s, ended);
}

void store_forget(struct store *s, void *arg)
{
	queues_forget(s, arg);
	mails_forget(s, arg);
}

/* What a thread of the pool has comes back yet. */
static void free_when_done(struct store *s)
{
	void (*closed)(void *arg) = s->closed;
	void *arg = s->closed_arg;

	if (s->handles > 0 || s->working > 0)
		return;
	queues_free(s);
	mails_free(s);
	free(s);
	if (closed != NULL)
		closed(arg);
}

void store_worked(struct store *s)
{
	s->working--;
	if (s->link == NULL)
		free_when_done(s);
}

static void link_is_closed(void *arg)
{
	struct store *s = arg;

	s->handles--;
	free_when_done(s);
}

static void timer_is_closed(uv_handle_t *t)
{
	link_is_closed(t->data);
}

void store_close(struct store **store, void (*closed)(void *arg), void *arg)
{
	struct store *s = *store;

	*store = NULL;
	s->closed = closed;
	s->closed_arg = arg;
	link_close(&s->link, link_is_closed, s);
	s->refused = ending;
	queues_fail(s);
	mails_fail(s, ending);
	uv_close((uv_handle_t *)&s->timer, timer_is_closed);
}
