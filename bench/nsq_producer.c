/* See nsq_producer.h. */
#include "bench/nsq_producer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "bench/nsq_consumer.h"
#include "bench/nsq_load.h"

enum { VECTORS = 64, CHUNK = 16 << 10 };

/* A publish, ready to be written: its command, and messages that wait for their numbers. */
struct slot {
	uint8_t *p; /* borrowed from the producer's memory */
	size_t n;   /* bytes of it that are to be written */
	uint32_t messages;
	uint64_t since_ns;
};

struct producer {
	struct conn c;
	struct produce *run;
	struct slot *slots;                 /* run->depth of them, a ring; owned */
	uint8_t *memory;                    /* of all slots; owned */
	size_t head;                        /* bytes before the first message's size */
	size_t command;                     /* of these, the line */
	uint64_t filled, written, answered; /* slots so far */
	size_t written_part;                /* bytes of the slot `written` that have gone */
};

void produce_init(struct produce *p, const struct load_options *o)
{
	*p = (struct produce){ .topic = o->topic,
		               .batch = o->batch,
		               .size = o->size,
		               .depth = o->depth,
		               .tag = o->tag,
		               .first = o->first,
		               .next = o->first,
		               .end = o->first + (o->count ? o->count : TALLY_MOST),
		               .rate = o->rate };
}

void body_write(uint8_t *p, uint32_t size, uint32_t tag)
{
	memcpy(p, "nsql", 4);
	le_put32(p + BODY_TAG_AT, tag);
	le_put64(p + BODY_NUMBER_AT, 0);
	le_put64(p + BODY_DUE_AT, 0);
	for (uint32_t i = BODY_HEAD; i < size; i++)
		p[i] = (uint8_t)('a' + i % 26);
}

static void write_slots(struct producer *w)
{
	const struct produce *r = w->run;
	bool many = r->batch > 1;
	char line[128];
	size_t bytes;

	w->command = (size_t)snprintf(line, sizeof line, "%s %s\n", many ? "MPUB" : "PUB", r->topic);
	w->head = w->command + (many ? 8 : 0);
	bytes = w->head + (size_t)r->batch * (4 + r->size);
	w->memory = malloc(bytes * r->depth);
	w->slots = calloc(r->depth, sizeof *w->slots);
	if (w->memory == NULL || w->slots == NULL)
		load_die(LOAD_FAILED, "not enough memory for %u publishes", r->depth);
	for (uint32_t i = 0; i < r->depth; i++) {
		uint8_t *p = w->slots[i].p = w->memory + i * bytes;

		memcpy(p, line, w->command);
		for (uint32_t m = 0; m < r->batch; m++) {
			uint8_t *at = p + w->head + (size_t)m * (4 + r->size);

			be_put32(at, r->size);
			body_write(at + 4, r->size, r->tag);
		}
	}
}

static void on_response(struct conn *c, uint32_t type, const uint8_t *data, size_t n)
{
	struct producer *w = c->arg;
	struct produce *r = w->run;
	struct slot *s = &w->slots[w->answered % r->depth];

	if (w->answered == w->filled) {
		r->refused++;
		load_warn("an answer to nothing: %.*s", (int)n, (const char *)data);
		return;
	}
	w->answered++;
	r->in_flight--;
	if (type == FRAME_RESPONSE && n == 2 && memcmp(data, "OK", 2) == 0) {
		r->accepted += s->messages;
		hist_add(&r->times, (clock_mono_ns() - s->since_ns) / 1000);
		return;
	}
	r->refused++;
	load_warn("a publish was answered with: %.*s", (int)n, (const char *)data);
}

static void on_message(struct conn *c, const uint8_t *data, size_t n)
{
	struct producer *w = c->arg;

	(void)data;
	(void)n;
	w->run->refused++;
	load_warn("a message came to a producer");
}

static void on_closed(struct conn *c, const char *why)
{
	struct producer *w = c->arg;

	w->run->refused++;
	w->run->in_flight -= (uint32_t)(w->filled - w->answered);
	w->answered = w->filled;
	load_warn("a producer's connection: %s", why);
}

/* How many more messages may be published now. */
static uint64_t due(const struct produce *r)
{
	uint64_t left = r->end - r->next, now;

	if (r->rate == 0 || left == 0)
		return left;
	now = r->first + (uint64_t)((double)(clock_mono_ns() - r->began_ns) * (double)r->rate / 1e9);
	return now > r->next ? (now - r->next < left ? now - r->next : left) : 0;
}

static void fill(struct producer *w, uint32_t messages)
{
	struct produce *r = w->run;
	struct slot *s = &w->slots[w->filled % r->depth];
	size_t each = 4 + r->size;
	uint8_t *at = s->p + w->head + 4 + BODY_NUMBER_AT;

	for (uint32_t i = 0; i < messages; i++, at += each)
		le_put64(at, r->next + i);
	s->messages = messages;
	s->n = w->head + messages * each;
	if (r->batch > 1) {
		be_put32(s->p + w->command, (uint32_t)(4 + messages * each));
		be_put32(s->p + w->command + 4, messages);
	}
	s->since_ns = clock_mono_ns();
	r->next += messages;
	r->in_flight++;
	w->filled++;
}

/* Writes the slots that are filled; false: the socket takes no more. */
static bool write_filled(struct producer *w)
{
	const struct produce *r = w->run;

	while (w->written < w->filled) {
		struct iovec v[VECTORS];
		size_t sent;
		int n = 0;

		for (uint64_t s = w->written; s < w->filled && n < VECTORS; s++, n++)
			v[n] = (struct iovec){ w->slots[s % r->depth].p, w->slots[s % r->depth].n };
		v[0].iov_base = (uint8_t *)v[0].iov_base + w->written_part;
		v[0].iov_len -= w->written_part;
		sent = conn_write(&w->c, v, n);
		if (sent == 0)
			return false;
		for (sent += w->written_part; w->written < w->filled; w->written++) {
			size_t whole = w->slots[w->written % r->depth].n;

			if (sent < whole)
				break;
			sent -= whole;
		}
		w->written_part = sent;
		w->c.midway = sent > 0;
	}
	return true;
}

void producer_go(struct producer *w)
{
	struct produce *r = w->run;

	if (w->c.fd < 0 || w->c.waits_to_write || !write_filled(w))
		return;
	conn_flush(&w->c); /* an answer to a heartbeat goes between two publishes */
	if (w->c.out.n > 0)
		return;
	while (w->filled - w->answered < r->depth) {
		uint64_t n = due(r);

		if (n == 0 || (r->rate && n < r->batch && r->end - r->next > n))
			break;
		fill(w, (uint32_t)(n < r->batch ? n : r->batch));
	}
	write_filled(w);
}

static void on_turn(struct conn *c)
{
	producer_go(c->arg);
}

static const struct conn_calls calls = { on_message, on_response, on_turn, on_closed };

struct producer *producer_new(struct loop *l, const char *host, const char *port, struct produce *p)
{
	struct producer *w = calloc(1, sizeof *w);

	must(w != NULL);
	w->run = p;
	write_slots(w);
	conn_open(&w->c, l, host, port, CHUNK, &calls, w);
	conn_await(&w->c);
	return w;
}

void producer_free(struct producer *w)
{
	if (w == NULL)
		return;
	conn_close(&w->c);
	free(w->slots);
	free(w->memory);
	free(w);
}

void producer_start(struct producer *w)
{
	conn_start(&w->c);
}
