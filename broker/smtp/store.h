/* The ingress's door to the broker: what queues there are, and mails that become jobs. On the edge's one thread, in its
 * libuv loop; no callback comes from within a call. */
#ifndef SHEAF_SMTP_STORE_H
#define SHEAF_SMTP_STORE_H

#include <uv.h>

#include "broker/edge/link.h"
#include "broker/smtp/letter.h"
#include "broker/smtp/smtp_config.h"
#include "broker/smtp/store_verdict.h"

struct store;

struct store_setup {
	uv_loop_t *loop;
	const struct smtp_config *config;
	struct link_setup link; /* where the broker is; what it points to outlives the store */
};
/* NULL: there is no socket left. */
MUST_CHECK struct store *store_open(const struct store_setup *setup);

/* What a queue is now is known for STORE_FRESH_MS, so that a recipient costs nothing; the broker has STORE_ASK_MS
 * to say it. */
enum { STORE_FRESH_MS = 1000, STORE_ASK_MS = 5000, STORE_KNOWN = 4096 /* queues that it remembers */ };
typedef void (*store_known)(void *arg, enum store_queue q);
/* True with *q if it is known; else `known` comes later, after STORE_ASK_MS at the latest. */
bool store_queue(struct store *s, struct span queue, enum store_queue *q, store_known known, void *arg);

typedef void (*store_done)(void *arg, const struct store_outcome *o);
/* Takes the letter. `done` comes once: its jobs are durable, or it is refused. */
void store_mail(struct store *s, struct letter **letter, store_done done, void *arg);

/* Nothing is called for this arg any more; a mail on its way goes on. */
void store_forget(struct store *s, void *arg);

/* The broker has answered, and lately. */
bool store_connected(const struct store *s);
/* Nothing is on its way. */
bool store_idle(const struct store *s);
/* Nothing is durable any more: all that waits is refused with STORE_REFUSED_AWAY, and so is all that comes. */
void store_fail(struct store *s);
void store_close(struct store **s, void (*closed)(void *arg), void *arg);

#endif
