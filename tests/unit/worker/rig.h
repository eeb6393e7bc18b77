/* A worker's session machine under test: broker messages and slots are played by the test, and every effect becomes
 * a line of text, to be compared as a whole. Job 7 has token 107, and so on. */
#ifndef SHEAF_TESTS_UNIT_WORKER_RIG_H
#define SHEAF_TESTS_UNIT_WORKER_RIG_H

#include "proto/codec.h"
#include "worker/session.h"

enum { RIG_JOBS = 4096, RIG_SESSION = 9, RIG_EPOCH = 3, RIG_NONCE = 77 };

enum rig_state { RIG_NONE, RIG_WAITING, RIG_RUNNING };

struct rig_job {
	uint64_t token;
	enum rig_state state; /* as the slots see it */
};

struct rig {
	struct wsession *s;
	struct msg_room *room;
	struct buf text;
	uint64_t now;
	uint64_t session;              /* that broker messages carry */
	bool quiet;                    /* effects are carried out but not written down */
	struct rig_job jobs[RIG_JOBS]; /* by id */
};

static inline uint64_t rig_token(uint64_t id)
{
	return id + 100;
}

/* A session with `slots` slots on queues a and b, its hello taken and checked. */
struct rig *rig_new(uint32_t slots);
void rig_free(struct rig *r);

/* Hello, welcome, nonce, the first beat's answer; nothing of it is left in the text. */
void rig_open(struct rig *r);

/* ---- the broker's part; each takes the effects ---- */
void rig_message(struct rig *r, struct msg *m);
void rig_welcome(struct rig *r, uint64_t session, const uint64_t *dropped, uint32_t n);
void rig_nonce(struct rig *r);
/* JOBS `number` with jobs [first, first + n). */
void rig_jobs(struct rig *r, uint64_t number, uint64_t first, uint32_t n);
void rig_answer(struct rig *r, uint64_t beat, uint64_t settled);
void rig_settled(struct rig *r, uint64_t settled, bool resend);
/* RECALL or REVOKE of job `id`. */
void rig_lease(struct rig *r, enum msg_kind kind, uint64_t id);
void rig_refuse(struct rig *r, const char *why);
void rig_no_session(struct rig *r);

/* ---- the slots' part ---- */
void rig_begin(struct rig *r, uint64_t id);
/* It has a lease with a time of its own. */
void rig_begin_lease(struct rig *r, uint64_t id, uint64_t lease_ms);
/* Its handler says something; percent PERCENT_UNKNOWN and "": a mere touch. */
void rig_touch(struct rig *r, uint64_t id, uint32_t percent, const char *text);
/* Ends it; run_us each. Flush comes with rig_flush. */
bool rig_finish(struct rig *r, uint64_t id, const char *error, uint64_t run_us);
void rig_flush(struct rig *r);

/* ---- time ---- */
void rig_pass(struct rig *r, uint64_t ms);

/* Takes what is to be done. */
void rig_effects(struct rig *r);

/* Checks that the text since the last check is this, and empties it. */
void rig_expect(struct rig *r, const char *text);

#endif
