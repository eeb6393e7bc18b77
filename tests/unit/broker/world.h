/* A world for the outbox that notes what is sent, in the order in which it goes: one line of text per message. */
#ifndef SHEAF_TESTS_UNIT_BROKER_WORLD_H
#define SHEAF_TESTS_UNIT_BROKER_WORLD_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "broker/outbox.h"
#include "proto/codec.h"

enum { SENT_MOST = 4096, SPAN_MOST = 1 << 20 };

struct sent {
	enum outbox_to to;
	uint64_t whom;
	uint32_t kind;
	uint64_t number, session, epoch;
	uint32_t records;
	uint32_t gone;   /* of RESULTS: records whose bytes are gone */
	uint64_t first;  /* id, request or nonce of the first record */
	size_t bytes;    /* of the frame */
	size_t payloads; /* bytes of all payloads and results in it */
};

struct world {
	struct outbox *outbox;
	struct msg_room *room;
	struct sent sent[SENT_MOST];
	uint32_t n;
	int answer;        /* of bytes(): 1, 0, -1 */
	uint64_t bad_at;   /* this position cannot be read, whatever `answer` says */
	uint64_t ready_at; /* while `answer` is 0: up to this position bytes are there */
	uint64_t bad[16];  /* ids told to bad_payload */
	uint32_t n_bad;
	uint64_t bad_tokens[16]; /* told to bad_messages */
	uint32_t n_bad_tokens;
	uint64_t fetched[16]; /* tokens told to fetched */
	uint32_t n_fetched;
	size_t fetched_bytes;
	bool fetched_bad;
	const uint8_t *run;      /* what stands in the log, if not world_text */
	uint64_t trims[16];      /* positions */
	uint32_t trimmed_at[16]; /* how many messages had been sent then */
	uint32_t n_trims;
};

static uint8_t world_text[SPAN_MOST];

static inline void world_note(struct sent *s, const struct msg *m)
{
	switch (m->h.kind) {
	case MSG_ACCEPTED:
		s->records = m->u.accepted.n;
		s->first = m->u.accepted.v[0].number;
		break;
	case MSG_RESULTS:
		s->records = m->u.results.n;
		s->first = m->u.results.v[0].id;
		for (uint32_t i = 0; i < s->records; i++) {
			s->payloads += m->u.results.v[i].error.n + m->u.results.v[i].result.n;
			s->gone += m->u.results.v[i].gone;
		}
		break;
	case MSG_JOBS:
		s->records = m->u.jobs.n;
		s->first = s->records > 0 ? m->u.jobs.v[0].id : 0;
		for (uint32_t i = 0; i < s->records; i++)
			s->payloads += m->u.jobs.v[i].payload.n;
		break;
	case MSG_MESSAGES:
		s->records = m->u.messages.n;
		s->first = m->u.messages.v[0].run;
		for (uint32_t i = 0; i < s->records; i++) {
			s->payloads += m->u.messages.v[i].packed.n;
			s->gone += m->u.messages.v[i].mask == 0;
		}
		break;
	case MSG_PEEKED:
		s->records = m->u.peeked.n;
		for (uint32_t i = 0; i < s->records; i++)
			s->payloads += m->u.peeked.v[i].payload.n;
		break;
	case MSG_JOBS_WELCOME:
		s->first = m->u.nonce.nonce;
		break;
	default:
		break;
	}
}

static inline void world_send(void *ctx, enum outbox_to to, uint64_t whom, struct span bytes)
{
	struct world *w = ctx;
	struct sent *s = &w->sent[w->n++];
	const char *why;
	struct msg m;

	ck_assert_uint_le(w->n, SENT_MOST);
	ck_assert_int_eq(msg_decode(bytes, w->room, &m, &why), SHEAF_OK);
	*s = (struct sent){ .to = to,
		            .whom = whom,
		            .kind = m.h.kind,
		            .number = m.h.number,
		            .session = m.h.session,
		            .epoch = m.h.epoch,
		            .bytes = bytes.n };
	world_note(s, &m);
}

static inline int world_bytes(void *ctx, const struct log_bytes *where, struct span *out)
{
	struct world *w = ctx;

	if (where->position == w->bad_at)
		return -1;
	if (w->answer != 1 && where->position > w->ready_at)
		return w->answer;
	ck_assert_uint_le(where->length, SPAN_MOST);
	*out = span_of(w->run != NULL ? w->run : world_text, where->length);
	return 1;
}

static inline void world_bad(void *ctx, const struct lease_name *lease)
{
	struct world *w = ctx;

	w->bad[w->n_bad++] = lease->id;
}

static inline void world_bad_messages(void *ctx, uint64_t token)
{
	struct world *w = ctx;

	w->bad_tokens[w->n_bad_tokens++] = token;
}

static inline void world_fetched(void *ctx, uint64_t token, bool bad, struct span packed)
{
	struct world *w = ctx;

	w->fetched[w->n_fetched++] = token;
	w->fetched_bad = bad;
	w->fetched_bytes = packed.n;
}

static inline void world_trim(void *ctx, uint64_t position)
{
	struct world *w = ctx;

	w->trimmed_at[w->n_trims] = w->n;
	w->trims[w->n_trims++] = position;
}

/* A world in which all bytes are there. */
static inline struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof *w);
	struct outbox_world hooks = { w,         world_send, world_bytes, world_bad, world_bad_messages, world_fetched,
		                      world_trim };

	ck_assert_ptr_nonnull(w);
	w->room = msg_room_new();
	w->outbox = outbox_new(&hooks);
	w->answer = 1;
	w->bad_at = UINT64_MAX;
	return w;
}

static inline void world_free(struct world *w)
{
	outbox_free(w->outbox);
	msg_room_free(w->room);
	free(w);
}

/* What the core says, in short. All at epoch 9; a client's session is its route + 1000. */
static inline void say_accepted(struct world *w, uint64_t peer, uint64_t number, uint64_t head)
{
	struct effect e = { .kind = FX_ACCEPTED, .peer = peer, .session = peer + 1000 };

	e.u.accepted = (struct msg_accepted_rec){ number, number * 10, 1 };
	outbox_add(w->outbox, &e, head, 9);
}

/* length > 0: the result stands in the log at position `id`, its error text is the first third if it is short. */
static inline void say_result(struct world *w, uint64_t peer, uint64_t number, uint64_t id, uint32_t length,
                              uint64_t head)
{
	struct effect e = { .kind = FX_RESULT, .peer = peer, .session = peer + 1000, .number = number };

	e.u.result.rec = (struct msg_result_rec){ .id = id, .state = JOB_DONE, .attempt = 1 };
	e.u.result.from_log = length > 0;
	e.u.result.error_length = length < LIMIT_ERROR ? length / 3 : 0;
	e.stored = (struct log_bytes){ id, length + 2, 0 }; /* an empty history before it */
	outbox_add(w->outbox, &e, head, 9);
}

static inline void say_grant(struct world *w, uint64_t session, uint64_t number, uint64_t id, uint32_t length,
                             struct span headers, uint64_t head)
{
	struct effect e = { .kind = FX_GRANT, .session = session, .number = number };

	e.u.job = (struct msg_job_rec){ .id = id, .token = id + 7, .attempt = 1, .headers = headers };
	e.stored = (struct log_bytes){ id, length, 0 };
	outbox_add(w->outbox, &e, head, 9);
}

/* A delivery of run `run`, which has `count` messages; its token is run + 7. */
static inline void say_delivery(struct world *w, uint64_t peer, uint64_t number, uint64_t run, uint32_t count,
                                uint64_t mask, uint32_t length, uint64_t head)
{
	struct effect e = { .kind = FX_DELIVER, .peer = peer, .session = peer + 1000, .number = number };

	e.u.delivery.rec =
	    (struct msg_delivery_rec){ .sub = 3, .run = run, .token = run + 7, .mask = mask, .attempts = 1 };
	e.u.delivery.count = count;
	e.u.delivery.after = head;
	e.stored = (struct log_bytes){ run, length, 0 };
	outbox_add(w->outbox, &e, head, 9);
}

static inline void say_reply(struct world *w, enum effect_kind kind, uint64_t peer, uint32_t msg_kind, uint64_t number,
                             uint64_t head)
{
	struct msg m = { .h = { PROTO_VERSION_MAX, msg_kind, 0, 9, peer + 1000, number } };
	struct effect e = { .kind = kind, .peer = peer };

	e.u.msg = &m;
	outbox_add(w->outbox, &e, head, 9);
}

static inline void say_plain(struct world *w, enum effect_kind kind, uint64_t session, uint64_t number, uint64_t head)
{
	struct effect e = { .kind = kind, .session = session, .number = number };

	outbox_add(w->outbox, &e, head, 9);
}

static inline void say_trim(struct world *w, uint64_t position, uint64_t head)
{
	struct effect e = { .kind = FX_TRIM };

	e.u.position = position;
	outbox_add(w->outbox, &e, head, 9);
}

#endif
