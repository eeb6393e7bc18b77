/* One connection's side of NSQ's protocol, without its socket: bytes in, frames out, calls of the hub. */
#ifndef SHEAF_NSQ_SESSION_H
#define SHEAF_NSQ_SESSION_H

#include "base/buf.h"
#include "base/list.h"
#include "broker/nsq/client_stat.h"
#include "broker/nsq/nsq_config.h"
#include "proto/error.h"

/* What clients are told: the version of NSQ whose behaviour this is. */
#define NSQ_VERSION "1.3.0"

enum {
	SESSION_LINE = 16384,            /* bytes of a command's line, the end of line included */
	SESSION_MAGIC_MS = 30000,        /* a client says within so long that it speaks NSQ's protocol */
	SESSION_HEARTBEAT_MS = 30000,    /* unless it asks for another interval */
	SESSION_WINDOW = 1 << 20,        /* bytes of messages that are handed out beyond what the socket has taken */
	SESSION_PUBLISHES = 4096,        /* that are unanswered; then nothing more is taken */
	SESSION_PUBLISH_BYTES = 4 << 20, /* of these; the one that passes it is still taken */
	SESSION_IDENTIFY = 64 << 10,     /* bytes of IDENTIFY's JSON: what it becomes in memory is many times as much */
	SESSION_LOOKS = 4096, /* sessions that are asked for messages of others in a turn; then nobody has them */
	SESSION_TOPICS = 256  /* topics that it is counted how much a client has published to them */
};

struct session;
struct hub;
struct auth;

/* What may stand before the hub, to hold messages back until their topic is ready; as hub_publish and hub_forget. */
struct session_publisher {
	void (*publish)(void *ctx, struct span topic, uint64_t defer_ms, uint32_t count, struct span packed,
	                void (*answer)(void *arg, enum sheaf_error error, struct span text), void *arg);
	void (*forget)(void *ctx, void *arg);
	void *ctx;
};

/* What all sessions of an edge share; it outlives them. */
struct session_world {
	struct hub *hub;
	const struct nsq_config *config;
	struct auth *auth;                   /* NULL = there is none */
	const struct session_publisher *via; /* takes what is published, in place of the hub; NULL = the hub */
	struct list *subscribed;             /* head of the sessions that are subscribed, to find who holds a message */
	void (*woke)(void *owner); /* the session has something to say or to take, and not by a call of the server's.
	                              Only notes it */
};

/* `out` is the owner's: frames are appended to it. remote: "127.0.0.1:4711" */
struct session *session_new(const struct session_world *w, void *owner, const char *remote, struct buf *out,
                            uint64_t now_ms);
void session_free(struct session *s);

/* Takes what it can of `in`, which begins where the last call ended; the bytes that it is done with. It stops where a
 * command is not whole, at an upgrade, when too much is unanswered, when it is closing. */
size_t session_take(struct session *s, struct span in, uint64_t now_ms);

/* Bytes that there must be before session_take can do anything; 0 = it takes nothing now. */
size_t session_wants(const struct session *s);

enum session_upgrade { UPGRADE_NONE, UPGRADE_TLS, UPGRADE_SNAPPY, UPGRADE_DEFLATE };

/* Which layer is to be put on once what is in `out` has been sent as it is. */
enum session_upgrade session_upgrade(const struct session *s, int *level);

/* Of a TLS layer that is on; NULL without one. */
struct session_layers {
	const char *tls_version;
	const char *tls_cipher;
	const char *common_name;
};

/* The layer is on: what it says from now on passes it. */
void session_upgraded(struct session *s, const struct session_layers *l, uint64_t now_ms);

/* So many bytes of its frames in all have been taken by the socket. */
void session_sent(struct session *s, uint64_t total);

/* What is in `out` is still to be sent, then the connection is closed. */
bool session_closing(const struct session *s);

/* When session_tick wants to be called; UINT64_MAX = never. */
uint64_t session_deadline(const struct session *s);
void session_tick(struct session *s, uint64_t now_ms);

/* Between heartbeats; 0 = there are none. Who takes nothing of what is sent for so long is closed. */
uint64_t session_heartbeat_ms(const struct session *s);

/* The client has closed its side: closing once what it asked for is answered. */
void session_end(struct session *s);
/* The broker ends: hands out nothing more; closing once nothing is in flight and everything is answered. */
void session_drain(struct session *s);
/* Nothing is durable any more: says so to whoever waits, then closing. */
void session_failed(struct session *s);

/* Fills in all but what the server knows: the layers, the address. */
void session_stat(const struct session *s, struct nsq_client_stat *st);

#endif
