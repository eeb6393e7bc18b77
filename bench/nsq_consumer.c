/* See nsq_consumer.h. */
#include "bench/nsq_consumer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "bench/nsq_load.h"
#include "bench/nsq_producer.h"

enum { FIN_BYTES = 4 + MESSAGE_ID + 1, WORD = 64 };

void tally_init(struct tally *t, const char *topic, const char *channel, uint32_t tag, uint64_t first, uint64_t end)
{
	*t = (struct tally){ .topic = topic, .channel = channel, .tag = tag, .first = first, .end = end };
}

void tally_fini(struct tally *t)
{
	free(t->seen);
	t->seen = NULL;
}

/* Makes room for the bit of a number; twice as much as there was at least, so that it is seldom done. */
static void tally_grow(struct tally *t, uint64_t word)
{
	uint64_t words = t->words ? t->words * 2 : 4096;

	while (words <= word)
		words *= 2;
	t->seen = realloc(t->seen, words * sizeof *t->seen);
	if (t->seen == NULL)
		load_die(LOAD_FAILED, "not enough memory to remember which messages came");
	memset(t->seen + t->words, 0, (words - t->words) * sizeof *t->seen);
	t->words = words;
}

/* False: it is not to be counted. */
static bool tally_body(struct tally *t, const uint8_t *body, size_t n)
{
	uint64_t number, bit;

	if (unlikely(n < BODY_HEAD || memcmp(body, "nsql", 4) != 0 || le_get32(body + BODY_TAG_AT) != t->tag)) {
		t->foreign++;
		return false;
	}
	number = le_get64(body + BODY_NUMBER_AT);
	if (unlikely(number < t->first || number >= t->end)) {
		t->foreign++;
		return false;
	}
	number -= t->first;
	if (unlikely(number / WORD >= t->words))
		tally_grow(t, number / WORD);
	bit = (uint64_t)1 << number % WORD;
	if (unlikely(t->seen[number / WORD] & bit)) {
		t->again++;
		return false;
	}
	t->seen[number / WORD] |= bit;
	t->different++;
	return true;
}

static void on_message(struct conn *c, const uint8_t *data, size_t n)
{
	struct consumer *r = c->arg;
	uint8_t *p = conn_room(c, FIN_BYTES);

	memcpy(p, "FIN ", 4);
	memcpy(p + 4, data + MESSAGE_ID_AT, MESSAGE_ID);
	p[FIN_BYTES - 1] = '\n';
	c->out.n += FIN_BYTES;
	r->received++;
	r->tally->attempts += !(data[8] == 0 && data[9] == 1);
	if (tally_body(r->tally, data + MESSAGE_HEAD, n - MESSAGE_HEAD) && r->times) {
		uint64_t due = le_get64(data + MESSAGE_HEAD + BODY_DUE_AT), now = clock_mono_ns();

		hist_add(r->times, now > due ? (now - due) / 1000 : 0);
	}
}

static void on_response(struct conn *c, uint32_t type, const uint8_t *data, size_t n)
{
	struct consumer *r = c->arg;

	(void)type;
	r->tally->errors++;
	load_warn("a consumer of '%s' was told: %.*s", r->tally->channel, (int)n, (const char *)data);
}

static void on_turn(struct conn *c)
{
	(void)c; /* what was answered has been written */
}

static void on_closed(struct conn *c, const char *why)
{
	struct consumer *r = c->arg;

	r->tally->errors++;
	load_warn("a consumer of '%s': %s", r->tally->channel, why);
}

static const struct conn_calls calls = { on_message, on_response, on_turn, on_closed };

void consumer_open(struct consumer *r, struct loop *l, const char *host, const char *port, size_t chunk,
                   struct tally *t)
{
	*r = (struct consumer){ .tally = t };
	conn_open(&r->c, l, host, port, chunk, &calls, r);
	conn_subscribe(&r->c, t->topic, t->channel);
}

void consumer_start(struct consumer *r, uint32_t rdy)
{
	char line[32];

	conn_start(&r->c);
	snprintf(line, sizeof line, "RDY %u\n", rdy);
	conn_put_text(&r->c, line);
	conn_flush(&r->c);
}

void consumer_close(struct consumer *r)
{
	conn_close(&r->c);
}
