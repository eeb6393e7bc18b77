/* What the hub hands over to a session's client, and how much of it may come. */
#include "broker/nsq/session_state.h"

enum { STEP = SESSION_WINDOW / 4 }; /* that the window has to grow by before the broker is told */

/* A message is some bytes larger as a frame than packed, so the window is a little smaller than it says; that way round
 * it does no harm. */
void credit(struct session *s, bool always)
{
	uint64_t unsent = s->said - s->sent, may = s->got;

	if (unsent < SESSION_WINDOW)
		may += SESSION_WINDOW - unsent;
	if (!always && (may < s->granted + STEP || s->draining))
		return;
	if (may > s->granted)
		s->granted = may;
	hub_credit(s->sub, s->draining ? 0 : s->ready, s->granted);
}

static void messages(void *arg, const struct hub_delivery *d)
{
	struct session *s = arg;
	size_t before = s->out->n;

	if (s->closing)
		return;
	if (d->mask == 0 || !frame_messages(s->out, d) ||
	    !inflight_add(&s->inflight, d->run, d->token, d->mask)) { /* not what was asked for: begin anew */
		s->closing = true;
	} else {
		s->said += s->out->n - before;
		s->got += d->packed.n;
		s->messages += (uint64_t)__builtin_popcountll(d->mask);
	}
	woke(s);
}

static void gone(void *arg, uint64_t run, uint64_t token, uint64_t mask, enum gone_why why)
{
	struct session *s = arg;

	(void)why;
	if (run == 0) /* all of them */
		inflight_clear(&s->inflight);
	else
		inflight_gone(&s->inflight, run, token, mask);
	if (s->draining) {
		part_if_done(s);
		woke(s);
	}
}

/* The channel is deleted: nsqd closes the connection, too. */
static void over(void *arg)
{
	struct session *s = arg;

	s->closing = true;
	woke(s);
}

const struct hub_calls session_calls = { messages, gone, over };
