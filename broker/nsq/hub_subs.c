/* The subscriptions of a hub: what they are told goes straight to their connections. See hub.h. */
#include <stdlib.h>

#include "broker/nsq/hub_state.h"

struct hub_sub *hub_subscribe(struct hub *h, struct span topic, struct span channel, const struct hub_terms *terms,
                              const struct hub_calls *calls, hub_answer answer, void *arg)
{
	struct msg_subscribe want = { .topic = topic,
		                      .channel = channel,
		                      .timeout_ms = terms->timeout_ms,
		                      .most_ms = terms->most_ms,
		                      .sample = terms->sample,
		                      .consumers = terms->consumers };
	struct hub_sub *s = calloc(1, sizeof *s);
	enum sheaf_error e = h->failed;

	must(s != NULL);
	*s = (struct hub_sub){ .on.kind = ASKED_SUBSCRIBE,
		               .off.kind = ASKED_UNSUBSCRIBE,
		               .hub = h,
		               .call = call_new(h, answer, arg),
		               .calls = calls,
		               .arg = arg };
	list_init(&s->on.link);
	list_init(&s->off.link);
	list_push_back(&h->subs, &s->link);
	s->call->parts = 1;
	s->call->held = &s->call;
	if (e == SHEAF_OK)
		e = csession_subscribe(h->session, &want, (uintptr_t)s, (uintptr_t)&s->on, &s->number);
	if (e == SHEAF_OK) {
		s->there = true;
		hub_asked(h, &s->on);
	} else {
		sub_answered(h, &s->on, e, span_str(sheaf_error_text(e)));
	}
	hub_wake(h);
	return s;
}

void hub_credit(struct hub_sub *s, uint32_t ready, uint64_t bytes)
{
	if (!s->there)
		return;
	csession_credit(s->hub->session, s->number, ready, bytes);
	hub_wake(s->hub);
}

void hub_settle(struct hub_sub *s, uint64_t run, uint64_t token, uint64_t mask, enum settle_verdict verdict,
                uint64_t delay_ms)
{
	const struct msg_settle_rec r = {
		.run = run, .token = token, .mask = mask, .verdict = (uint32_t)verdict, .delay_ms = delay_ms
	};

	if (!s->there || s->hub->failed != SHEAF_OK)
		return;
	csession_settle(s->hub->session, &r);
	hub_wake(s->hub);
}

static void free_sub(struct hub_sub *s)
{
	list_remove(&s->on.link);
	list_remove(&s->off.link);
	list_remove(&s->link);
	free(s);
}

void hub_unsubscribe(struct hub_sub **sub)
{
	struct hub_sub *s = *sub;
	struct hub *h = s->hub;

	*sub = NULL;
	s->left = true;
	list_remove(&s->link);
	if (s->call != NULL)
		call_drop(h, s->call);
	if (!s->there || h->failed != SHEAF_OK) {
		free_sub(s);
		return;
	}
	csession_unsubscribe(h->session, s->number, (uintptr_t)&s->off); /* whose answer is the last that comes */
	hub_asked(h, &s->off);
	hub_wake(h);
}

void sub_answered(struct hub *h, struct asked *a, enum sheaf_error error, struct span text)
{
	struct hub_sub *s;

	if (a->kind == ASKED_UNSUBSCRIBE) {
		free_sub(list_item(a, struct hub_sub, off));
		return;
	}
	s = list_item(a, struct hub_sub, on);
	list_remove(&s->on.link);
	if (s->call != NULL)
		call_part(h, s->call, error, text);
}

void sub_event(struct hub *h, const struct csession_event *ev)
{
	struct hub_sub *s = (struct hub_sub *)(uintptr_t)ev->tag;

	(void)h;
	if (s->left)
		return;
	if (likely(ev->kind == CSESSION_MESSAGES)) {
		const struct msg_delivery_rec *r = ev->delivery;

		s->calls->messages(s->arg, &(struct hub_delivery){ .run = r->run,
		                                                   .token = r->token,
		                                                   .mask = r->mask,
		                                                   .attempts = r->attempts,
		                                                   .time_ns = r->time_ns,
		                                                   .packed = r->packed });
	} else if (ev->kind == CSESSION_OVER) {
		s->calls->over(s->arg);
	} else {
		const struct msg_gone_rec *r = ev->gone;

		s->calls->gone(s->arg, r->run, r->token, r->mask, (enum gone_why)r->why);
	}
}

/* Any of them may end any other meanwhile. */
void subs_gap(struct hub *h)
{
	struct list before;

	if (list_empty(&h->subs))
		return;
	list_insert(&before, h->subs.prev, &h->subs);
	list_remove(&h->subs);
	while (!list_empty(&before)) {
		struct hub_sub *s = list_item(before.next, struct hub_sub, link);

		list_remove(&s->link);
		list_push_back(&h->subs, &s->link);
		s->calls->gone(s->arg, 0, 0, UINT64_MAX, GONE_TIMEOUT);
	}
}
