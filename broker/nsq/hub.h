/* The edge's session with the broker: what the NSQ edge wants of topics and channels becomes messages of Sheaf's own
 * protocol, and what comes back finds its connection. There is one hub in an edge, on its one thread, in its libuv
 * loop; the session machine is libsheaf's (client/session.h), so the edge has no other door into the broker's state
 * than any client has.
 *
 * Nothing here blocks, and no callback comes from within a call: they come later, from the loop. Spans that are handed
 * in are copied, spans that are handed out live until the callback returns. */
#ifndef SHEAF_NSQ_HUB_H
#define SHEAF_NSQ_HUB_H

#include "base/must.h"
#include "base/span.h"
#include "proto/error.h"
#include "proto/msg_topic.h"

struct hub;
struct hub_sub;

/* How a request went; text says why not. For one `arg` the answers come in the order of the calls. */
typedef void (*hub_answer)(void *arg, enum sheaf_error error, struct span text);

/* Publishes `count` packed messages (proto/msg_topic.h), which are well-formed and within the broker's limits; any
 * count and any number of bytes: a large one goes in several parts, and the answer is that of all. SHEAF_OK: all are
 * durable. What is published to one topic during a turn of the loop leaves together. */
void hub_publish(struct hub *h, struct span topic, uint64_t defer_ms, uint32_t count, struct span packed,
                 hub_answer answer, void *arg);

/* A delivery, as in msg_delivery_rec. */
struct hub_delivery {
	uint64_t run;
	uint64_t token;
	uint64_t mask;
	uint32_t attempts;
	uint64_t time_ns;
	struct span packed;
};

/* What a subscription hears. */
struct hub_calls {
	void (*messages)(void *arg, const struct hub_delivery *d);
	/* No longer in its hands, or, GONE_STALE: were not when they were settled. */
	void (*gone)(void *arg, uint64_t run, uint64_t token, uint64_t mask, enum gone_why why);
	/* The channel is deleted: nothing more comes, and hub_unsubscribe is still to be called. */
	void (*over)(void *arg);
};

/* What a subscription asks for; 0 = the broker's defaults, as in msg_subscribe. */
struct hub_terms {
	uint64_t timeout_ms;
	uint64_t most_ms;
	uint32_t sample;
	uint32_t consumers;
};

/* Subscribes; `calls` outlives it. When it is refused the caller still has to call hub_unsubscribe. After a loss of
 * messages between here and the broker, `gone` is called with run 0 and the whole mask: nothing is in its hands any
 * more; its window in bytes then goes on from what has come. */
struct hub_sub *hub_subscribe(struct hub *h, struct span topic, struct span channel, const struct hub_terms *terms,
                              const struct hub_calls *calls, hub_answer answer, void *arg);

/* So many messages in its hands at most; so many packed bytes in all since it began. */
void hub_credit(struct hub_sub *s, uint32_t ready, uint64_t bytes);

/* Gathered until the turn of the loop ends. */
void hub_settle(struct hub_sub *s, uint64_t run, uint64_t token, uint64_t mask, enum settle_verdict verdict,
                uint64_t delay_ms);

/* Takes the subscription; no call comes any more, nor the answer. What it holds goes back in line. */
void hub_unsubscribe(struct hub_sub **s);

/* On the topic, or on the channel if it is not empty. */
void hub_topic_op(struct hub *h, enum topic_op op, struct span topic, struct span channel, hub_answer answer,
                  void *arg);

/* The rows of a topic, or of all if it is empty; of no topic if `generation` (not 0) is still the one that was told
 * last. `rows` is called once or more often, the last time with more = false. */
typedef void (*hub_rows)(void *arg, enum sheaf_error error, const struct msg_topics_info *info, bool more);
void hub_topics(struct hub *h, struct span topic, uint64_t generation, hub_rows rows, void *arg);

/* No answer, no rows come for this arg any more. What was asked for may still happen. */
void hub_forget(struct hub *h, void *arg);

/* The broker has answered, and lately. */
bool hub_connected(const struct hub *h);

/* Whether so much is unanswered that nothing more should be read from who publishes. Once that is over `ease` is
 * called, from the loop, if it has been set. What is handed in nevertheless is taken, up to a bound; then it is refused
 * as full. */
bool hub_busy(struct hub *h);
void hub_on_ease(struct hub *h, void (*ease)(void *arg), void *arg);

#endif
