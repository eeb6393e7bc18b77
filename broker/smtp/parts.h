/* The parts of the mail ingress in one libuv loop, whether that is a thread of sheafd (smtp_edge.h) or a process of its
 * own (smtpd.c): certificates, listeners, the door to the broker, counters. On the loop's thread, but where it says
 * otherwise. */
#ifndef SHEAF_SMTP_PARTS_H
#define SHEAF_SMTP_PARTS_H

#include <uv.h>

#include "broker/edge/link.h"
#include "broker/smtp/smtp_config.h"
#include "proto/msg.h"

enum { SMTP_PARTS_ERR = 512, SMTP_PARTS_STATS = 32 };

struct smtp_parts;

/* Reads the certificates, binds all addresses; nobody is heard yet. prefix: what the names of the options begin with,
 * "smtp-" or "". NULL with a sentence in err. */
MUST_CHECK struct smtp_parts *smtp_parts_open(uv_loop_t *loop, const struct smtp_config *c, const char *prefix,
                                              char err[SMTP_PARTS_ERR]);
/* Makes the spool's directory if it is missing, connects to the broker, and lets clients in, whether it is there or
 * not. -1 with a sentence. */
MUST_CHECK int smtp_parts_start(struct smtp_parts *p, const struct link_setup *link, char err[SMTP_PARTS_ERR]);

/* Where it listens, as " smtp=HOST:PORT smtp-tls=… lmtp=…" with the ports that it has got. */
const char *smtp_parts_addresses(const struct smtp_parts *p);

/* Lets nobody in any more; who is connected gets the answer to the mail that is on its way, `now`: or none. */
void smtp_parts_drain(struct smtp_parts *p, bool now);
/* Nothing is durable any more. */
void smtp_parts_fail(struct smtp_parts *p);
/* After one of these: nobody is left, and the broker has answered all. */
bool smtp_parts_done(const struct smtp_parts *p);

/* Closes what is left and frees it; `closed` comes from the loop when nothing of it is there any more. */
void smtp_parts_close(struct smtp_parts *p, void (*closed)(void *arg), void *arg);

/* Its counters; any thread may ask while it lives. How many. */
uint32_t smtp_parts_stats(const struct smtp_parts *p, struct msg_stat_rec to[SMTP_PARTS_STATS]);

#endif
