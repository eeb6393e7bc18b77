/* What is done to topics and channels, and what need not come any more because of it. See topics.h. */
#include "tests/sim/oracle_topic.h"

static const struct {
	uint32_t topic;
	const char *channel;
	bool fleeting;
} places[PLACES] = {
	[P_PLAIN_A] = { T_PLAIN, "a", false },
	[P_PLAIN_B] = { T_PLAIN, "b", false },
	[P_PLAIN_X] = { T_PLAIN, "x#ephemeral", true },
	[P_KEPT_A] = { T_KEPT, "a", false },
	[P_KEPT_LATE] = { T_KEPT, "late", false },
	[P_WAITS] = { T_WAITS, "late", false },
	[P_ORDER_A] = { T_ORDER, "a", false },
	[P_ORDER_B] = { T_ORDER, "b", false },
	[P_TRIES_A] = { T_TRIES, "a", false },
	[P_TRIES_B] = { T_TRIES, "b", false },
	[P_DEAD] = { T_DEAD, "all", false },
	[P_FLASH_A] = { T_FLASH, "a", true },
	[P_FLASH_X] = { T_FLASH, "x#ephemeral", true },
	[P_SMALL] = { T_SMALL, "a", false },
};

struct span sim_topic_name(uint32_t topic)
{
	static const char *const names[TOPICS] = { "plain", "kept", "waits",           "order",
		                                   "tries", "dead", "flash#ephemeral", "small" };

	return span_str(names[topic]);
}

struct span sim_channel_name(uint32_t place)
{
	return place < PLACES ? span_str(places[place].channel) : span_str("");
}

uint32_t sim_topic_of(uint32_t place)
{
	return places[place].topic;
}

bool sim_fleeting(uint32_t place)
{
	return places[place].fleeting;
}

/* What was sent up to now need not come any more. */
static void excuse(struct topic_oracle *o, uint32_t topic, uint32_t place, uint64_t from)
{
	for (uint32_t i = 0; i < PLACES; i++)
		if ((place < PLACES ? i == place : places[i].topic == topic) && o->places[i].from != NEVER)
			o->places[i].from = from;
}

/* A channel is another one now, for all that anybody knows. */
static void forget(struct topic_oracle *o, uint32_t place)
{
	struct state *s = &o->places[place];

	s->life++;
	s->last_id = 0;
	s->paused = false;
	for (uint64_t i = 0; i < o->n; i++)
		o->v[i].seen[place] = (struct seen){ .n = MANY }; /* it may have had any number */
}

void topics_op_sent(struct topic_oracle *o, const struct msg_topic_op *op, uint32_t topic, uint32_t place)
{
	if (op->op == TOPIC_RESUME && place < PLACES)
		o->places[place].paused = false;
	if (op->op == TOPIC_RESUME && place >= PLACES)
		o->paused[topic] = NEVER;
	if (op->op == TOPIC_EMPTY)
		excuse(o, topic, place, NEVER - 1);
	if (op->op == TOPIC_DELETE) {
		excuse(o, topic, place, NEVER - 1);
		o->paused[topic] = place < PLACES ? o->paused[topic] : NEVER;
	}
	for (uint32_t i = 0; op->op == TOPIC_DELETE && i < PLACES; i++) {
		if (place < PLACES ? i != place : places[i].topic != topic)
			continue;
		o->places[i].deleting = true;
		forget(o, i);
	}
}

void topics_op_done(struct topic_oracle *o, const struct msg_topic_op *op, uint32_t topic, uint32_t place)
{
	uint64_t moment = topics_moment(o);

	if (op->op == TOPIC_PAUSE && place < PLACES)
		o->places[place].paused = true;
	if (op->op == TOPIC_PAUSE && place >= PLACES)
		o->paused[topic] = moment;
	if (op->op == TOPIC_CREATE && place < PLACES && o->places[place].from == NEVER && !sim_fleeting(place))
		o->places[place].from = moment;
	if (op->op == TOPIC_CREATE && place == P_KEPT_LATE)
		o->places[place].from = o->kept_from;
	if (op->op == TOPIC_SET && topic == T_KEPT)
		o->kept_from = moment;
	if (op->op == TOPIC_SET && place == P_ORDER_A)
		o->places[place].ordered = true;
	if (op->op == TOPIC_SET && place < PLACES)
		o->places[place].set = true;
	if (op->op == TOPIC_EMPTY)
		excuse(o, topic, place, moment);
	for (uint32_t i = 0; op->op == TOPIC_DELETE && i < PLACES; i++) {
		if (place < PLACES ? i != place : places[i].topic != topic)
			continue;
		o->places[i].from = NEVER;
		o->places[i].gone = moment;
		o->places[i].deleting = false;
		forget(o, i);
	}
}

void topics_op_twice(struct topic_oracle *o, const struct msg_topic_op *op, uint32_t topic, uint32_t place)
{
	if (op->op != TOPIC_EMPTY && op->op != TOPIC_DELETE && op->op != TOPIC_PAUSE)
		return;
	o->late = true;
	for (uint32_t i = 0; i < PLACES; i++)
		if (place < PLACES ? i == place : places[i].topic == topic)
			o->places[i].twice = true;
}

void topics_subscribed(struct topic_oracle *o, uint32_t place, uint64_t sent)
{
	struct state *s = &o->places[place];

	if (s->from == NEVER && !s->deleting && sent > s->gone && !sim_fleeting(place))
		s->from = topics_moment(o);
}

bool topics_ready(const struct topic_oracle *o, uint32_t place)
{
	bool settings = place == P_ORDER_A || place == P_TRIES_A || place == P_TRIES_B;

	return (!settings || o->places[place].set) && place != P_KEPT_LATE && place != P_WAITS;
}

bool topics_held(const struct topic_oracle *o, uint32_t place)
{
	return o->places[place].paused || o->paused[places[place].topic] != NEVER;
}

uint64_t topics_life(const struct topic_oracle *o, uint32_t place)
{
	return o->places[place].life;
}
