/* The inside of a store, for store*.c only. */
#ifndef SHEAF_SMTP_STORE_STATE_H
#define SHEAF_SMTP_STORE_STATE_H

#include <uthash.h>

#include "base/list.h"
#include "broker/quiet.h"
#include "broker/smtp/jobs.h"
#include "broker/smtp/store.h"
#include "proto/codec.h"

/* Bytes of mails in files that are in memory at a time, on their way to the broker; others wait in their spool. One
 * passes at any size. */
#define STORE_LARGE_BYTES (64 * MIB)

/* The broker would not let us in: how long until it is asked again. Keys can be admitted while it runs. */
enum { STORE_AGAIN_MS = 5000 };

/* What the session is asked for; its address is the `call` that comes back. */
enum asked_kind { ASKED_QUEUE, ASKED_MAIL };

struct asked {
	struct list link; /* in store.to_ask or store.to_send until it is the session's; else where its struct says */
	enum asked_kind kind;
	bool sent; /* it is the session's */
};

/* Somebody wants to know of a queue. */
struct waiter {
	struct list link; /* in known.waiters, then in store.heard */
	struct list all;  /* in store.waiters */
	store_known known;
	void *arg;
	enum store_queue q; /* in store.heard */
};

/* A queue that is remembered, or asked for. */
struct known {
	struct asked asked; /* first */
	UT_hash_handle hh;
	char name[LIMIT_QUEUE_NAME];
	uint32_t name_n;
	struct list used;    /* in store.used: the one that was used last is the last */
	struct list pending; /* in store.pending, in the order of asked_ms, while it is asked for */
	bool has;            /* q was true at known_ms */
	enum store_queue q;
	uint64_t known_ms, asked_ms;
	struct list waiters;
};

struct mail {
	struct asked asked; /* first; also in store.large while it waits there, then in store.done */
	struct list all;    /* in store.mails, in the order of due_ms, until it has an outcome */
	struct store *store;
	struct letter *letter; /* NULL once it is handed over, or given up */
	struct jobs *jobs;     /* likewise */
	uint32_t n;            /* recipients */
	uint32_t *part_of;     /* owned: of each, from when it is handed over */
	store_done done;       /* NULL: nobody wants to know */
	void *arg;
	uint64_t begun_ns, due_ms;
	uint64_t size;  /* the letter's */
	uint64_t large; /* bytes that it counts with in store.large_bytes */
	bool working;   /* on a thread of the pool: its letter is not ours meanwhile */
	bool over;      /* it has its outcome */
	uv_work_t work;
	enum jobs_fault fault;
	char text[LIMIT_TEXT]; /* of a refusal; jobs_make's, before */
	enum store_verdict verdict;
	uint64_t *ids; /* owned: of each recipient's job */
};

struct store {
	uv_loop_t *loop;
	const struct smtp_config *config;
	struct link *link;        /* NULL once it closes */
	struct csession *session; /* the link's */
	uv_timer_t timer;
	uint64_t timer_ms; /* when it is due; UINT64_MAX: never */
	uint64_t opened_ms;
	struct link_setup setup;
	uint64_t again_ms;   /* the broker would not have us: when it is asked anew; UINT64_MAX: it has not said so */
	bool welcomed;       /* the broker has answered, once */
	const char *refused; /* nothing is asked any more: why, a sentence; NULL: all is well */

	struct quiet quiet;

	struct known *queues; /* uthash */
	struct list used, pending, to_ask;
	struct list waiters, heard;
	uint64_t stale_ms; /* what is known from before is not fresh */

	struct list mails;
	struct list large;   /* wait for large_bytes */
	struct list to_send; /* wait for the session */
	struct list done;    /* have their outcome, which is to be told */
	uint64_t large_bytes;
	uint32_t working; /* mails that a thread of the pool has */

	void (*closed)(void *arg);
	void *closed_arg;
	uint32_t handles; /* that are still open: the link, the timer */
};

static_assert(sizeof(((struct mail *)0)->text) >= JOBS_WHY, "why has room");

/* ---- store.c ---- */

/* Something is due: handed in, or to be told. */
void store_wake(struct store *s);
/* The timer is to be due at `due_ms` or before. */
void store_by(struct store *s, uint64_t due_ms);
/* Logs what the broker refused, and bounds it: anybody can cause it. */
void store_say(struct store *s, const char *id, enum sheaf_error e, struct span text);
/* Whether it makes sense to ask, or to wait for an answer to what was asked. */
bool store_reaches(const struct store *s, uint64_t now_ms);

/* A thread of the pool has given one back; the store may be gone then. */
void store_worked(struct store *s);

/* ---- store_queues.c ---- */

void queues_init(struct store *s);
void queues_free(struct store *s);
/* Asks what is to be asked, as far as the session has room; false if it has none. */
bool queues_send(struct store *s);
void queues_answered(struct store *s, struct known *k, const struct csession_event *ev);
/* Who has waited too long is told STORE_AWAY. When the next one will have; UINT64_MAX: none. */
uint64_t queues_expire(struct store *s, uint64_t now_ms);
/* All who wait are told STORE_AWAY. */
void queues_fail(struct store *s);
/* Tells who has an answer. */
void queues_tell(struct store *s);
void queues_forget(struct store *s, const void *arg);

/* ---- store_mails.c ---- */

void mails_init(struct store *s);
void mails_free(struct store *s);
void mails_send(struct store *s);
void mails_answered(struct store *s, struct mail *m, const struct csession_event *ev);
uint64_t mails_expire(struct store *s, uint64_t now_ms);
void mails_fail(struct store *s, const char *why);
void mails_tell(struct store *s);
void mails_forget(struct store *s, const void *arg);

#endif
