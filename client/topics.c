/* Topics and channels: publishing, and the messages of subscriptions; see sheaf.h. What comes of subscriptions during
 * any call is copied to the inbox, from which sheaf_message() takes one at a time. */
#include <stdlib.h>

#include "base/be.h"
#include "client/handle.h"
#include "proto/packed.h"

enum { PART_MESSAGES = 16384, PART_BYTES = 2 * MIB, HEAD = sizeof(uint32_t) };

static const uint64_t WINDOW = MIB;

static enum sheaf_error bad_name(struct sheaf *s, const char *what, const char *name)
{
	return handle_fail(s, SHEAF_E_BAD_NAME,
	                   "no %s can be named \"%.80s\": a name is 1 to %d letters, digits, . _ and -, and may end in "
	                   "#ephemeral",
	                   what, name, LIMIT_NAME);
}

/* ---- the inbox ---- */

void inbox_init(struct sheaf *s)
{
	s->last_in = &s->first_in;
	buf_init(&s->packed);
}

static void drop_all(struct sheaf *s)
{
	while (s->first_in) {
		struct inbox_item *it = s->first_in;

		s->first_in = it->next;
		free(it);
	}
	s->last_in = &s->first_in;
}

void inbox_fini(struct sheaf *s)
{
	drop_all(s);
	free(s->in_hand);
	free(s->subs);
	buf_fini(&s->packed);
}

static void came(struct sheaf *s, uint32_t sub, const struct msg_delivery_rec *r)
{
	struct inbox_item *it = malloc(sizeof *it + r->packed.n);

	must(it);
	*it = (struct inbox_item){ .sub = sub, .rec = *r };
	if (r->packed.n)
		memcpy(it->bytes, r->packed.p, r->packed.n);
	it->rec.packed = span_of(it->bytes, r->packed.n);
	*s->last_in = it;
	s->last_in = &it->next;
}

/* These are not ours any more: those that wait in the inbox are not handed out. */
static void gone(struct sheaf *s, const struct msg_gone_rec *r)
{
	for (struct inbox_item *it = s->first_in; it; it = it->next)
		if (it->rec.run == r->run && it->rec.token == r->token)
			it->gone |= r->mask;
}

bool inbox_take(struct sheaf *s, const struct csession_event *ev)
{
	switch (ev->kind) {
	case CSESSION_MESSAGES:
		came(s, (uint32_t)ev->tag, ev->delivery);
		return true;
	case CSESSION_GONE:
		gone(s, ev->gone);
		return true;
	case CSESSION_GAP:
		drop_all(s);
		return true;
	case CSESSION_OVER:
		s->subs[ev->tag].over = true;
		return true;
	default:
		return false;
	}
}

/* Lets the window go on with what was handed out. */
static void grant(struct sheaf *s, struct subscribed *sub, bool now)
{
	if (!now && sub->received + sub->window - sub->granted < sub->window / 2)
		return;
	sub->granted = sub->received + sub->window;
	csession_credit(s->session, sub->number, sub->ready, sub->granted);
}

/* The next message of the inbox's first delivery; the delivery goes when it was its last. */
static bool next_message(struct sheaf *s, struct sheaf_message *m)
{
	while (s->first_in) {
		struct inbox_item *it = s->first_in;
		uint64_t bit = it->rec.mask & -it->rec.mask;
		size_t left = it->rec.packed.n - it->at, n = left >= HEAD ? be_get32(it->bytes + it->at) : 0;
		bool good = bit != 0 && left >= HEAD && n <= left - HEAD;

		*m = (struct sheaf_message){ .sub = it->sub,
			                     .id = it->rec.run * RUN_MESSAGES +
			                           (bit ? (uint64_t)__builtin_ctzll(bit) : 0),
			                     .attempts = it->rec.attempts,
			                     .time_ns = it->rec.time_ns,
			                     .body = good ? span_of(it->bytes + it->at + HEAD, n) : span_of(NULL, 0),
			                     .token = it->rec.token };
		it->at += (uint32_t)(HEAD + n);
		it->rec.mask ^= bit;
		if (good) {
			s->subs[it->sub].received += HEAD + n;
			grant(s, &s->subs[it->sub], false);
		}
		if (!good || it->rec.mask == 0) {
			s->first_in = it->next;
			if (!s->first_in)
				s->last_in = &s->first_in;
			free(s->in_hand);
			s->in_hand = it; /* the body is in it */
		}
		if (good && !(it->gone & bit) && s->subs[m->sub].used)
			return true;
	}
	return false;
}

/* ---- publishing ---- */

/* A publish on its way. */
struct publish {
	struct call k;
	const char *topic;
	const struct span *messages;
	size_t n, at; /* messages, and how many have been posted */
	uint64_t defer_ms;
	uint64_t first_number, first;
	uint32_t unanswered;
	size_t done;
	enum sheaf_error error;
};

/* Posts the next part; false if there is no room for it now. */
static bool post_part(struct publish *p)
{
	struct sheaf *s = p->k.s;
	uint32_t n = 0, most = s->part ? s->part : PART_MESSAGES;
	uint64_t number;

	if (!csession_publish_room(s->session))
		return false;
	buf_clear(&s->packed);
	while (p->at + n < p->n && n < most) {
		struct span m = p->messages[p->at + n];

		if (n > 0 && s->packed.n + HEAD + m.n > PART_BYTES)
			break;
		packed_put(&s->packed, m);
		n++;
	}
	p->error =
	    csession_publish(s->session, span_str(p->topic), p->defer_ms, n, buf_span(&s->packed), p->k.id, &number);
	if (p->error)
		return false;
	if (p->at == 0)
		p->first_number = number;
	p->at += n;
	p->unanswered++;
	return true;
}

static void published(struct publish *p, const struct csession_event *ev)
{
	if (ev->kind != CSESSION_PUBLISHED && ev->kind != CSESSION_ANSWER)
		return;
	p->unanswered--;
	if (ev->kind == CSESSION_ANSWER && !p->error)
		p->error = handle_refused(p->k.s, ev->error ? ev->error : SHEAF_E_MALFORMED, ev->text);
	if (ev->kind != CSESSION_PUBLISHED)
		return;
	p->done += ev->count;
	if (ev->number == p->first_number)
		p->first = ev->id;
}

static enum sheaf_error check_messages(struct sheaf *s, const char *topic, const struct span *v, size_t n)
{
	const struct msg_client_welcome *w = sheaf_welcome(s);
	uint64_t most = LIMIT_PUBLISH_BYTES - HEAD;

	if (w && w->message_max && w->message_max < most)
		most = w->message_max;
	if (!name_topic_ok(span_str(topic)))
		return bad_name(s, "topic", topic);
	for (size_t i = 0; i < n; i++) {
		if (v[i].n == 0)
			return handle_fail(s, SHEAF_E_BAD_VALUE, "a message has at least one byte");
		if (v[i].n > most)
			return handle_fail(s, SHEAF_E_TOO_LARGE, "a message of %zu bytes is over the limit of %llu",
			                   v[i].n, (unsigned long long)most);
	}
	return SHEAF_OK;
}

enum sheaf_error sheaf_publish(sheaf_t *s, const char *topic, const struct span *messages, size_t n, uint64_t defer_ms,
                               uint64_t ms, uint64_t *first, size_t *done)
{
	struct publish p = {
		.k = call_begin(s, ms), .topic = topic, .messages = messages, .n = n, .defer_ms = defer_ms
	};
	struct csession_event ev = { 0 };
	enum sheaf_error e = check_messages(s, topic, messages, n);

	if (!e && defer_ms > LIMIT_DEFER_MS)
		e = handle_fail(s, SHEAF_E_BAD_VALUE, "a message is deferred by at most 366 days");
	while (!e && (p.unanswered > 0 || (p.at < p.n && !p.error))) {
		while (p.at < p.n && !p.error && post_part(&p))
			;
		e = call_next(&p.k, &ev);
		if (!e)
			published(&p, &ev);
	}
	if (e)
		csession_forget(s->session, p.k.id);
	if (done)
		*done = p.done;
	if (first && !e)
		*first = p.first;
	return e ? e : p.error;
}

/* ---- subscriptions ---- */

/* A place for a subscription. */
static uint32_t take_place(struct sheaf *s)
{
	for (uint32_t i = 0; i < s->n_subs; i++)
		if (!s->subs[i].used)
			return i;
	s->subs = realloc(s->subs, (s->n_subs + 1) * sizeof s->subs[0]);
	must(s->subs);
	return s->n_subs++;
}

/* Waits for the answer to a request of this call that is not csession_request's. */
static enum sheaf_error wait_answer(struct call *k)
{
	struct csession_event ev = { 0 };

	do {
		enum sheaf_error e = call_next(k, &ev);

		if (e)
			return e;
	} while (ev.kind != CSESSION_ANSWER);
	return ev.error ? handle_refused(k->s, ev.error, ev.text) : SHEAF_OK;
}

enum sheaf_error sheaf_subscribe(sheaf_t *s, const char *topic, const char *channel, const struct sheaf_subscription *o,
                                 uint64_t ms, uint32_t *sub)
{
	struct call k = call_begin(s, ms);
	struct msg_subscribe want = { .topic = span_str(topic),
		                      .channel = span_str(channel),
		                      .timeout_ms = o->timeout_ms,
		                      .since_ms = o->since_ms,
		                      .sample = o->sample };
	struct subscribed *mine;
	uint32_t place, number;
	enum sheaf_error e;

	if (!name_topic_ok(want.topic))
		return bad_name(s, "topic", topic);
	if (!name_topic_ok(want.channel))
		return bad_name(s, "channel", channel);
	place = take_place(s);
	mine = &s->subs[place];
	*mine = (struct subscribed){ .used = true,
		                     .ready = o->ready ? o->ready : 1,
		                     .window = o->bytes ? o->bytes : WINDOW };
	e = csession_subscribe(s->session, &want, place, k.id, &number);
	if (e) {
		mine->used = false;
		return handle_fail(s, e, "%s", sheaf_error_text(e));
	}
	mine->number = number;
	grant(s, mine, true);
	e = wait_answer(&k);
	if (e) {
		csession_unsubscribe(s->session, number, 0);
		s->subs[place].used = false;
		return e;
	}
	*sub = place;
	return SHEAF_OK;
}

static struct subscribed *find(struct sheaf *s, uint32_t sub)
{
	return sub < s->n_subs && s->subs[sub].used ? &s->subs[sub] : NULL;
}

enum sheaf_error sheaf_ready(sheaf_t *s, uint32_t sub, uint32_t ready)
{
	struct subscribed *mine = find(s, sub);

	if (!mine)
		return handle_fail(s, SHEAF_E_UNKNOWN, "there is no such subscription");
	mine->ready = ready;
	grant(s, mine, true);
	return SHEAF_OK;
}

/* One that the broker has ended, of which the user has not heard. */
static bool find_over(struct sheaf *s, struct sheaf_message *m)
{
	for (uint32_t i = 0; i < s->n_subs; i++) {
		if (!s->subs[i].used || !s->subs[i].over)
			continue;
		s->subs[i].over = false;
		*m = (struct sheaf_message){ .sub = i };
		return true;
	}
	return false;
}

enum sheaf_error sheaf_message(sheaf_t *s, uint64_t ms, struct sheaf_message *m)
{
	struct call k;
	struct csession_event ev;
	enum sheaf_error e = SHEAF_OK;

	if (next_message(s, m))
		return SHEAF_OK;
	k = call_begin(s, ms);
	s->wants_messages = true;
	while (!e && !next_message(s, m)) {
		if (find_over(s, m))
			e = handle_fail(s, SHEAF_E_GONE, "the channel was deleted");
		else
			e = call_next(&k, &ev);
	}
	s->wants_messages = false;
	return e;
}

enum sheaf_error sheaf_settle(sheaf_t *s, const struct sheaf_message *m, enum settle_verdict verdict, uint64_t delay_ms)
{
	if (delay_ms > LIMIT_DEFER_MS)
		return handle_fail(s, SHEAF_E_BAD_VALUE, "a message is deferred by at most 366 days");
	csession_settle(s->session, &(struct msg_settle_rec){ .run = m->id / RUN_MESSAGES,
	                                                      .token = m->token,
	                                                      .mask = UINT64_C(1) << m->id % RUN_MESSAGES,
	                                                      .verdict = verdict,
	                                                      .delay_ms = delay_ms });
	return SHEAF_OK;
}

/* A ping that leaves behind what was settled: its pong is behind the sync of that. */
enum sheaf_error sheaf_settled(sheaf_t *s, uint64_t ms)
{
	uint64_t us;

	s->now_ms = handle_until(s, 0);
	handle_send(s);
	return sheaf_ping(s, ms, &us);
}

enum sheaf_error sheaf_unsubscribe(sheaf_t *s, uint32_t sub, uint64_t ms)
{
	struct call k = call_begin(s, ms);
	struct subscribed *mine = find(s, sub);

	if (!mine)
		return handle_fail(s, SHEAF_E_UNKNOWN, "there is no such subscription");
	mine->used = false;
	csession_unsubscribe(s->session, mine->number, k.id);
	return wait_answer(&k);
}

/* ---- topics ---- */

enum sheaf_error sheaf_topic_op(sheaf_t *s, const struct msg_topic_op *op, uint64_t ms)
{
	struct msg m = { .h.kind = MSG_TOPIC_OP, .u.topic_op = *op };
	const struct msg *a;
	enum sheaf_error e = handle_ask(s, &m, ms, &a);

	if (e)
		return e;
	return a->h.kind == MSG_REPLY ? SHEAF_OK : handle_strange(s);
}

enum sheaf_error sheaf_topics(sheaf_t *s, const char *topic, uint64_t ms, sheaf_topic_fn *each, void *ctx)
{
	struct call k = call_begin(s, ms);
	struct msg m = { .h.kind = MSG_TOPIC_LIST };
	const struct msg *a;
	enum sheaf_error e;
	bool any = false;

	if (topic && !name_topic_ok(span_str(topic)))
		return bad_name(s, "topic", topic);
	if (topic)
		m.u.topic_list.topic = span_str(topic);
	do {
		e = call_ask(&k, &m, &a);
		if (e)
			return e;
		if (a->h.kind != MSG_TOPICS_INFO ||
		    (a->u.topics_info.more && a->u.topics_info.next <= m.u.topic_list.after))
			return handle_strange(s);
		for (uint32_t i = 0; i < a->u.topics_info.n; i++)
			each(ctx, &a->u.topics_info.v[i]);
		any = any || a->u.topics_info.n > 0;
		m.u.topic_list.after = a->u.topics_info.next;
	} while (a->u.topics_info.more);
	return topic && !any ? handle_fail(s, SHEAF_E_UNKNOWN, "there is no topic '%s'", topic) : SHEAF_OK;
}
