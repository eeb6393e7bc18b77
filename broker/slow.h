/* The outbox's inside: items, lanes, and the items that need bytes of the log before they can be sent. */
#ifndef SHEAF_BROKER_SLOW_H
#define SHEAF_BROKER_SLOW_H

#include "broker/outbox.h"
#include "proto/codec.h"

enum {
	OPEN_PLACES = 256,      /* messages that gather at the same time */
	GATHER_BYTES = 1 << 20, /* a gathered message beyond this is closed */
	SPARE_MOST = 64,        /* items kept for the next use */
	SPARE_BYTES = 256 << 10 /* unless their buffer is larger than this */
};

enum item_kind { ITEM_BYTES, ITEM_TRIM, ITEM_PEEK, ITEM_JOB, ITEM_FETCH };

/* A record that waits for its bytes. */
struct want {
	struct log_bytes where;
	bool is_job;
	bool is_delivery;
	uint64_t all; /* of a delivery: the mask of the whole run */
	uint32_t error_length;
	uint8_t *words; /* owned: texts that the record points to */
	union {
		struct msg_job_rec job;
		struct msg_result_rec result;
		struct msg_peek_rec peek;
		struct msg_job_info info;
		struct msg_delivery_rec delivery;
	} u;
};

struct item {
	struct item *next;
	uint64_t seq; /* in the order in which they came */
	enum item_kind kind;
	enum outbox_to to;
	uint64_t whom;        /* route, or session, or the position of a trim */
	uint64_t position;    /* may leave when this is synced */
	uint32_t writer_kind; /* enum msg_kind */
	uint32_t answer;
	uint64_t number;
	uint64_t counted;    /* bytes that were added to outbox.waiting */
	struct msg_header h; /* of a peek, or of a job */
	struct buf bytes;
	struct msg_writer writer;
	size_t late;        /* bytes that deliveries which wait for theirs will add */
	struct want *wants; /* owned */
	uint32_t n_wants, next_want, cap_wants;
};

struct lane {
	struct item *first, *last;
};

struct outbox {
	struct outbox_world world;
	struct item *open[OPEN_PLACES];
	uint8_t used[OPEN_PLACES]; /* places that were filled in this turn, each once */
	bool listed[OPEN_PLACES];
	uint32_t n_used;
	struct lane quick, deliveries, slow;
	uint64_t seq; /* items so far */
	struct item *spare;
	uint32_t n_spare;
	uint64_t waiting;  /* bytes */
	struct buf picked; /* some messages of a run */
};

struct item *item_new(struct outbox *o, enum outbox_to to, uint64_t whom);
void item_free(struct outbox *o, struct item *it);
void lane_add(struct outbox *o, struct lane *l, struct item *it);
struct item *lane_take(struct outbox *o, struct lane *l);

/* Adds a record to the item whose bytes are to be read first. */
void slow_want_job(struct item *it, const struct effect *e);
void slow_want_result(struct item *it, const struct effect *e);
void slow_want_delivery(struct item *it, const struct effect *e);

/* Puts a delivery into the item's message; `run`: the packed bytes of the whole run, of which `all` is the mask. What
 * does not hold the messages is told to the world, and an empty delivery keeps the count. */
void slow_put_delivery(struct outbox *o, struct item *it, const struct msg_delivery_rec *r, uint64_t all, int got,
                       struct span run);
/* The mask of a run of `count` messages. */
uint64_t slow_all(uint32_t count);

/* An item that answers FX_FETCH. */
struct item *slow_fetch(struct outbox *o, const struct effect *e, uint64_t head);

/* An item that answers FX_PEEK. */
struct item *slow_peek(struct outbox *o, const struct effect *e, uint64_t head);

/* An item that answers FX_JOB. */
struct item *slow_job(struct outbox *o, const struct effect *e, uint64_t head);

/* Goes on with the item; true when it is done with (sent, or nothing is left of it). */
bool slow_run(struct outbox *o, struct item *it);

#endif
