/* The life of a client session: connecting, hello, pings, silence, and what leaves in which order. See
 * session.h. */
#include "client/session.h"

#include <stdlib.h>

#include "client/machine.h"
#include "proto/codec.h"

#define SILENT_BEATS       3 /* a ping without an answer for so long: the connection is dead */
#define PATIENCE_DOUBLINGS 3 /* each reconnection in vain doubles that, so often at most */
#define RECONNECT_FIRST_MS 20
#define RECONNECT_MOST_MS  1000

#define QUIET_MOST_MS 80000     /* CSESSION_QUIET_FIRST_MS doubles up to this */
#define OUT_KEEP      (4 * MIB) /* a larger frame's memory is given back */

struct csession *csession_new(const struct csession_config *config)
{
	struct csession *c = calloc(1, sizeof *c);

	must(c && config->session && config->name.n <= sizeof c->name);
	c->session = config->session;
	rng_seed(&c->rng, config->seed);
	memcpy(c->name, config->name.p, config->name.n);
	c->name_n = config->name.n;
	c->beat_ms = config->beat_ms ? config->beat_ms : DEFAULT_BEAT_MS;
	(void)csession_set_records(c, config->records ? config->records : CSESSION_RECORDS_DEFAULT);
	c->waits_ms = UINT64_MAX;
	c->quiet_ms = CSESSION_QUIET_FIRST_MS;
	awaited_init(&c->awaited);
	subs_init(&c->subs);
	requests_init(&c->requests);
	buf_init(&c->out);
	return c;
}

void csession_free(struct csession *c)
{
	if (!c)
		return;
	if (c->gathered)
		requests_release(&c->requests, c->gathered);
	requests_fini(&c->requests);
	awaited_fini(&c->awaited);
	subs_fini(&c->subs);
	buf_fini(&c->out);
	free(c->waits);
	free(c);
}

uint64_t csession_pause(struct csession *c, uint32_t tries, uint64_t first_ms, uint64_t most_ms)
{
	uint64_t pause = tries < 16 ? first_ms << tries : most_ms;

	if (pause > most_ms)
		pause = most_ms;
	return pause / 2 + rng_below(&c->rng, pause / 2 + 1);
}

/* How long the broker may be silent. */
static uint64_t patience(const struct csession *c)
{
	uint32_t doublings = c->failures < PATIENCE_DOUBLINGS ? c->failures : PATIENCE_DOUBLINGS;

	return (SILENT_BEATS * c->beat_ms) << doublings;
}

void csession_lost(struct csession *c, uint64_t now_ms)
{
	if (c->link == LINK_FAILED || c->link == LINK_CLOSED || c->link == LINK_NONE)
		return;
	c->link = LINK_NONE;
	c->link_ms = now_ms + csession_pause(c, c->failures, RECONNECT_FIRST_MS, RECONNECT_MOST_MS);
	c->failures++;
	c->counts.reconnects++;
}

void csession_hello_again(struct csession *c, uint64_t due_ms)
{
	c->link = LINK_HELLO;
	c->link_ms = due_ms;
}

void csession_again(struct csession *c, struct request *r)
{
	r->again = true;
	c->counts.resent++;
	requests_retry(&c->requests, r, 0);
}

/* After a welcome nothing is sure of what was sent before it: what is unanswered goes again, what is
 * awaited is asked for, and the count of pushed results begins with the next one that is told. */
void csession_opened(struct csession *c, uint64_t now_ms)
{
	struct requests *q = &c->requests;

	c->link = LINK_OPEN;
	c->link_ms = now_ms;
	c->failures = 0;
	c->counts.hellos++;
	c->ping_ms = now_ms;
	c->pongs = c->pings;
	c->counted = false;
	c->suspect = 0;
	for (uint64_t n = q->first; n < q->next; n++) {
		struct request *r = requests_find(q, n);

		if (r && r->state == REQUEST_SENT)
			csession_again(c, r);
	}
	subs_again(&c->subs);
	csession_wait_all(c, now_ms);
}

void csession_wait_all(struct csession *c, uint64_t now_ms)
{
	c->waits_n = c->waits_at = 0;
	c->waits_ms = UINT64_MAX;
	c->result_ms = now_ms;
	for (uint32_t i = 0; c->awaited.n > 0 && i <= c->awaited.mask; i++) {
		if (c->awaited.v[i].id)
			csession_wait_one(c, c->awaited.v[i].id);
	}
}

/* The list is at most as long as there are ids awaited or were since the last sending: when it grows past
 * twice the limit, most of it is stale. */
void csession_wait_one(struct csession *c, uint64_t id)
{
	if (c->waits_n == c->waits_cap) {
		uint32_t cap = c->waits_cap ? 2 * c->waits_cap : LIMIT_RECORDS;

		if (c->waits_n >= 4 * LIMIT_CLIENT_WAITS) {
			c->waits_ms = 0; /* all of them, at the next tick */
			return;
		}
		c->waits = realloc(c->waits, cap * sizeof *c->waits);
		must(c->waits);
		c->waits_cap = cap;
	}
	c->waits[c->waits_n++] = id;
}

/* True when the link is down on account of silence. */
static bool silent(const struct csession *c, uint64_t now_ms)
{
	uint64_t since = c->heard_ms > c->unheard_ms ? c->heard_ms : c->unheard_ms;

	return c->link == LINK_OPEN && c->pongs < c->pings && now_ms >= since + patience(c);
}

/* We did not run for a while: the broker was not silent, we were deaf. It may have given up our waits. */
static void forgive_gap(struct csession *c, uint64_t now_ms)
{
	uint64_t gap = now_ms - c->ticked_ms;

	if (c->ticked_ms && gap > c->beat_ms + STALL_MS) {
		c->heard_ms = now_ms;
		if (c->link == LINK_ASKED)
			c->link_ms += gap - c->beat_ms;
		if (gap > DEFAULT_CLIENT_LIVENESS_MS / 2)
			c->waits_ms = now_ms;
	}
	c->ticked_ms = now_ms;
}

void csession_tick(struct csession *c, uint64_t now_ms)
{
	if (c->link == LINK_FAILED || c->link == LINK_CLOSED)
		return;
	forgive_gap(c, now_ms);
	requests_due(&c->requests, now_ms);
	if (silent(c, now_ms) || (c->link == LINK_ASKED && now_ms >= c->link_ms + patience(c))) {
		csession_lost(c, now_ms);
		return;
	}
	if (c->awaited.n == 0 || c->link != LINK_OPEN)
		return;
	if (now_ms >= c->result_ms + c->quiet_ms) {
		c->waits_ms = now_ms;
		c->quiet_ms = c->quiet_ms * 2 < QUIET_MOST_MS ? c->quiet_ms * 2 : QUIET_MOST_MS;
	}
	if (now_ms >= c->waits_ms)
		csession_wait_all(c, now_ms);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t csession_deadline(const struct csession *c)
{
	uint64_t at;

	switch (c->link) {
	case LINK_FAILED:
	case LINK_CLOSED:
		return UINT64_MAX;
	case LINK_NONE:
	case LINK_HELLO:
		return c->link_ms;
	case LINK_ASKED:
		return c->link_ms + patience(c);
	case LINK_OPEN:
		break;
	}
	at = earlier(c->ping_ms, c->requests.held_ms);
	if (c->pongs < c->pings)
		at = earlier(at, (c->heard_ms > c->unheard_ms ? c->heard_ms : c->unheard_ms) + patience(c));
	if (c->awaited.n > 0)
		at = earlier(at, earlier(c->waits_ms, c->result_ms + c->quiet_ms));
	return at;
}

/* ---- what leaves ---- */

static struct msg_header header(const struct csession *c, enum msg_kind kind, uint64_t number)
{
	return (struct msg_header){ .version = c->welcome.version ? c->welcome.version : PROTO_VERSION_MIN,
		                    .kind = (uint32_t)kind,
		                    .epoch = c->epoch,
		                    .session = c->session,
		                    .number = number };
}

static enum csession_effect send_message(struct csession *c, const struct msg *m, struct span *frame)
{
	msg_encode(&c->out, m);
	*frame = buf_span(&c->out);
	return CSESSION_SEND;
}

static enum csession_effect send_hello(struct csession *c, uint64_t now_ms, struct span *frame)
{
	struct msg m = { .h = header(c, MSG_CLIENT_HELLO, 0) };

	m.u.client_hello = (struct msg_client_hello){ .version_min = PROTO_VERSION_MIN,
		                                      .version_max = PROTO_VERSION_MAX,
		                                      .name = span_of(c->name, c->name_n) };
	c->link = LINK_ASKED;
	c->link_ms = now_ms;
	return send_message(c, &m, frame);
}

static enum csession_effect send_ping(struct csession *c, uint64_t now_ms, struct span *frame)
{
	struct msg m = { .h = header(c, MSG_PING, c->pings + 1) };

	m.u.ping.pushed = c->received;
	m.u.ping.delivered = c->subs.delivered;
	if (c->pongs == c->pings)
		c->unheard_ms = now_ms;
	c->pings++;
	c->ping_ms = now_ms + c->beat_ms;
	return send_message(c, &m, frame);
}

static enum csession_effect send_bye(struct csession *c, struct span *frame)
{
	struct msg m = { .h = header(c, MSG_CLIENT_BYE, 0) };

	c->link = LINK_CLOSED;
	return send_message(c, &m, frame);
}

static enum csession_effect send_request(struct csession *c, struct request *r, struct span *frame)
{
	struct msg_header h = header(c, (enum msg_kind)r->kind, r->number);

	*frame = requests_frame(&c->requests, r, &h, &c->out);
	r->state = REQUEST_SENT;
	r->pings = c->pings;
	return CSESSION_SEND;
}

/* The next ids that are still awaited, as one WAIT. */
static enum csession_effect send_wait(struct csession *c, struct span *frame)
{
	uint64_t ids[LIMIT_RECORDS];
	struct msg m = { .h = header(c, MSG_WAIT, 0) };
	uint32_t n = 0;

	while (c->waits_at < c->waits_n && n < LIMIT_RECORDS) {
		uint64_t id = c->waits[c->waits_at++];

		if (awaited_has(&c->awaited, id))
			ids[n++] = id;
	}
	if (c->waits_at == c->waits_n)
		c->waits_at = c->waits_n = 0;
	if (n == 0)
		return CSESSION_IDLE;
	m.u.ids = (struct msg_ids){ .ids = ids, .n = n };
	c->counts.waits++;
	return send_message(c, &m, frame);
}

/* What leaves an open connection, in this order: a ping, so that the count of results is known before
 * more of them come; CREDITs, so that who wants less gets no more for what it settles behind it; SETTLEs, so that an
 * UNSUBSCRIBE that was asked for later is behind them; requests; WAITs. A CREDIT is owed to subscriptions that stand
 * already. */
static enum csession_effect send_open(struct csession *c, uint64_t now_ms, struct span *frame)
{
	struct request *r;

	if (c->bye)
		return send_bye(c, frame);
	if (now_ms >= c->ping_ms)
		return send_ping(c, now_ms, frame);
	if (c->flush)
		csession_settle_gathered(c);
	if (subs_credit_frame(c, header(c, MSG_CREDIT, 0), &c->out) ||
	    subs_settle_frame(c, header(c, MSG_SETTLE, 0), &c->out)) {
		*frame = buf_span(&c->out);
		return CSESSION_SEND;
	}
	if (!c->gathered)
		subs_request(c);
	r = requests_ready(&c->requests);
	if (r)
		return send_request(c, r, frame);
	while (c->waits_n > 0) {
		if (send_wait(c, frame) == CSESSION_SEND)
			return CSESSION_SEND;
	}
	return CSESSION_IDLE;
}

enum csession_effect csession_effect(struct csession *c, uint64_t now_ms, struct span *frame)
{
	if (c->out.cap > OUT_KEEP) {
		buf_fini(&c->out);
		buf_init(&c->out);
	}
	buf_clear(&c->out);
	switch (c->link) {
	case LINK_NONE:
		if (c->bye || now_ms < c->link_ms)
			return CSESSION_IDLE;
		csession_hello_again(c, now_ms);
		return CSESSION_RECONNECT;
	case LINK_HELLO:
		return now_ms < c->link_ms || c->bye ? CSESSION_IDLE : send_hello(c, now_ms, frame);
	case LINK_OPEN:
		return send_open(c, now_ms, frame);
	case LINK_ASKED:
	case LINK_FAILED:
	case LINK_CLOSED:
		break;
	}
	return CSESSION_IDLE;
}

bool csession_unsent(struct csession *c)
{
	return c->link == LINK_OPEN && (requests_ready(&c->requests) || subs_unsent(&c->subs));
}

void csession_bye(struct csession *c)
{
	c->bye = true;
}

/* ---- what is known ---- */

const struct msg_client_welcome *csession_welcome(const struct csession *c)
{
	return c->counts.hellos ? &c->welcome : NULL;
}

bool csession_connected(const struct csession *c, uint64_t now_ms)
{
	return c->link == LINK_OPEN && now_ms < c->heard_ms + 2 * c->beat_ms;
}

enum sheaf_error csession_held_up(const struct csession *c)
{
	return c->held_up;
}

void csession_counts(const struct csession *c, struct csession_counts *counts)
{
	*counts = c->counts;
}
