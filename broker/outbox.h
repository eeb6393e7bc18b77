/* The outbox: what the core wants sent, held until the journal has synced past the position at which it was
 * said. Records for one peer gather into one message during a turn.
 *
 * Three lanes, each strictly first in, first out. The quick lane has messages whose bytes are complete, but for
 * deliveries of messages: these have one of their own, for they need not wait as long; one that is ready goes in its
 * turn, and never behind what came later. The slow lane has those that need bytes of the log that were not in
 * memory, and, so that nothing overtakes them where order matters, later messages of the same kind while it is not
 * empty; and trims, which are barriers: nothing below is read any more once they are reached. */
#ifndef SHEAF_BROKER_OUTBOX_H
#define SHEAF_BROKER_OUTBOX_H

#include "broker/core/core.h"

struct outbox;

enum outbox_to { TO_CLIENT, TO_WORKER, TO_JOBS, TO_NONCE };

/* What the outbox needs of the world; tests hand in their own. */
struct outbox_world {
	void *ctx;
	/* Sends a complete message: `to` a client's or worker's route, or a worker session. */
	void (*send)(void *ctx, enum outbox_to to, uint64_t whom, struct span bytes);
	/* Bytes of the log: 1 there, 0 being read (try again later), -1 cannot be read. */
	int (*bytes)(void *ctx, const struct log_bytes *where, struct span *out);
	/* A granted job whose payload cannot be read. */
	void (*bad_payload)(void *ctx, const struct lease_name *lease);
	/* A delivery whose messages cannot be read: its token. */
	void (*bad_messages)(void *ctx, uint64_t token);
	/* FX_FETCH: the packed message, or bad. */
	void (*fetched)(void *ctx, uint64_t token, bool bad, struct span packed);
	/* Nothing below the position is needed any more. */
	void (*trim)(void *ctx, uint64_t position);
};

struct outbox *outbox_new(const struct outbox_world *world);
void outbox_free(struct outbox *o);

/* One effect that sends (FX_ACCEPTED, FX_RESULT, FX_REPLY, FX_PEEK, FX_CONTROL, FX_NONCE, FX_GRANT, FX_PROBE,
 * FX_DELIVER, FX_FETCH, FX_TRIM) of a step that left the log's head at `head`. */
void outbox_add(struct outbox *o, const struct effect *e, uint64_t head, uint64_t epoch);

/* The end of a turn: closes what was gathered. */
void outbox_seal(struct outbox *o);

/* Sends all that may leave. */
void outbox_flush(struct outbox *o, uint64_t synced);

/* Bytes that wait, and whether nothing does. */
uint64_t outbox_bytes(const struct outbox *o);
bool outbox_empty(const struct outbox *o);

#endif
