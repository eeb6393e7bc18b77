/* See outbox.h. What needs the log is in slow.c. */
#include "broker/outbox.h"

#include <stdlib.h>

#include "broker/core/history.h"
#include "broker/slow.h"

/* The place for the message that gathers for this peer. A peer that shares it closes the other's message. */
static struct item **place_of(struct outbox *o, enum outbox_to to, uint64_t whom)
{
	uint64_t h = (whom * 4 + (uint64_t)to) * 0x9e3779b97f4a7c15u;

	return &o->open[h >> 56];
}

struct item *item_new(struct outbox *o, enum outbox_to to, uint64_t whom)
{
	struct item *it = o->spare;

	if (it != NULL) {
		o->spare = it->next;
		o->n_spare--;
	} else {
		it = calloc(1, sizeof *it);
		must(it != NULL);
	}
	it->next = NULL;
	it->to = to;
	it->whom = whom;
	it->position = 0;
	it->kind = ITEM_BYTES;
	it->n_wants = it->next_want = 0;
	it->late = 0;
	it->writer_kind = 0;
	buf_clear(&it->bytes);
	return it;
}

void item_free(struct outbox *o, struct item *it)
{
	for (uint32_t i = 0; i < it->n_wants; i++)
		free(it->wants[i].words);
	if (o->n_spare >= SPARE_MOST || it->bytes.cap > SPARE_BYTES) {
		buf_fini(&it->bytes);
		free(it->wants);
		free(it);
		return;
	}
	it->next = o->spare;
	o->spare = it;
	o->n_spare++;
}

void lane_add(struct outbox *o, struct lane *l, struct item *it)
{
	it->next = NULL;
	if (l->last != NULL)
		l->last->next = it;
	else
		l->first = it;
	l->last = it;
	o->waiting += it->bytes.n;
}

struct item *lane_take(struct outbox *o, struct lane *l)
{
	struct item *it = l->first;

	l->first = it->next;
	if (l->first == NULL)
		l->last = NULL;
	o->waiting -= it->counted;
	return it;
}

/* Puts a complete or incomplete item into its lane. Jobs and results keep their order: while the slow lane has
 * some, they go there too. */
static void enqueue(struct outbox *o, struct item *it)
{
	bool slow = it->n_wants > 0 || it->kind == ITEM_TRIM || it->kind == ITEM_PEEK || it->kind == ITEM_JOB ||
	            it->kind == ITEM_FETCH;
	bool ordered = it->to == TO_JOBS || it->writer_kind == MSG_RESULTS || it->writer_kind == MSG_MESSAGES ||
	               it->writer_kind == MSG_MESSAGES_GONE;

	it->counted = it->bytes.n;
	it->seq = o->seq++;
	if (slow || (ordered && o->slow.first != NULL))
		lane_add(o, &o->slow, it);
	else
		lane_add(o, it->writer_kind == MSG_MESSAGES ? &o->deliveries : &o->quick, it);
}

static void close_open(struct outbox *o, struct item **place)
{
	struct item *it = *place;

	*place = NULL;
	if (it->n_wants == 0)
		msg_end(&it->writer);
	enqueue(o, it);
}

void outbox_seal(struct outbox *o)
{
	for (uint32_t i = 0; i < o->n_used; i++) {
		o->listed[o->used[i]] = false;
		if (o->open[o->used[i]] != NULL)
			close_open(o, &o->open[o->used[i]]);
	}
	o->n_used = 0;
}

/* The open message of this kind for the peer; what is open there and does not fit is closed first. */
static struct item *open_for(struct outbox *o, enum outbox_to to, uint64_t whom, const struct msg_header *h,
                             uint32_t answer, size_t bytes)
{
	struct item **place = place_of(o, to, whom), *it = *place;

	if (it != NULL) {
		bool same = it->to == to && it->whom == whom && it->writer_kind == h->kind && !answer && !it->answer &&
		            msg_fits(&it->writer, it->late + bytes);
		bool room = same && it->bytes.n + it->late < GATHER_BYTES && it->writer.n + it->n_wants < LIMIT_RECORDS;
		bool counted = h->kind == MSG_RESULTS || h->kind == MSG_MESSAGES;

		/* a grant is never split, however large its headers are: the worker takes each number once */
		if ((same && h->kind == MSG_JOBS && it->number == h->number) || (room && h->kind == MSG_ACCEPTED) ||
		    (room && counted && it->number + it->writer.n + it->n_wants == h->number))
			return it;
		close_open(o, place);
	}
	it = item_new(o, to, whom);
	it->writer_kind = h->kind;
	it->number = h->number;
	it->answer = answer;
	msg_begin(&it->writer, &it->bytes, h, answer);
	*place = it;
	if (!o->listed[place - o->open]) {
		o->listed[place - o->open] = true;
		o->used[o->n_used++] = (uint8_t)(place - o->open);
	}
	return it;
}

static void add_accepted(struct outbox *o, const struct effect *e, uint64_t head, uint64_t epoch)
{
	struct msg_header h = { PROTO_VERSION_MAX, MSG_ACCEPTED, 0, epoch, e->session, 0 };
	struct item *it = open_for(o, TO_CLIENT, e->peer, &h, 0, 0);

	msg_put_accepted(&it->writer, &e->u.accepted);
	it->position = head;
}

static void add_result(struct outbox *o, const struct effect *e, uint64_t head, uint64_t epoch)
{
	struct msg_header h = { PROTO_VERSION_MAX, MSG_RESULTS, 0, epoch, e->session, e->number };
	struct msg_result_rec r = e->u.result.rec;
	struct span bytes = { 0 };
	size_t n = e->u.result.from_log ? e->stored.length : r.error.n + r.result.n;
	struct item *it = open_for(o, TO_CLIENT, e->peer, &h, e->u.result.answer, n);

	it->position = head;
	if (e->u.result.from_log) {
		if (o->world.bytes(o->world.ctx, &e->stored, &bytes) != 1) {
			slow_want_result(it, e);
			close_open(o, place_of(o, TO_CLIENT, e->peer)); /* its size is not counted yet */
			return;
		}
		history_result(bytes, e->u.result.error_length, &r);
	}
	msg_put_result(&it->writer, &r);
}

static void add_grant(struct outbox *o, const struct effect *e, uint64_t head, uint64_t epoch)
{
	struct msg_header h = { PROTO_VERSION_MAX, MSG_JOBS, 0, epoch, e->session, e->number };
	struct item *it = open_for(o, TO_JOBS, e->session, &h, 0, 0);
	struct msg_job_rec r = e->u.job;

	it->position = head;
	must(msg_fits(&it->writer, e->stored.length + r.headers.n)); /* the core keeps a grant's bytes in bounds */
	if (it->n_wants > 0 || o->world.bytes(o->world.ctx, &e->stored, &r.payload) != 1)
		slow_want_job(it, e);
	else
		msg_put_job(&it->writer, &r);
}

/* It does not wait for what the journal is told in the same turn, such as that the messages before it are finished. */
static void add_delivery(struct outbox *o, const struct effect *e, uint64_t epoch)
{
	struct msg_header h = { PROTO_VERSION_MAX, MSG_MESSAGES, 0, epoch, e->session, e->number };
	struct item *it = open_for(o, TO_CLIENT, e->peer, &h, 0, e->stored.length);
	struct span run = { 0 };
	int got;

	if (it->position < e->u.delivery.after)
		it->position = e->u.delivery.after;
	got = it->n_wants > 0 ? 0 : o->world.bytes(o->world.ctx, &e->stored, &run);
	if (got != 0) {
		slow_put_delivery(o, it, &e->u.delivery.rec, slow_all(e->u.delivery.count), got, run);
		return;
	}
	slow_want_delivery(it, e);
	it->late += e->stored.length;
}

static void add_message(struct outbox *o, enum outbox_to to, uint64_t whom, const struct msg *m, uint64_t head)
{
	struct item **place = place_of(o, to, whom), *it;

	if (*place != NULL)
		close_open(o, place); /* answers to one peer leave in order */
	it = item_new(o, to, whom);
	it->writer_kind = m->h.kind;
	it->position = head;
	msg_encode(&it->bytes, m);
	enqueue(o, it);
}

static void add_plain(struct outbox *o, const struct effect *e, enum outbox_to to, enum msg_kind kind, uint64_t head,
                      uint64_t epoch)
{
	struct msg m = { .h = { PROTO_VERSION_MAX, kind, 0, epoch, e->session, e->number } };

	if (kind == MSG_JOBS_WELCOME) {
		m.h.number = 0;
		m.u.nonce.nonce = e->number;
	}
	add_message(o, to, e->session, &m, head);
}

static void add_trim(struct outbox *o, const struct effect *e, uint64_t head)
{
	struct item *it;

	outbox_seal(o); /* what was gathered may still need what goes away */
	it = item_new(o, TO_CLIENT, e->u.position);
	it->kind = ITEM_TRIM;
	it->position = head;
	enqueue(o, it);
}

void outbox_add(struct outbox *o, const struct effect *e, uint64_t head, uint64_t epoch)
{
	switch (e->kind) {
	case FX_ACCEPTED:
		add_accepted(o, e, head, epoch);
		break;
	case FX_RESULT:
		add_result(o, e, head, epoch);
		break;
	case FX_GRANT:
		add_grant(o, e, head, epoch);
		break;
	case FX_REPLY:
		add_message(o, TO_CLIENT, e->peer, e->u.msg, head);
		break;
	case FX_CONTROL:
		add_message(o, TO_WORKER, e->peer, e->u.msg, head);
		break;
	case FX_NONCE:
		add_plain(o, e, TO_NONCE, MSG_JOBS_WELCOME, head, epoch);
		break;
	case FX_PROBE:
		add_plain(o, e, TO_JOBS, MSG_JOBS, head, epoch);
		break;
	case FX_PEEK:
		enqueue(o, slow_peek(o, e, head));
		break;
	case FX_JOB:
		enqueue(o, slow_job(o, e, head));
		break;
	case FX_DELIVER:
		add_delivery(o, e, epoch);
		break;
	case FX_FETCH:
		enqueue(o, slow_fetch(o, e, head));
		break;
	case FX_TRIM:
		add_trim(o, e, head);
		break;
	default:
		must(!"an effect that sends nothing");
	}
}

static bool ready(const struct lane *l, uint64_t synced)
{
	return l->first != NULL && l->first->position <= synced;
}

/* Of the lanes whose items are complete the one that has the next to go, or NULL. */
static struct lane *next_lane(struct outbox *o, uint64_t synced)
{
	bool quick = ready(&o->quick, synced), delivery = ready(&o->deliveries, synced);

	if (quick && delivery)
		return o->quick.first->seq < o->deliveries.first->seq ? &o->quick : &o->deliveries;
	return quick ? &o->quick : delivery ? &o->deliveries : NULL;
}

/* Deliveries are numbered: one that was read back does not go before an older one that still waits. */
static bool slow_ready(const struct outbox *o, uint64_t synced)
{
	const struct item *older = o->deliveries.first;

	return ready(&o->slow, synced) && (older == NULL || older->seq > o->slow.first->seq);
}

void outbox_flush(struct outbox *o, uint64_t synced)
{
	struct lane *l;

	while ((l = next_lane(o, synced)) != NULL) {
		struct item *it = lane_take(o, l);

		o->world.send(o->world.ctx, it->to, it->whom, buf_span(&it->bytes));
		item_free(o, it);
	}
	while (slow_ready(o, synced) && slow_run(o, o->slow.first))
		item_free(o, lane_take(o, &o->slow));
}

struct outbox *outbox_new(const struct outbox_world *world)
{
	struct outbox *o = calloc(1, sizeof *o);

	must(o != NULL);
	o->world = *world;
	buf_init(&o->picked);
	return o;
}

static void lane_free(struct outbox *o, struct lane *l)
{
	while (l->first != NULL)
		item_free(o, lane_take(o, l));
}

void outbox_free(struct outbox *o)
{
	if (o == NULL)
		return;
	outbox_seal(o);
	lane_free(o, &o->quick);
	lane_free(o, &o->deliveries);
	lane_free(o, &o->slow);
	while (o->spare != NULL) {
		struct item *it = o->spare;

		o->spare = it->next;
		buf_fini(&it->bytes);
		free(it->wants);
		free(it);
	}
	buf_fini(&o->picked);
	free(o);
}

uint64_t outbox_bytes(const struct outbox *o)
{
	return o->waiting;
}

bool outbox_empty(const struct outbox *o)
{
	return o->quick.first == NULL && o->deliveries.first == NULL && o->slow.first == NULL && o->n_used == 0;
}
