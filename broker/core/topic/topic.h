/* Topics, channels and consumers: the walk of a message.
 *
 * PUBLISH (publish.c) writes a MESSAGES_PUT fact and makes runs of it (run.c). They are there for the topic's channels
 * at once, unless the topic is paused or has no channel (topic.c: `passed`). A channel with a consumer that may have
 * more is hot; at the end of the shell's turn deliver.c takes what came back in line, or moves the cursor on, makes a
 * parcel (parcel.c) in the hands of the consumer whose turn it is, and says FX_DELIVER. SETTLE (settle.c) ends the
 * parcel's messages, sends them back in line or gives them more time; time does the same (parcel.c: returns, dues).
 * When no cursor, parcel or retention needs a run any more it is freed (run.c), and with it its bytes in the log.
 *
 * Facts are made true by the same functions live and in a replay. See state.h for the structs, fact.h for the facts. */
#ifndef SHEAF_CORE_TOPIC_TOPIC_H
#define SHEAF_CORE_TOPIC_TOPIC_H

#include "broker/core/state.h"

/* The topic of this name, or NULL; the one of an index, made without a name in a replay. */
struct topic *topic_find(const struct core *c, struct span name);
struct topic *topic_at(struct core *c, uint16_t index);
/* Made with its fact if there is none; NULL at LIMIT_TOPICS. */
struct topic *topic_for(struct core *c, struct span name);
struct channel *channel_find(const struct topic *t, struct span name);
struct channel *channel_at(struct core *c, uint16_t index, struct topic *t);
/* Made with its fact if there is none; NULL at the limits. since_ms as in msg_subscribe. */
struct channel *channel_for(struct core *c, struct topic *t, struct span name, uint64_t since_ms);

/* Whether the name ends as those of what is gone with its last consumer, and is in no fact. */
bool topic_ephemeral(struct span name);
/* Gives it a name, as in a replay, that it had not. */
void topic_name(struct core *c, struct topic *t, struct span name);
/* Writes it as it is now into the step's block, unless it is ephemeral or being deleted. */
void topic_fact(struct core *c, const struct topic *t);
/* Whether it passes on what comes; else that waits for it to be resumed, or for a channel. */
static inline bool topic_flows(const struct topic *t)
{
	return !t->paused && !t->doomed && t->n_channels > 0 && t->drop_to == 0;
}
/* The first run that it has not passed, or NULL. */
static inline struct run *topic_unpassed(const struct topic *t)
{
	return t->drop != NULL ? t->drop : t->unseen;
}
/* Passes on what waited, if it may. */
void topic_pump(struct core *c, struct topic *t);
/* Runs were put, up to core.topics.next_run, of which this is the first: tells the channels. */
void topic_arrived(struct core *c, struct topic *t, struct run *first, uint64_t messages);
/* It has no channels and no runs. */
void topic_free(struct core *c, struct topic *t);

void topics_init(struct core *c);
void topics_fini(struct core *c);

/* Requests of clients; each answers, but credit and settle. */
void publish_request(struct core *c, struct client *cl, const struct msg *m);
void subscribe_request(struct core *c, struct client *cl, const struct msg *m);
void unsubscribe_request(struct core *c, struct client *cl, const struct msg *m);
void credit_request(struct core *c, struct client *cl, const struct msg *m);
void settle_request(struct core *c, struct client *cl, const struct msg *m);
void topic_op_request(struct core *c, struct client *cl, const struct msg *m);
void topic_list_request(struct core *c, struct client *cl, const struct msg *m);

/* A client session is gone or silent: its subscriptions end, what they hold goes back in line. Sliced through the tick.
 */
void consumers_drop(struct core *c, struct client *cl);

/* Publishes one message from inside the core, in the step's block: before turn_commit, which makes it true. The topic
 * exists. False if there is no room for it in this step, or the message is too large. */
MUST_CHECK bool topic_publish(struct core *c, struct topic *t, struct span body);
/* EV_FETCHED, EV_BAD_MESSAGES. */
void letters_fetched(struct core *c, uint64_t token, bool bad, struct span packed);
void deliver_bad(struct core *c, uint64_t token);

/* The part of a tick, before it is committed: time, deliveries, what goes in slices. */
void topic_tick(struct core *c);
/* Core time at which there is something to do; 0 = now. */
uint64_t topic_deadline(const struct core *c);

#endif
