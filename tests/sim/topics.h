/* Topics in the simulation: the places where messages go, who publishes and subscribes (topic_actor.c is his life and
 * session, topic_user.c what he wants, topic_admin.c who makes, pauses and empties), and the model of what each of them
 * was promised (oracle_topic.c). */
#ifndef SHEAF_TESTS_SIM_TOPICS_H
#define SHEAF_TESTS_SIM_TOPICS_H

#include "tests/sim/sim.h"

enum { TOPICS = 8, PLACES = 14 };
enum topic_id { T_PLAIN, T_KEPT, T_WAITS, T_ORDER, T_TRIES, T_DEAD, T_FLASH, T_SMALL };
/* Channels of these topics. */
enum place_id {
	P_PLAIN_A,
	P_PLAIN_B,
	P_PLAIN_X, /* ephemeral */
	P_KEPT_A,
	P_KEPT_LATE, /* made at the end, with all that is kept */
	P_WAITS,     /* made at the end: there was no channel before */
	P_ORDER_A,   /* ordered */
	P_ORDER_B,
	P_TRIES_A, /* SIM_TRIES_A attempts, then to the dead-letter topic */
	P_TRIES_B, /* SIM_TRIES_B attempts, then dropped */
	P_DEAD,
	P_FLASH_A,
	P_FLASH_X,
	P_SMALL
};
enum { SIM_TRIES_A = 3, SIM_TRIES_B = 2, SIM_KEEP_BYTES = 20000 };

struct span sim_topic_name(uint32_t topic);
struct span sim_channel_name(uint32_t place);
uint32_t sim_topic_of(uint32_t place);
/* In no fact: nothing is promised of it. */
bool sim_fleeting(uint32_t place);

/* ---- oracle_topic.c, oracle_places.c ---- */

struct topic_oracle *topics_new(struct world *w);
void topics_free(struct topic_oracle *o);
/* A moment before which, or after which, something was sent; each is later than the last. */
uint64_t topics_moment(struct topic_oracle *o);

/* Somebody publishes so many; returns the tag of the first, the others have the next ones. */
uint64_t topics_publish(struct topic_oracle *o, uint32_t topic, uint32_t n, uint64_t defer_ms);
/* A message's body: its head; `length` bytes in all, of which the rest follows from the tag. */
void topics_body(struct topic_oracle *o, uint64_t tag, uint32_t length, struct buf *packed);
void topics_accepted(struct topic_oracle *o, uint64_t tag, uint32_t n, uint64_t first);
void topics_refused(struct topic_oracle *o, uint64_t tag, uint32_t n);

/* What is done to a topic, or with a place of it to a channel: asked for, and answered. */
void topics_op_sent(struct topic_oracle *o, const struct msg_topic_op *op, uint32_t topic, uint32_t place);
void topics_op_done(struct topic_oracle *o, const struct msg_topic_op *op, uint32_t topic, uint32_t place);
/* It was sent more than once. */
void topics_op_twice(struct topic_oracle *o, const struct msg_topic_op *op, uint32_t topic, uint32_t place);
/* A SUBSCRIBE that was sent at this moment is answered: the channel is there. */
void topics_subscribed(struct topic_oracle *o, uint32_t place, uint64_t sent);
/* It is ordered now, so one may subscribe. */
bool topics_ready(const struct topic_oracle *o, uint32_t place);
bool topics_held(const struct topic_oracle *o, uint32_t place);

/* The core delivers: an effect of this step; `packed` are the messages of the mask. And it leaves. */
void topics_delivered(struct topic_oracle *o, uint32_t place, const struct msg_delivery_rec *r);
void topics_left(struct topic_oracle *o, uint32_t place, const struct msg_delivery_rec *r);

/* The subscriber has sent SETTLE with this verdict; and an answer proves that it counts. */
struct settled {
	uint32_t place;
	uint64_t run, token, mask;
	uint32_t verdict, attempts;
	uint64_t moment;
	uint64_t not_before; /* wall clock: a requeued one does not come earlier */
	uint64_t life;       /* of the channel, see topics_life */
};
void topics_settling(struct topic_oracle *o, const struct settled *s);
void topics_proven(struct topic_oracle *o, const struct settled *s);
/* Changes when a channel is deleted. */
uint64_t topics_life(const struct topic_oracle *o, uint32_t place);

void topics_crashed(struct topic_oracle *o);
/* Everything that was promised has come true. */
bool topics_complete(const struct topic_oracle *o);
void topics_final(struct topic_oracle *o);
uint64_t topics_messages(const struct topic_oracle *o);
/* No durable channel has anything left: what is finished stays so over a crash. */
void topics_must_be_empty(struct topic_oracle *o, const struct core *core);

/* ---- topic_actor.c ---- */

struct topic_actor *topic_actor_new(struct world *w, uint32_t index);
void topic_actor_free(struct topic_actor *a);
void topic_actor_start(struct topic_actor *a);
void topic_actor_kill(struct topic_actor *a);
void topic_actor_reset(struct topic_actor *a);
void topic_actor_freeze(struct topic_actor *a, uint64_t until);
/* No more publishing; what comes is finished at once. */
void topic_actor_calm(struct topic_actor *a);
bool topic_actor_settled(const struct topic_actor *a);
/* The place of one of somebody's subscriptions, PLACES if there is none such. */
uint32_t topic_actor_place(uint32_t sub);

#endif
