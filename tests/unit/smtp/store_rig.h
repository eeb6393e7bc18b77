/* A store in a loop, and a broker of a few lines that it talks to over inproc or TCP, all in one thread:
 * store_rig_until() turns both until a condition is true. In place of jobs, letters and spools stand ones that do what
 * a letter's `helo` says: "slow" mails are made on a thread of the pool, "bad" ones cannot become jobs. */
#ifndef SHEAF_TESTS_SMTP_STORE_RIG_H
#define SHEAF_TESTS_SMTP_STORE_RIG_H

#include <check.h>

#include "base/buf.h"
#include "broker/smtp/store.h"
#include "proto/codec.h"

enum { STORE_RIG_MAILS = 2048 };

struct store_rig {
	uv_loop_t loop;
	void *context, *router;
	char endpoint[LIMIT_ENDPOINT];
	struct smtp_config config;
	struct store *store;
	struct msg_room *room;
	struct buf out;
	uint8_t route[64];
	size_t route_n;
	uint64_t session;
	bool closed;

	/* What it says. A queue whose name begins with "missing", "paused" or "closed" is so; of "silent…" it says
	 * nothing. */
	enum sheaf_error refuses; /* of mails: SHEAF_OK = it takes them */
	const char *why;
	bool holds;  /* mails are not answered */
	bool deaf;   /* nothing is received */
	bool denies; /* hello */

	uint32_t asked;                    /* questions for queues */
	uint64_t numbers[STORE_RIG_MAILS]; /* of mails that came */
	uint32_t parts[STORE_RIG_MAILS];   /* jobs of each */
	uint32_t n;
	uint64_t next_id;
};

/* over_tcp: else within the process. Nobody listens yet if `away`. */
void store_rig_init(struct store_rig *r, bool over_tcp, bool away);
void store_rig_fini(struct store_rig *r);
/* The broker goes, and comes. */
void store_rig_leave(struct store_rig *r);
void store_rig_come(struct store_rig *r);

void store_rig_turn(struct store_rig *r);
void store_rig_settle(struct store_rig *r);
#define store_rig_until(r, condition)                                                                                  \
	do {                                                                                                           \
		uint64_t store_rig_end = uv_hrtime() + UINT64_C(30000000000);                                          \
                                                                                                                       \
		while (!(condition)) {                                                                                 \
			if (uv_hrtime() >= store_rig_end) /* an assertion costs too much to be made each time */       \
				ck_abort_msg("in vain: %s", #condition);                                               \
			store_rig_turn(r);                                                                             \
		}                                                                                                      \
	} while (0)

/* Accepts a mail that was held. */
void store_rig_accept(struct store_rig *r, uint32_t index);

/* A mail for these queues, separated by spaces, whose spool says that it has so many bytes. */
struct letter *store_rig_letter(const char *queues, const char *helo, uint64_t size);
/* Letters and jobs that have not been freed. */
extern _Atomic int store_rig_letters, store_rig_jobs;

#endif
