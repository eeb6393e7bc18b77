/* Carrying out effects: the log's to the journal, the sockets' to the sockets, the rest to the outbox. */
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "broker/loop.h"
#include "broker/zonefile.h"

static struct echo *echo_add(struct loop *l, enum event_kind kind)
{
	struct echo *e = calloc(1, sizeof *e);

	must(e != NULL);
	e->ev.kind = kind;
	buf_init(&e->bytes);
	if (l->last != NULL)
		l->last->next = e;
	else
		l->first = e;
	l->last = e;
	return e;
}

static void open_push(struct loop *l, uint64_t session, uint32_t principal)
{
	struct echo *e = echo_add(l, EV_SOCKET);

	e->ev.session = session;
	if (sockets_push_open(&l->sockets, session, principal, e->text))
		e->ev.text = span_str(e->text);
}

static void read_zone(struct loop *l, const char *name)
{
	struct echo *e = echo_add(l, EV_ZONE);
	const char *why = "";

	text_format(e->text, sizeof e->text, "%s", name);
	e->ev.text = span_str(e->text);
	e->ev.flag = !zonefile_read(name, &e->bytes, &why);
	e->ev.facts = e->ev.flag ? span_str(why) : buf_span(&e->bytes);
}

static void unreachable(struct loop *l, uint64_t session)
{
	echo_add(l, EV_UNREACHABLE)->ev.session = session;
}

/* A nonce waits for the worker's PULL: until it is connected the socket takes nothing. */
static void keep_nonce(struct loop *l, uint64_t session, struct span bytes)
{
	struct nonce *n;

	if (l->n_nonces == l->cap_nonces) {
		l->cap_nonces = l->cap_nonces ? 2 * l->cap_nonces : 8;
		l->nonces = realloc(l->nonces, l->cap_nonces * sizeof l->nonces[0]);
		must(l->nonces != NULL);
	}
	n = &l->nonces[l->n_nonces++];
	n->session = session;
	buf_init(&n->bytes);
	buf_put_span(&n->bytes, bytes);
}

void loop_send_nonces(struct loop *l)
{
	for (uint32_t i = 0; i < l->n_nonces;) {
		struct nonce *n = &l->nonces[i];
		enum sockets_pushed r = sockets_push(&l->sockets, n->session, buf_span(&n->bytes), l->now.mono_ms);

		if (r == PUSH_NOT_NOW || r == PUSH_STUCK) {
			i++; /* the core's liveness ends it if it never comes */
			continue;
		}
		buf_fini(&n->bytes);
		*n = l->nonces[--l->n_nonces];
	}
}

static void world_send(void *ctx, enum outbox_to to, uint64_t whom, struct span bytes)
{
	struct loop *l = ctx;

	l->messages_out++;
	switch (to) {
	case TO_CLIENT:
		/* a client that is gone, or takes nothing, asks again when it can */
		if (!sockets_answer(&l->sockets, whom, bytes))
			log_line(LOG_DEBUG, "client-away", "route=%llx", (unsigned long long)whom);
		break;
	case TO_WORKER:
		if (!sockets_send(l->sockets.workers, whom, bytes))
			log_line(LOG_DEBUG, "worker-away", "route=%llx", (unsigned long long)whom);
		break;
	case TO_NONCE:
		keep_nonce(l, whom, bytes);
		break;
	case TO_JOBS:
		if (sockets_push(&l->sockets, whom, bytes, l->now.mono_ms) == PUSH_STUCK)
			unreachable(l, whom);
		break;
	}
}

static int world_bytes(void *ctx, const struct log_bytes *where, struct span *out)
{
	struct loop *l = ctx;

	switch (journal_bytes(l->journal, where->position, where->length, where->crc, out)) {
	case READ_OK:
		return 1;
	case READ_PENDING:
		return 0;
	case READ_BAD:
		log_line(LOG_ERROR, "log-unreadable", "position=%llu bytes=%u are damaged or missing",
		         (unsigned long long)where->position, where->length);
		break;
	}
	return -1;
}

static void world_bad_payload(void *ctx, const struct lease_name *lease)
{
	struct echo *e = echo_add(ctx, EV_BAD_PAYLOAD);

	log_line(LOG_ERROR, "payload-damaged", "job=%llu", (unsigned long long)lease->id);
	e->ev.lease = *lease;
	e->ev.text = span_str("its payload is damaged on the broker's disk");
}

static void world_bad_messages(void *ctx, uint64_t token)
{
	log_line(LOG_ERROR, "messages-damaged", "token=%llx: they are damaged on the broker's disk",
	         (unsigned long long)token);
	echo_add(ctx, EV_BAD_MESSAGES)->ev.session = token;
}

static void world_fetched(void *ctx, uint64_t token, bool bad, struct span packed)
{
	struct echo *e = echo_add(ctx, EV_FETCHED);

	e->ev.session = token;
	e->ev.flag = bad;
	buf_put_span(&e->bytes, packed);
	e->ev.facts = buf_span(&e->bytes);
}

static void world_trim(void *ctx, uint64_t position)
{
	struct loop *l = ctx;

	journal_trim(l->journal, position);
}

void loop_world(struct loop *l, struct outbox_world *w)
{
	*w = (struct outbox_world){ .ctx = l,
		                    .send = world_send,
		                    .bytes = world_bytes,
		                    .bad_payload = world_bad_payload,
		                    .bad_messages = world_bad_messages,
		                    .fetched = world_fetched,
		                    .trim = world_trim };
}

static void say(const struct effect *e)
{
	log_line(e->u.log.level, e->u.log.id, "%s", e->u.log.text);
}

static void carry_one(struct loop *l, const struct effect *e)
{
	struct effect more;

	switch (e->kind) {
	case FX_APPEND:
		journal_append(l->journal, l->fx.block_at, &l->fx.block, l->fx.facts);
		break;
	case FX_OPEN:
		open_push(l, e->session, (uint32_t)e->number);
		break;
	case FX_CLOSE:
		sockets_push_close(&l->sockets, e->session);
		break;
	case FX_MOVE:
		journal_scan(l->journal, e->u.position);
		l->scanning = true;
		break;
	case FX_ZONE:
		read_zone(l, e->u.zone);
		break;
	case FX_LOG:
		say(e);
		break;
	case FX_REPLY:
		more = *e;
		if (e->u.msg->h.kind == MSG_STATS_INFO)
			more.u.msg = stats_extend(l, e->u.msg);
		outbox_add(l->outbox, &more, l->fx.head, l->epoch);
		break;
	default:
		outbox_add(l->outbox, e, l->fx.head, l->epoch);
	}
}

void loop_carry_out(struct loop *l)
{
	for (uint32_t i = 0; i < l->fx.n; i++)
		carry_one(l, &l->fx.v[i]);
}
