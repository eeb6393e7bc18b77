/* The mail server on a thread of its own, with real sessions and a store that is none, and clients of it. */
#ifndef SHEAF_TESTS_UNIT_SMTP_SERVER_RIG_H
#define SHEAF_TESTS_UNIT_SMTP_SERVER_RIG_H

#include <stdatomic.h>

#include "broker/smtp/conn.h"
#include "tests/unit/nsq/certs.h"
#include "tests/unit/nsq/tls_client.h"

extern struct certs rig_certs;
extern struct smtp_config rig_config; /* set before rig_start; rig_fresh makes it the usual one */
extern struct smtp_counts rig_counts;
extern char rig_path[64]; /* of LMTP's Unix socket, if it is wanted */

/* The store: whether mails wait until they are let go, whether queues are not known at once, what came. */
extern atomic_bool store_holds, store_asks;
extern atomic_int store_mails, store_held, store_bytes, store_forgotten;
extern char store_last[65536]; /* the last mail's bytes, as far as they fit */
extern char store_peer[80];    /* and whence it came */
/* Passwords: how many threads look at one at the same time, at most; while `users_wait` they do not end. */
extern atomic_bool users_wait;
extern atomic_int users_looking, users_most;

enum rig_order { RIG_LET_GO = 1, RIG_DRAIN, RIG_DEADLINE, RIG_ASK, RIG_CLOSE };

/* On a Unix socket as well if `path`; TLS always; on ports of its own choice. */
void rig_fresh(void);
void rig_start(void);
void rig_stop(void);
/* Done on the server's thread, when it returns. */
void rig_order(enum rig_order what);
extern atomic_bool rig_done; /* smtp_server_done, when one of the next waits ended */
uint16_t rig_port(enum smtp_port which);
/* Waits until it is so. */
void rig_until(atomic_int *what, int n);
void rig_until_connections(int n);
void rig_until_asking(int n); /* connections that wait for the store or a thread */
/* In how many ms the server's next timer rings; -1: there is none. */
int rig_next_ms(void);
/* Bytes that the server keeps for its one connection. */
int rig_kept(void);
uint64_t rig_count(const _Atomic uint64_t *count);

struct client {
	int fd;
	bool tls;
	struct tls_client secure;
	const char *secure_text; /* said with the handshake's last flight */
	struct buf in;           /* plain */
	char line[2048];
};

void client_open(struct client *c, enum smtp_port which);
/* From another address of this machine, "127.0.0.2". */
void client_open_from(struct client *c, enum smtp_port which, const char *from);
void client_open_at(struct client *c, enum smtp_port which, const char *from, const char *to);
/* The server's certificate is looked at. */
void client_begin_tls(struct client *c);
/* TLS begins, and that is said within it at once, before anything was heard. */
void client_begin_tls_saying(struct client *c, const char *text);
/* One with little room for what it does not read. */
void client_open_deaf(struct client *c);
void client_close(struct client *c);
void client_reset(struct client *c); /* so that the server hears of it as an error */
void client_send(struct client *c, const void *p, size_t n);
void client_say(struct client *c, const char *text);
/* The next reply, all of its lines, which begins so. */
void client_hears(struct client *c, const char *code);
/* Says a line, hears a reply. */
void client_talks(struct client *c, const char *text, const char *code);
/* Comes, and is greeted. */
void client_greeted(struct client *c, enum smtp_port which);
/* Says hello, and where a mail comes from and goes to: <a@b.c>, <news@localhost>. */
void client_envelope(struct client *c, const char *hello);
/* Says QUIT, and goes when the server has. */
void client_quits(struct client *c);
/* Nothing more comes: the end, or a reset. */
void client_at_end(struct client *c);
/* Nothing more comes, and it ends in order. */
void client_at_good_end(struct client *c);

#endif
