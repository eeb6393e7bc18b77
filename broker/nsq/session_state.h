/* The inside of session.h's machine, for the files that it consists of: session.c takes what comes and keeps the
 * time, command.c has the table of commands and those about a subscription, publish.c PUB, MPUB and DPUB, identify.c
 * IDENTIFY, authorise.c AUTH, deliver.c what the hub hands over. */
#ifndef SHEAF_NSQ_SESSION_STATE_H
#define SHEAF_NSQ_SESSION_STATE_H

#include "broker/nsq/auth.h"
#include "broker/nsq/frame.h"
#include "broker/nsq/hub.h"
#include "broker/nsq/inflight.h"
#include "broker/nsq/parse.h"
#include "broker/nsq/session.h"

/* As /stats shows them. */
enum client_state { CLIENT_INIT = 0, CLIENT_SUBSCRIBED = 3, CLIENT_CLOSING = 4 };

/* Why nothing more is taken for now. */
enum session_wait {
	WAIT_NOT,
	WAIT_ROOM,    /* until fewer publishes are unanswered */
	WAIT_ANSWERS, /* until none is: what comes next is answered at once, and answers are in the order of commands */
	WAIT_SUBSCRIBE, /* for the answer to SUB */
	WAIT_AUTH,      /* for the auth server, then the command is looked at again */
	WAIT_UPGRADE    /* for session_upgraded */
};

enum publish_kind { PUBLISH_ONE, PUBLISH_MANY, PUBLISH_LATER };

/* A publish that is unanswered. */
struct unanswered {
	uint32_t kind : 2; /* enum publish_kind */
	uint32_t bytes : 30;
};

/* What IDENTIFY said of the client, agreed upon. */
struct identity {
	char *client_id, *hostname, *user_agent; /* owned; NULL = not said */
	char *region, *zone;
	uint64_t heartbeat_ms; /* 0 = none */
	uint64_t buffer_size, buffer_ms;
	uint64_t msg_ms;
	uint32_t sample;
	bool tls, snappy, deflate; /* to be put on */
	int deflate_level;
};

/* How far an MPUB's body was looked at. */
struct many {
	size_t at; /* in the body; 0 = not at all */
	uint32_t i;
	uint32_t n;
};

struct session {
	const struct session_world *world;
	const struct nsq_config *config;
	void *owner;
	struct buf *out;
	uint64_t said; /* bytes of frames, in all */
	uint64_t sent; /* of these, taken by the socket */
	char remote_ip[64];

	/* what comes in */
	bool magic;
	bool closing;
	bool ended, draining;
	enum client_state state;
	enum session_wait wait;
	bool again;     /* it waits no more, and has not been called since */
	size_t scanned; /* bytes of the command's line without an end */
	size_t need;    /* bytes without which it cannot go on */
	struct many many;
	uint64_t now_ms, since_ms, beat_ms;

	struct identity id;
	bool tls, compressed; /* are on */
	char *common_name;    /* owned; of the client's certificate; NULL = none */

	/* publishing: a ring of what is unanswered */
	struct unanswered *unanswered; /* owned */
	uint32_t unanswered_cap, first, n_unanswered;
	size_t unanswered_bytes;
	struct nsq_pub_count *counts; /* owned; as are their topics */
	uint32_t n_counts, last_count;

	/* the subscription */
	struct hub_sub *sub;
	char topic[LIMIT_NAME], channel[LIMIT_NAME];
	uint32_t topic_n, channel_n;
	struct list peers; /* in world->subscribed */
	uint32_t looks;    /* of SESSION_LOOKS, what is left */
	struct inflight inflight;
	uint32_t ready;
	uint64_t got;     /* packed bytes that came */
	uint64_t granted; /* and that were asked for */
	uint64_t messages, finished, requeued;

	struct auth_query *query;
	struct auth_grants *grants; /* owned */
	uint64_t grants_until_ms;
	char *secret; /* owned; kept to ask again */
	size_t secret_n;
	bool fresh; /* the answer to AUTH has come: grants or none */
};

/* What a command's function returns: how many bytes of `in` it is done with; 0 = not whole yet (`need` is set), or it
 * waits, or is closing. */
typedef size_t (*command_run)(struct session *s, const struct line *l, struct span in);

struct command {
	const char *name;
	size_t n;
	command_run run;
};

/* NULL: there is no such command. */
const struct command *command_find(const struct line *l);

size_t command_identify(struct session *s, const struct line *l, struct span in);
size_t command_auth(struct session *s, const struct line *l, struct span in);
size_t command_pub(struct session *s, const struct line *l, struct span in);
size_t command_mpub(struct session *s, const struct line *l, struct span in);
size_t command_dpub(struct session *s, const struct line *l, struct span in);

/* Ends the connection with an error frame: "CODE text". Waits with it while answers are due. Returns 0. */
size_t fatal(struct session *s, const char *code, const char *format, ...);
/* cannot X in current state */
size_t wrong_state(struct session *s, const char *command);

/* Waits. Returns 0. */
size_t wait_for(struct session *s, enum session_wait what);
/* It waits no more. */
void wait_over(struct session *s);
/* Whether a command that is answered at once has to wait for the answers of those before it; then it does. */
bool must_queue(struct session *s);

/* Frames. */
void say(struct session *s, enum frame_type type, struct span data);
void say_ok(struct session *s);
void say_error(struct session *s, const char *code, const char *format, ...);

/* Reads the size (signed) behind the line. False: it is not there yet. */
bool body_size(struct session *s, const struct line *l, struct span in, int32_t *size);
/* The body; false: it is not all there yet. */
bool body_whole(struct session *s, const struct line *l, struct span in, int32_t size, struct span *body);

/* The settles of what was finished leave. */
void settle_finished(struct session *s);
/* Tells the hub how much may come, if that has grown by much, or always. */
void credit(struct session *s, bool always);
/* Leaves the subscription. */
void leave(struct session *s);
/* Something has changed that the owner does not know of. */
void woke(struct session *s);
/* Closing if there is nothing left to wait for. */
void part_if_done(struct session *s);

extern const struct hub_calls session_calls;

/* Whether it may subscribe to the channel or, with an empty one, publish. False: it waits, or is closing. */
bool authorised(struct session *s, const char *command, struct span topic, struct span channel);

void publish_failed(struct session *s);
void publish_fini(struct session *s);
void identity_fini(struct identity *id);

#endif
