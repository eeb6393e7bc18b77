/* What the broker says to a client session, and what the user hears of it. csession_message notes what the
 * session must know; the records of a message are walked by csession_event, one at a time, so that nothing
 * is copied. See session.h. */
#include "client/machine.h"
#include "client/session.h"

#define HELD_FIRST_MS UINT64_C(10) /* a refusal for the moment: try again after so long, doubling */
#define HELD_MOST_MS  1000
#define LOST_MESSAGES 3 /* deliveries that are told of are lost when that many later pings have been answered */
#define LOST_PINGS    2 /* a request is lost when so many pings that left after it have been answered */

/* A refusal that says "later". */
static bool passes(uint32_t error)
{
	return error == SHEAF_E_BUSY || error == SHEAF_E_DRAINING;
}

static void one_event(struct csession *c, const struct csession_event *ev)
{
	c->place.kind = AT_ONE;
	c->place.one = *ev;
}

/* ---- hello ---- */

/* A copy of at most `cap` bytes in memory of our own. */
static struct span keep(char *to, size_t cap, struct span s)
{
	size_t n = s.n < cap ? s.n : cap;

	if (n)
		memcpy(to, s.p, n);
	return span_of(to, n);
}

static void welcome(struct csession *c, uint64_t now_ms, const struct msg *m)
{
	struct msg_client_welcome *w = &c->welcome;

	if (c->link != LINK_ASKED)
		return;
	*w = m->u.client_welcome;
	w->results = keep(c->welcome_results, sizeof c->welcome_results, w->results);
	w->workers = keep(c->welcome_workers, sizeof c->welcome_workers, w->workers);
	w->software = keep(c->welcome_software, sizeof c->welcome_software, w->software);
	if (w->version < PROTO_VERSION_MIN || w->version > PROTO_VERSION_MAX) {
		c->link = LINK_FAILED;
		one_event(c, &(struct csession_event){ .kind = CSESSION_FAILED, .error = SHEAF_E_VERSION });
		return;
	}
	c->epoch = m->h.epoch;
	c->held_up = SHEAF_OK;
	csession_opened(c, now_ms);
	one_event(c, &(struct csession_event){ .kind = CSESSION_WELCOMED });
}

static void no_session(struct csession *c, uint64_t now_ms)
{
	if (c->link != LINK_OPEN)
		return;
	/* a broker that welcomes us and forgets us at once is not asked in a tight loop */
	csession_hello_again(c, now_ms < c->link_ms + c->beat_ms ? now_ms + csession_pause(c, 0, c->beat_ms, c->beat_ms)
	                                                         : now_ms);
}

void csession_refused(struct csession *c, enum sheaf_error error, struct span text)
{
	if (c->link == LINK_FAILED || c->link == LINK_CLOSED || c->place.kind != AT_NOTHING)
		return;
	c->link = LINK_FAILED;
	one_event(c, &(struct csession_event){
			 .kind = CSESSION_FAILED, .error = error, .text = keep(c->refusal, sizeof c->refusal, text) });
}

/* A refusal of hello, or of a WAIT: these have no number. */
static void unnumbered_refusal(struct csession *c, uint64_t now_ms, const struct msg *m)
{
	enum sheaf_error e = (enum sheaf_error)m->u.reply.error;

	if (e == SHEAF_OK)
		return;
	if (c->link == LINK_OPEN && e == SHEAF_E_DENIED) {
		csession_refused(c, e, m->u.reply.text); /* what we await will never come */
		return;
	}
	if (c->link == LINK_OPEN) {
		c->waits_ms = now_ms + csession_pause(c, 0, HELD_MOST_MS, HELD_MOST_MS);
		return;
	}
	if (c->link != LINK_ASKED)
		return;
	if (e == SHEAF_E_VERSION || e == SHEAF_E_DENIED) {
		c->link = LINK_FAILED;
		one_event(c, &(struct csession_event){ .kind = CSESSION_FAILED, .error = e, .text = m->u.reply.text });
		return;
	}
	c->held_up = e;
	csession_hello_again(c, now_ms + csession_pause(c, c->failures++, 4 * HELD_FIRST_MS, HELD_MOST_MS));
}

/* ---- results ---- */

/* Pushed results have gone missing; `pushed` is where the broker's count stands. */
static void gap(struct csession *c, uint64_t now_ms, uint64_t pushed)
{
	c->counts.gaps++;
	c->received = pushed;
	c->suspect = 0;
	csession_wait_all(c, now_ms);
}

static void results(struct csession *c, uint64_t now_ms, const struct msg *m)
{
	uint64_t first = m->h.number;

	if (c->link == LINK_OPEN) {
		if (c->counted && first > c->received)
			gap(c, now_ms, first);
		if (!c->counted || first + m->u.results.n > c->received)
			c->received = first + m->u.results.n;
		c->counted = true;
	}
	c->place = (struct place){ .kind = AT_RESULTS, .m = m };
}

static bool next_result(struct csession *c, struct csession_event *ev)
{
	const struct msg *m = c->place.m;

	while (c->place.rec < m->u.results.n) {
		const struct msg_result_rec *r = &m->u.results.v[c->place.rec++];

		if (r->state != JOB_NONE && !job_state_terminal((enum job_state)r->state))
			continue;
		if (unlikely(!awaited_take(&c->awaited, r->id, &ev->tag))) {
			c->counts.strays++;
			continue;
		}
		c->result_ms = c->heard_ms;
		c->quiet_ms = CSESSION_QUIET_FIRST_MS;
		ev->kind = CSESSION_RESULT;
		ev->error = SHEAF_OK;
		ev->id = r->id;
		ev->result = r;
		return true;
	}
	c->place.kind = AT_NOTHING;
	return false;
}

/* ---- requests ---- */

/* The broker's answer to `r` makes no sense: it will make no more sense the second time. */
static void refuse(struct csession *c, struct request *r, enum sheaf_error e, struct span text)
{
	c->place = (struct place){ .kind = AT_REFUSED, .request = r };
	c->place.one = (struct csession_event){ .kind = CSESSION_REFUSED, .error = e, .call = r->call, .text = text };
}

/* Steps to the next job of place.request; after the last one the request is no more. */
static void next_job(struct csession *c)
{
	c->requests.jobs--;
	c->place.request->n_ended++;
	if (++c->place.job < c->place.request->n_jobs)
		return;
	requests_release(&c->requests, c->place.request);
	c->place.request = NULL;
	c->place.job = 0;
	c->place.rec++;
}

static bool next_refused(struct csession *c, struct csession_event *ev)
{
	struct request *r = c->place.request;

	if (!r) {
		c->place.kind = AT_NOTHING;
		return false;
	}
	*ev = c->place.one;
	ev->tag = r->jobs[c->place.job].tag;
	next_job(c);
	return true;
}

/* The request that the next record of ACCEPTED names, if it is one that waits for it. */
static struct request *accepted_request(struct csession *c, const struct msg_accepted_rec *a)
{
	struct request *r = requests_find(&c->requests, a->number);

	if (!r || r->kind != MSG_SUBMIT)
		return NULL; /* answered before */
	if (a->count != r->n_jobs || a->first == 0 || a->first + a->count < a->first)
		return NULL; /* cannot be: it stays unanswered and goes again */
	c->held_up = SHEAF_OK;
	c->result_ms = c->heard_ms;
	return r;
}

/* A PUBLISH was accepted: one event for all of its messages. */
static void published(struct csession *c, struct request *r, const struct msg_accepted_rec *a,
                      struct csession_event *ev)
{
	*ev = (struct csession_event){
		.kind = CSESSION_PUBLISHED, .call = r->call, .number = r->number, .id = a->first, .count = a->count
	};
	c->held_up = SHEAF_OK;
	requests_release(&c->requests, r);
	c->place.rec++;
}

/* The PUBLISH that a record of ACCEPTED names, if it is one. */
static struct request *accepted_publish(struct csession *c, const struct msg_accepted_rec *a)
{
	struct request *r = requests_find(&c->requests, a->number);

	return r && r->kind == MSG_PUBLISH && a->count == r->count ? r : NULL;
}

static bool next_accepted(struct csession *c, struct csession_event *ev)
{
	const struct msg *m = c->place.m;

	for (; c->place.rec < m->u.accepted.n; c->place.rec++) {
		const struct msg_accepted_rec *a = &m->u.accepted.v[c->place.rec];
		struct request *r = c->place.request;

		if (!r && c->place.job == 0 && (r = accepted_publish(c, a)) != NULL) {
			published(c, r, a, ev);
			return true;
		}
		if (!r && c->place.job == 0)
			r = c->place.request = accepted_request(c, a);
		if (!r) {
			c->place.job = 0;
			continue;
		}
		ev->kind = CSESSION_ACCEPTED;
		ev->error = SHEAF_OK;
		ev->call = r->call;
		ev->number = r->number;
		ev->tag = r->jobs[c->place.job].tag;
		ev->id = a->first + c->place.job;
		/* the answer to a retry may come after the end of the job: ask for that */
		if (r->policy.want && awaited_put(&c->awaited, ev->id, ev->tag) && r->again)
			csession_wait_one(c, ev->id);
		next_job(c);
		return true;
	}
	c->place.kind = AT_NOTHING;
	return false;
}

static void answer(struct csession *c, struct request *r, const struct msg *m)
{
	struct csession_event ev = { .kind = CSESSION_ANSWER, .call = r->call, .number = r->number, .answer = m };

	if (m->h.kind == MSG_REPLY) {
		ev.error = (enum sheaf_error)m->u.reply.error;
		ev.text = m->u.reply.text;
	}
	if (r->kind == MSG_SUBMIT_ALL && !request_answers_all(r, m))
		ev.error = SHEAF_E_MALFORMED;
	else if (m->h.kind == MSG_ALL_ACCEPTED)
		c->held_up = SHEAF_OK;
	if ((r->kind == MSG_SUBSCRIBE || r->kind == MSG_UNSUBSCRIBE) && !subs_answered(c, r, ev.error)) {
		struct sub *sub = subs_find(&c->subs, r->sub);

		if (ev.error && sub && sub->state != SUB_LEAVING)
			one_event(c, &(struct csession_event){ .kind = CSESSION_OVER, .tag = sub->tag });
		requests_release(&c->requests, r);
		return;
	}
	requests_release(&c->requests, r);
	one_event(c, &ev);
}

/* An answer to a numbered request, whatever its kind. */
static void answered(struct csession *c, uint64_t now_ms, const struct msg *m)
{
	struct request *r = requests_find(&c->requests, m->h.number);
	uint32_t error = m->h.kind == MSG_REPLY ? m->u.reply.error : SHEAF_OK;

	if (!r)
		return;
	if (passes(error)) {
		c->held_up = (enum sheaf_error)error;
		requests_retry(&c->requests, r, now_ms + csession_pause(c, r->refused++, HELD_FIRST_MS, HELD_MOST_MS));
	} else if (r->kind != MSG_SUBMIT) {
		answer(c, r, m);
	} else if (error) {
		refuse(c, r, (enum sheaf_error)error, m->u.reply.text);
	} else {
		refuse(c, r, SHEAF_E_MALFORMED, span_of(NULL, 0));
	}
}

/* ---- pings ---- */

/* Answers leave in order. One that is still missing when two pings have come back that were sent after the
 * request is lost: two, since answers of one turn of the broker may pass each other. */
static void find_lost_requests(struct csession *c)
{
	struct requests *q = &c->requests;

	for (uint64_t n = q->first; n < q->next; n++) {
		struct request *r = requests_find(q, n);

		if (r && r->state == REQUEST_SENT && c->pongs >= r->pings + LOST_PINGS)
			csession_again(c, r);
	}
}

/* A pong may overtake results of the same turn of the broker, so that more were pushed than came is a
 * suspicion until a second pong says so. */
static void compare_pushed(struct csession *c, uint64_t now_ms, uint64_t pushed)
{
	if (!c->counted) {
		c->received = pushed;
		c->counted = true;
	} else if (pushed <= c->received) {
		c->suspect = 0;
	} else if (c->suspect == 0) {
		c->suspect = pushed;
		c->suspect_ping = c->pings;
		c->ping_ms = now_ms;
	} else if (c->pongs > c->suspect_ping) {
		if (c->received < c->suspect)
			gap(c, now_ms, c->suspect);
		c->suspect = 0;
	}
}

/* The same for deliveries, which take longer where the broker reads them from its disk. */
static void compare_delivered(struct csession *c, uint64_t delivered)
{
	struct subs *s = &c->subs;

	if (!s->counted) {
		s->delivered = delivered;
		s->counted = true;
	} else if (delivered <= s->delivered) {
		s->suspect = 0;
	} else if (s->suspect <= s->delivered) { /* what was suspected has come: this is something else */
		s->suspect = delivered;
		s->suspect_ping = c->pings;
	} else if (c->pongs >= s->suspect_ping + LOST_MESSAGES) {
		c->counts.gaps++;
		subs_again(s);
	}
}

static void pong(struct csession *c, uint64_t now_ms, const struct msg *m)
{
	if (c->link != LINK_OPEN || m->h.number > c->pings || m->h.number <= c->pongs)
		return;
	c->pongs = m->h.number;
	c->unheard_ms = now_ms;
	find_lost_requests(c);
	compare_pushed(c, now_ms, m->u.ping.pushed);
	compare_delivered(c, m->u.ping.delivered);
	one_event(c, &(struct csession_event){ .kind = CSESSION_PONG, .number = m->h.number });
}

/* ---- messages ---- */

/* Deliveries are counted like results. What was lost goes back in line when all subscribe again; and so does what came
 * in this message, for who would tell which of it came before. */
static void messages(struct csession *c, const struct msg *m)
{
	struct subs *s = &c->subs;

	if (c->link != LINK_OPEN)
		return;
	if (s->counted && m->h.number != s->delivered) {
		c->counts.gaps++;
		subs_again(s);
	}
	s->counted = true;
	s->delivered = m->h.number + m->u.messages.n;
	if (!s->gap)
		c->place = (struct place){ .kind = AT_MESSAGES, .m = m };
}

static bool next_delivery(struct csession *c, struct csession_event *ev)
{
	const struct msg *m = c->place.m;

	while (c->place.rec < m->u.messages.n) {
		const struct msg_delivery_rec *r = &m->u.messages.v[c->place.rec++];
		struct sub *sub = subs_find(&c->subs, r->sub);

		if (!sub || sub->state != SUB_ON || r->mask == 0) {
			c->counts.strays++;
			continue;
		}
		subs_came(c, sub, r);
		*ev = (struct csession_event){ .kind = CSESSION_MESSAGES, .tag = sub->tag, .delivery = r };
		return true;
	}
	c->place.kind = AT_NOTHING;
	return false;
}

static bool next_gone(struct csession *c, struct csession_event *ev)
{
	const struct msg *m = c->place.m;

	while (c->place.rec < m->u.gone.n) {
		const struct msg_gone_rec *r = &m->u.gone.v[c->place.rec++];
		struct sub *sub = subs_find(&c->subs, r->sub);

		if (!sub || sub->state == SUB_LEAVING)
			continue;
		*ev = (struct csession_event){ .kind = CSESSION_GONE, .tag = sub->tag, .gone = r };
		if (r->run == 0 && r->why == GONE_DELETED)
			ev->kind = CSESSION_OVER;
		return true;
	}
	c->place.kind = AT_NOTHING;
	return false;
}

/* ---- the way in and out ---- */

void csession_message(struct csession *c, uint64_t now_ms, const struct msg *m)
{
	must(c->place.kind == AT_NOTHING);
	if (c->link == LINK_FAILED || c->link == LINK_CLOSED)
		return;
	if (m->h.session != c->session && m->h.session != 0)
		return;
	c->heard_ms = now_ms;
	switch (m->h.kind) {
	case MSG_CLIENT_WELCOME:
		welcome(c, now_ms, m);
		break;
	case MSG_NO_SESSION:
		no_session(c, now_ms);
		break;
	case MSG_ACCEPTED:
		c->place = (struct place){ .kind = AT_ACCEPTED, .m = m };
		break;
	case MSG_RESULTS:
		if (m->u.results.answer)
			answered(c, now_ms, m);
		else
			results(c, now_ms, m);
		break;
	case MSG_PONG:
		pong(c, now_ms, m);
		break;
	case MSG_MESSAGES:
		messages(c, m);
		break;
	case MSG_MESSAGES_GONE:
		c->place = (struct place){ .kind = AT_GONE, .m = m };
		break;
	case MSG_REPLY:
		if (m->h.number == 0)
			unnumbered_refusal(c, now_ms, m);
		else
			answered(c, now_ms, m);
		break;
	default:
		/* whatever else a broker says to clients answers a request by its number */
		if (m->h.kind > MSG_CLIENT_WELCOME && m->h.kind < MSG_WORKER_HELLO)
			answered(c, now_ms, m);
		break;
	}
}

bool csession_event(struct csession *c, struct csession_event *ev)
{
	if (unlikely(c->subs.gap)) {
		c->subs.gap = false;
		*ev = (struct csession_event){ .kind = CSESSION_GAP };
		return true;
	}
	switch (c->place.kind) {
	case AT_NOTHING:
		return false;
	case AT_ONE:
		*ev = c->place.one;
		c->place.kind = AT_NOTHING;
		return true;
	case AT_ACCEPTED:
		return next_accepted(c, ev);
	case AT_REFUSED:
		return next_refused(c, ev);
	case AT_RESULTS:
		return next_result(c, ev);
	case AT_MESSAGES:
		return next_delivery(c, ev);
	case AT_GONE:
		return next_gone(c, ev);
	}
	return false;
}
