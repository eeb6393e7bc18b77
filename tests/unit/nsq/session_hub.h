/* A hub and an auth server for tests of sessions: what they are asked is written down, and answered when the test
 * says so. */
#ifndef SHEAF_TESTS_UNIT_NSQ_SESSION_HUB_H
#define SHEAF_TESTS_UNIT_NSQ_SESSION_HUB_H

#include "base/buf.h"
#include "broker/nsq/auth.h"
#include "broker/nsq/hub.h"

enum { FAKE_ASKED = 8192 };

struct fake_asked {
	hub_answer answer;
	void *arg;
};

struct hub_sub {
	const struct hub_calls *calls;
	void *arg;
	uint32_t ready;
	uint64_t bytes;
};

struct hub {
	bool quiet;     /* nothing is written down */
	bool no_bytes;  /* credit is written down without its bytes, which depend on when answers come */
	struct buf log; /* a line for each call */
	struct fake_asked asked[FAKE_ASKED];
	uint32_t n;           /* unanswered */
	uint32_t subs;        /* subscriptions that live */
	struct hub_sub *last; /* the last one */
	uint64_t settled;     /* messages, by SETTLE_FINISH */
	uint64_t published;   /* messages */
	uint64_t published_bytes;
};

void fake_hub_init(struct hub *h);
void fake_hub_fini(struct hub *h);
/* Answers the oldest; false: there is none. */
bool fake_hub_answer(struct hub *h, enum sheaf_error e, const char *text);

/* The auth server: one question at a time. */
struct auth {
	char question[256];
	auth_answer answer;
	void *arg;
	uint32_t asked, cancelled;
};

/* Grants of `count` authorisations: all topics but those that begin with "no". NULL: a bad answer. */
void fake_auth_answer(struct auth *a, uint32_t count, uint64_t ttl_s, bool good);

#endif
