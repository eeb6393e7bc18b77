/* A server with fake sessions in a thread of its own, and clients with blocking sockets that bring up TLS and
 * compression themselves. */
#ifndef SHEAF_TESTS_UNIT_NSQ_SERVER_RIG_H
#define SHEAF_TESTS_UNIT_NSQ_SERVER_RIG_H

#include "broker/nsq/layers.h"
#include "broker/nsq/server.h"
#include "tests/unit/nsq/certs.h"
#include "tests/unit/nsq/fake_session.h"
#include "tests/unit/nsq/tls_client.h"

/* A server of at most so many connections. */
void rig_start(uint32_t connections);
/* Closes all that is open, waits for the thread. */
void rig_stop(void);

extern atomic_bool rig_late; /* whoever waits is answered after the server's part of the next turn's end, once */
extern atomic_bool rig_busy; /* nothing is read from who publishes */

enum rig_call { RIG_ANSWER = 1, RIG_DRAIN, RIG_FAIL, RIG_CLOSE, RIG_EASE, RIG_VISIT };
/* Has it done in the server's thread; waits for it. */
void rig_call(enum rig_call what);

/* Of the connections that RIG_VISIT saw: how many, when and from where the last one came. */
extern atomic_int rig_seen;
extern uint64_t rig_seen_since;
extern char rig_seen_remote[64];

extern struct certs rig_certs;
extern uint16_t rig_port;

struct client {
	int fd;
	bool tls;
	struct tls_client secure;
	struct layers packing; /* compression */
	struct buf in;         /* plain, not yet looked at */
};

/* Connects; false if that is refused. */
bool client_open(struct client *c);
void client_close(struct client *c);
/* Sends a text. */
void client_say(struct client *c, const char *text);
void client_send(struct client *c, struct span bytes);
/* Receives something; false at the end. */
bool client_receive(struct client *c);
/* The next frame is this text. */
void client_hears(struct client *c, const char *text);
/* The next frame has so many bytes. */
void client_hears_much(struct client *c, size_t n);
/* The server has closed its side, and nothing was left to be read. False: it was reset. */
bool client_at_end(struct client *c);
/* Agrees upon a layer. */
void client_upgrade(struct client *c, const char *what);

/* Waits, for long enough, until *what is n. */
void rig_until(atomic_int *what, int n);

#endif
