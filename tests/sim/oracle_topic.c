/* The auditor of topics: what everybody published, got and finished, held against the promises. See topics.h. */
#include "tests/sim/oracle_topic.h"

#include <stdlib.h>

#include "broker/core/state.h"

struct topic_oracle *topics_new(struct world *w)
{
	struct topic_oracle *o = calloc(1, sizeof *o);

	must(o != NULL);
	o->w = w;
	for (int i = 0; i < PLACES; i++)
		o->places[i].from = NEVER;
	for (int i = 0; i < TOPICS; i++)
		o->paused[i] = NEVER;
	o->places[P_WAITS].from = 0;
	o->kept_from = NEVER;
	return o;
}

void topics_free(struct topic_oracle *o)
{
	struct named *d, *next;

	HASH_ITER(hh, o->by_id, d, next)
	{
		HASH_DELETE(hh, o->by_id, d);
		free(d);
	}
	free(o->v);
	free(o);
}

uint64_t topics_moment(struct topic_oracle *o)
{
	return ++o->moment;
}

uint64_t topics_messages(const struct topic_oracle *o)
{
	return o->n;
}

/* ---- publishing ---- */

uint64_t topics_publish(struct topic_oracle *o, uint32_t topic, uint32_t n, uint64_t defer_ms)
{
	uint64_t first = o->n + 1, moment = topics_moment(o);

	while (o->n + n > o->cap) {
		o->cap = o->cap ? 2 * o->cap : 256;
		o->v = realloc(o->v, o->cap * sizeof o->v[0]);
		must(o->v != NULL);
	}
	for (uint32_t i = 0; i < n; i++, o->n++)
		o->v[o->n] = (struct message){ .tag = o->n + 1,
			                       .topic = topic,
			                       .sent = moment,
			                       .due_ms = defer_ms > 0 ? world_wall(o->w) + defer_ms : 0 };
	return first;
}

static struct message *by_tag(struct topic_oracle *o, uint64_t tag)
{
	if (tag == 0 || tag > o->n)
		world_fail(o->w, "a message with tag %llu, which nobody published", (unsigned long long)tag);
	return &o->v[tag - 1];
}

void topics_body(struct topic_oracle *o, uint64_t tag, uint32_t length, struct buf *packed)
{
	uint8_t *p = buf_room(packed, 4 + length);

	must(length >= 8);
	by_tag(o, tag)->length = length;
	p[0] = p[1] = 0;
	p[2] = (uint8_t)(length >> 8);
	p[3] = (uint8_t)length;
	memcpy(p + 4, &tag, 8);
	for (uint32_t i = 8; i < length; i++)
		p[4 + i] = (uint8_t)(tag * 7 + i);
	packed->n += 4 + length;
}

static struct named *by_id(const struct topic_oracle *o, uint64_t id)
{
	struct named *d;

	HASH_FIND(hh, o->by_id, &id, sizeof id, d);
	return d;
}

static uint64_t *name_of(struct message *m, bool dead)
{
	return dead ? &m->dead_id : &m->id;
}

/* The message has this id: the only one that it ever has, and nobody else has it. */
static void tie(struct topic_oracle *o, struct message *m, bool dead, uint64_t id, bool left)
{
	struct named *d = by_id(o, id);
	uint64_t *mine = name_of(m, dead);

	if ((d != NULL && d->tag != m->tag) || (*mine != 0 && *mine != id))
		world_fail(o->w, "message %llx with tag %llu: the tag had the id %llx, the id the tag %llu",
		           (unsigned long long)id, (unsigned long long)m->tag, (unsigned long long)*mine,
		           d != NULL ? (unsigned long long)d->tag : 0ull);
	if (d == NULL) {
		d = calloc(1, sizeof *d);
		must(d != NULL);
		d->id = id;
		d->tag = m->tag;
		HASH_ADD(hh, o->by_id, id, sizeof d->id, d);
	}
	*mine = id;
	d->left |= left;
}

void topics_accepted(struct topic_oracle *o, uint64_t tag, uint32_t n, uint64_t first)
{
	if (first % RUN_MESSAGES != 0)
		world_fail(o->w, "a publish whose first message is not the first of a run");
	tie(o, by_tag(o, tag), false, first, true);
	for (uint32_t i = 0; i < n; i++)
		by_tag(o, tag + i)->accepted = true;
}

void topics_refused(struct topic_oracle *o, uint64_t tag, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		by_tag(o, tag + i)->refused = true;
}

/* ---- deliveries ---- */

/* The message whose bytes these are. */
static struct message *read_body(struct topic_oracle *o, struct span body)
{
	struct message *m;
	uint64_t tag;

	if (body.n < 8)
		world_fail(o->w, "a message of %zu bytes, which nobody published", body.n);
	memcpy(&tag, body.p, 8);
	m = by_tag(o, tag);
	if (m->length != body.n)
		world_fail(o->w, "message %llu has %zu bytes, and had %u", (unsigned long long)tag, body.n, m->length);
	for (size_t i = 8; i < body.n; i++)
		if (body.p[i] != (uint8_t)(tag * 7 + i))
			world_fail(o->w, "the bytes of message %llu are others", (unsigned long long)tag);
	return m;
}

static void must_be_due(struct topic_oracle *o, const struct message *m, uint32_t place)
{
	const struct seen *s = &m->seen[place];
	const struct state *at = &o->places[place];
	unsigned long long tag = m->tag;

	if (m->refused)
		world_fail(o->w, "message %llu was refused and is delivered", tag);
	if (world_wall(o->w) < m->due_ms && place != P_DEAD)
		world_fail(o->w, "message %llu is delivered before its time", tag);
	if (world_wall(o->w) < s->not_before)
		world_fail(o->w, "message %llu was put off and is delivered before its time", tag);
	if (at->paused)
		world_fail(o->w, "message %llu is delivered by a paused channel", tag);
	if (m->sent > o->paused[sim_topic_of(place)] && place != P_DEAD)
		world_fail(o->w, "message %llu is delivered, and its topic was paused before it was sent", tag);
	if (s->finished)
		world_fail(o->w, "message %llu is delivered to %u again, and was finished", tag, place);
	if (place == P_TRIES_A && m->dead_id != 0 && by_id(o, m->dead_id)->left)
		world_fail(o->w, "message %llu is delivered, and is in the dead-letter topic", tag);
	if (place == P_DEAD && m->seen[P_TRIES_A].n < SIM_TRIES_A)
		world_fail(o->w, "message %llu died after %u deliveries", tag, m->seen[P_TRIES_A].n);
}

static void count_attempt(struct topic_oracle *o, struct message *m, uint32_t place, uint32_t attempts)
{
	struct seen *s = &m->seen[place];
	bool ok = attempts > s->floor && attempts <= s->n + 1 && (s->attempts == 0 || attempts == s->attempts + 1);

	if (o->places[place].deleting || sim_fleeting(place)) /* it may be another channel by now */
		ok = attempts > 0;
	if ((place == P_TRIES_A && attempts > SIM_TRIES_A) || (place == P_TRIES_B && attempts > SIM_TRIES_B))
		ok = false;
	if (!ok)
		world_fail(o->w,
		           "message %llu is delivered to %u for the %u. time; before: %u, %u deliveries, at least %u",
		           (unsigned long long)m->tag, place, attempts, s->attempts, s->n, s->floor);
	s->attempts = attempts;
	s->n = s->n + 1 > attempts ? s->n + 1 : attempts;
	s->moment = topics_moment(o);
}

static void must_be_in_order(struct topic_oracle *o, struct state *at, const struct msg_delivery_rec *r, uint64_t id)
{
	if ((r->mask & (r->mask - 1)) != 0)
		world_fail(o->w, "an ordered channel delivers several messages at a time");
	if (id < at->last_id)
		world_fail(o->w, "an ordered channel delivers %llx after %llx", (unsigned long long)id,
		           (unsigned long long)at->last_id);
	at->last_id = id;
}

/* Takes the next of the packed messages. */
static struct span next_packed(struct topic_oracle *o, struct span *packed)
{
	const uint8_t *p = packed->p;
	struct span body;
	uint32_t n = packed->n >= 4 ? (uint32_t)p[2] << 8 | p[3] : 0;

	if (packed->n < 4 || p[0] != 0 || p[1] != 0 || packed->n - 4 < n)
		world_fail(o->w, "a delivery's messages are not packed as they should be");
	body = span_of(p + 4, n);
	packed->p += 4 + n;
	packed->n -= 4 + n;
	return body;
}

static struct message *read_next(struct topic_oracle *o, uint32_t place, struct span *packed)
{
	struct message *m = read_body(o, next_packed(o, packed));

	if (m->topic != (place == P_DEAD ? T_TRIES : sim_topic_of(place)))
		world_fail(o->w, "message %llu is delivered to %u, and was published elsewhere",
		           (unsigned long long)m->tag, place);
	return m;
}

void topics_delivered(struct topic_oracle *o, uint32_t place, const struct msg_delivery_rec *r)
{
	struct span packed = r->packed;

	for (uint64_t rest = r->mask; rest != 0; rest &= rest - 1) {
		uint64_t id = r->run * RUN_MESSAGES + (uint64_t)__builtin_ctzll(rest);
		struct message *m = read_next(o, place, &packed);

		world_note(o->w, "message %llu to %u, attempt %u", (unsigned long long)m->tag, place, r->attempts);
		tie(o, m, place == P_DEAD, id, false);
		must_be_due(o, m, place);
		count_attempt(o, m, place, r->attempts);
		if (o->places[place].ordered)
			must_be_in_order(o, &o->places[place], r, id);
	}
	if (packed.n > 0)
		world_fail(o->w, "a delivery has more bytes than its messages");
}

void topics_left(struct topic_oracle *o, uint32_t place, const struct msg_delivery_rec *r)
{
	struct span packed = r->packed;

	for (uint64_t rest = r->mask; rest != 0; rest &= rest - 1)
		tie(o, read_next(o, place, &packed), place == P_DEAD,
		    r->run * RUN_MESSAGES + (uint64_t)__builtin_ctzll(rest), true);
}

static struct message *known(struct topic_oracle *o, uint64_t run, uint64_t bit)
{
	struct named *d = by_id(o, run * RUN_MESSAGES + bit);

	if (d == NULL)
		world_fail(o->w, "run %llu is settled, and nobody delivered it", (unsigned long long)run);
	return by_tag(o, d->tag);
}

void topics_settling(struct topic_oracle *o, const struct settled *s)
{
	if (s->verdict != SETTLE_FINISH || s->life != o->places[s->place].life)
		return;
	for (uint64_t rest = s->mask; rest != 0; rest &= rest - 1)
		known(o, s->run, (uint64_t)__builtin_ctzll(rest))->seen[s->place].settling = true;
}

void topics_proven(struct topic_oracle *o, const struct settled *s)
{
	if (s->life != o->places[s->place].life || o->places[s->place].deleting)
		return;
	for (uint64_t rest = s->mask; rest != 0; rest &= rest - 1) {
		struct seen *e = &known(o, s->run, (uint64_t)__builtin_ctzll(rest))->seen[s->place];

		if (s->verdict == SETTLE_FINISH)
			e->finished = true;
		if (s->verdict != SETTLE_REQUEUE)
			continue;
		e->floor = e->floor > s->attempts ? e->floor : s->attempts;
		if (e->moment < s->moment)
			e->not_before = s->not_before;
	}
}

void topics_crashed(struct topic_oracle *o)
{
	struct named *d, *next;

	HASH_ITER(hh, o->by_id, d, next)
	{
		struct message *m = by_tag(o, d->tag);

		if (d->left)
			continue;
		*name_of(m, m->dead_id == d->id) = 0;
		HASH_DELETE(hh, o->by_id, d);
		free(d);
	}
	for (uint64_t i = 0; i < o->n; i++)
		for (int p = 0; p < PLACES; p++)
			o->v[i].seen[p].attempts = 0;
	for (int p = 0; p < PLACES; p++)
		o->places[p].last_id = 0;
}

/* ---- the end ---- */

/* Whether the channel owes the message to somebody still. */
static bool owed(const struct topic_oracle *o, const struct message *m, uint32_t place)
{
	const struct seen *s = &m->seen[place];

	if (place == P_DEAD || o->places[place].twice || !m->accepted || m->topic != sim_topic_of(place) ||
	    m->sent <= o->places[place].from)
		return false;
	if (place == P_TRIES_A && m->dead_id != 0 && m->seen[P_DEAD].settling)
		return false;
	if (place == P_TRIES_B && s->n >= SIM_TRIES_B)
		return false; /* dropped, or about to be */
	return !s->settling;
}

bool topics_complete(const struct topic_oracle *o)
{
	for (uint64_t i = 0; i < o->n; i++)
		for (uint32_t p = 0; p < PLACES; p++)
			if (o->places[p].from != NEVER && owed(o, &o->v[i], p))
				return false;
	return true;
}

void topics_final(struct topic_oracle *o)
{
	for (uint64_t i = 0; i < o->n; i++)
		for (uint32_t p = 0; p < PLACES; p++)
			if (o->places[p].from != NEVER && owed(o, &o->v[i], p))
				world_fail(o->w, "message %llu was accepted, and channel %u has not delivered it (%u)",
				           (unsigned long long)o->v[i].tag, p, o->v[i].seen[p].n);
}

void topics_must_be_empty(struct topic_oracle *o, const struct core *core)
{
	for (uint32_t i = 0; i < core->topics.n_channels; i++) {
		const struct channel *ch = core->topics.channels[i];

		if (ch == NULL || ch->ephemeral || ch->topic->ephemeral ||
		    (o->late && (ch->paused || ch->topic->paused)))
			continue;
		if (ch->topic->passed_n != ch->passed || ch->n_waiting + ch->n_deferred + ch->n_in_hand > 0)
			world_fail(
			    o->w,
			    "channel %s of %s has %llu messages at the end, %llu waiting, %llu deferred, %llu in hand",
			    ch->name, ch->topic->name, (unsigned long long)(ch->topic->passed_n - ch->passed),
			    (unsigned long long)ch->n_waiting, (unsigned long long)ch->n_deferred,
			    (unsigned long long)ch->n_in_hand);
	}
}
