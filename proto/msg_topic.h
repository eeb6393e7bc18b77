/* Of the messages of msg.h those that are about topics and channels; see PROTOCOL.md, "Topics".
 *
 * Messages that were published together lie in *runs* of up to RUN_MESSAGES. A message's id is its run's number times
 * RUN_MESSAGES plus its place in the run; a set of messages of one run is a mask. *Packed* messages stand one behind
 * the other, each as a length (u32, big endian) and its bytes, just as in the body of NSQ's MPUB. */
#ifndef SHEAF_PROTO_MSG_TOPIC_H
#define SHEAF_PROTO_MSG_TOPIC_H

#include <stdint.h>

#include "base/span.h"
#include "proto/limits.h"

enum { RUN_MESSAGES = 64 };

/* PUBLISH. Answered by ACCEPTED with the id of the first message; the others have the next ids of the same run, then
 * those of the following runs. */
struct msg_publish {
	struct span topic;
	uint64_t answered; /* as in SUBMIT */
	uint64_t defer_ms; /* not before so long from now */
	uint32_t count;    /* 1..LIMIT_PUBLISH */
	struct span packed;
};

/* SUBSCRIBE. If the session has this subscription already it begins anew: what it holds goes back in line. */
struct msg_subscribe {
	uint32_t sub; /* the client's own number for it */
	struct span topic;
	struct span channel;
	uint64_t
	    timeout_ms;    /* a message that is neither settled nor touched goes back in line; 0 = DEFAULT_MESSAGE_MS */
	uint32_t sample;   /* percent of the messages that it gets, the others count as finished; 0 = all */
	uint64_t since_ms; /* if the channel is new: it begins with what is kept since then (wall clock); 1 = all */
	uint64_t most_ms;  /* touches keep a message at most so long after its delivery; 0 = DEFAULT_MESSAGE_MOST_MS */
	uint32_t consumers; /* refused if the channel has so many consumers already; 0 = no bound */
};

/* CREDIT: how much a subscription may hold. */
struct msg_credit_rec {
	uint32_t sub;
	uint32_t ready; /* messages in its hands, at most: NSQ's RDY */
	uint64_t
	    bytes; /* of packed messages since its SUBSCRIBE, in all, at most; the one that passes it still comes */
};

enum settle_verdict {
	SETTLE_FINISH = 1,
	SETTLE_REQUEUE = 2, /* back in line after delay_ms */
	SETTLE_TOUCH = 3    /* its timeout begins again */
};

/* SETTLE: what becomes of messages in one's hands. */
struct msg_settle_rec {
	uint64_t run;
	uint64_t token; /* as it came with them */
	uint64_t mask;
	uint32_t verdict; /* enum settle_verdict */
	uint64_t delay_ms;
};

enum topic_op {
	TOPIC_CREATE = 1,
	TOPIC_DELETE = 2,
	TOPIC_EMPTY = 3, /* the topic: what no channel has seen; a channel: all that it has */
	TOPIC_PAUSE = 4,
	TOPIC_RESUME = 5,
	TOPIC_SET = 6
};

/* TOPIC_OP: on the topic if the channel is empty, else on the channel. */
struct msg_topic_op {
	struct span topic;
	struct span channel;
	uint32_t op;       /* enum topic_op */
	uint64_t since_ms; /* TOPIC_CREATE of a channel: as in SUBSCRIBE */
	/* TOPIC_SET; each as it shall be from now on, and only what `which` names is set */
	uint32_t which;   /* enum topic_setting */
	uint64_t keep_ms; /* topic: messages are kept for so long also when every channel is done with them; 0 = not */
	uint64_t keep_bytes; /* topic: and at most so many bytes of them; 0 = no bound but keep_ms */
	uint32_t ordered;    /* channel: 1 = one message in hand at a time, the next when it is finished */
	uint32_t attempts;   /* channel: after so many a message goes to the dead-letter topic; 0 = without end */
	struct span dead;    /* channel: that topic; empty = they are dropped */
};

enum topic_setting { SET_KEEP_MS = 1, SET_KEEP_BYTES = 2, SET_ORDERED = 4, SET_ATTEMPTS = 8, SET_DEAD = 16 };

/* TOPIC_LIST */
struct msg_topic_list {
	struct span topic;   /* only this one; empty = all */
	uint64_t after;      /* the place that the last answer named; 0 = from the beginning */
	uint64_t generation; /* not 0, and still true: the answer has no rows */
};

enum topic_flag { TOPIC_PAUSED = 1, TOPIC_EPHEMERAL = 2, TOPIC_ORDERED = 4 };

/* A topic (without a channel's name), or one of its channels, which follow it. */
struct msg_topic_rec {
	struct span topic;
	struct span channel;
	uint32_t flags;     /* enum topic_flag */
	uint32_t consumers; /* of a channel */
	uint64_t depth;     /* messages that wait; of a topic: that no channel has seen */
	uint64_t in_hand;   /* of a channel */
	uint64_t deferred;  /* of a channel */
	uint64_t messages;  /* since it was created */
	uint64_t bytes;     /* topic: published since it was created, without lengths; channel: 0 */
	uint64_t requeued;  /* channel: since it was created */
	uint64_t timed_out; /* channel: since it was created */
	uint64_t dead;      /* channel: messages whose attempts were spent, since it was created */
	uint64_t kept;      /* topic: bytes of messages that are in the journal for it */
	uint64_t keep_ms;   /* the settings, see TOPIC_SET */
	uint64_t keep_bytes;
	uint32_t attempts;
	struct span dead_topic;
};

struct msg_topics_info {
	uint32_t more;
	uint64_t next;       /* place behind the last row */
	uint64_t generation; /* changes when a topic or channel comes or goes */
	const struct msg_topic_rec *v;
	uint32_t n; /* ..LIMIT_TOPIC_ROWS; a topic's channels are all in the same answer */
};

/* MESSAGES: a delivery. */
struct msg_delivery_rec {
	uint32_t sub;
	uint64_t run;
	uint64_t token;
	uint64_t mask;
	uint32_t attempts;  /* deliveries of these messages, this one included */
	uint64_t time_ns;   /* when they were published, wall clock */
	struct span packed; /* those in the mask, in order */
	uint64_t charged;   /* what they take of the subscription's window: the broker knows only the mean of a run's
	                       messages; 0 = the bytes of packed */
};

enum gone_why {
	GONE_TIMEOUT = 1, /* back in line */
	GONE_EMPTIED = 2,
	GONE_DELETED = 3, /* with run 0: the channel, and so the subscription */
	GONE_STALE = 4    /* the answer to a SETTLE of what was not in these hands */
};

/* MESSAGES_GONE: no longer in these hands. */
struct msg_gone_rec {
	uint32_t sub;
	uint64_t run;
	uint64_t token;
	uint64_t mask;
	uint32_t why; /* enum gone_why */
};

#endif
