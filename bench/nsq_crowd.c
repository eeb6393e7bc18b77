/* nsq-load crowd: many subscribers at once. Those of one topic are busy; those of another have nothing to do but to
 * answer heartbeats. Every busy one should get its share of its channel's messages. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "bench/nsq_consumer.h"
#include "bench/nsq_load.h"
#include "bench/nsq_producer.h"
#include "bench/nsq_report.h"

enum { IDLE_CHUNK = 1 << 10, CHUNK = 32 << 10, TICK_MS = 1, AT_ONCE = 500, STARVED_PERCENT = 10 };

struct crowd {
	const struct load_options *o;
	struct loop loop;
	char idle_topic[LOAD_NAME + 8];
	char (*names)[16];     /* of the channels; owned */
	struct tally *tallies; /* spread: of the busy channels; and one for all that is idle; owned */
	struct consumer *all;  /* busy ones, then idle ones; owned */
	struct producer **producers;
	struct produce run;
	double *shares; /* of each busy one, percent of what it should have got */
};

static void open_all(struct crowd *x)
{
	const struct load_options *o = x->o;

	snprintf(x->idle_topic, sizeof x->idle_topic, "%.56s-idle", o->topic);
	for (uint32_t i = 0; i < o->spread; i++) {
		snprintf(x->names[i], sizeof x->names[i], "crowd%u", i + 1);
		tally_init(&x->tallies[i], o->topic, x->names[i], o->tag, o->first, o->first + TALLY_MOST);
	}
	for (uint32_t i = 0; i < o->spread; i++)
		tally_init(&x->tallies[o->spread + i], x->idle_topic, x->names[i], o->tag, 0, 0);
	for (uint32_t i = 0, awaited = 0, n = o->busy + o->idle; i < n; i++) {
		uint32_t kind = i < o->busy ? 0 : o->spread, at = (i < o->busy ? i : i - o->busy) % o->spread;

		consumer_open(&x->all[i], &x->loop, o->host, o->port, i < o->busy ? CHUNK : IDLE_CHUNK,
		              &x->tallies[kind + at]);
		while (i + 1 - awaited == AT_ONCE || (i + 1 == n && awaited < n))
			conn_await(&x->all[awaited++].c);
	}
	for (uint32_t i = 0; i < o->connections; i++)
		x->producers[i] = producer_new(&x->loop, o->host, o->port, &x->run);
	for (uint32_t i = 0; i < o->busy + o->idle; i++)
		consumer_start(&x->all[i], o->rdy);
}

/* The channels that have a busy consumer. */
static uint32_t channels(const struct load_options *o)
{
	return o->busy < o->spread ? o->busy : o->spread;
}

static uint64_t received(const struct crowd *x)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < x->o->spread; i++)
		n += x->tallies[i].different;
	return n;
}

static void go(struct crowd *x)
{
	const struct load_options *o = x->o;
	uint64_t began = clock_mono_ms(), moved = began, seen = 0, now;

	x->run.began_ns = clock_mono_ns();
	for (uint32_t i = 0; i < o->connections; i++)
		producer_start(x->producers[i]);
	while (!load_stopped && x->run.refused == 0) {
		for (uint32_t i = 0; i < o->connections; i++)
			producer_go(x->producers[i]);
		loop_turn(&x->loop, TICK_MS);
		now = clock_mono_ms();
		if (now - began >= o->ms)
			x->run.end = x->run.next;
		if (seen != received(x) + x->run.accepted)
			moved = now;
		seen = received(x) + x->run.accepted;
		if (x->run.next == x->run.end && x->run.in_flight == 0 && received(x) >= x->run.accepted * channels(o))
			return;
		if (now - moved > o->patience_ms) {
			load_warn("nothing came for too long");
			return;
		}
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Fills and sorts the shares; how many got less than a tenth of theirs. */
static uint32_t starved(struct crowd *x)
{
	const struct load_options *o = x->o;
	uint32_t n = 0;

	for (uint32_t i = 0; i < o->busy; i++) {
		uint32_t channel = i % o->spread;
		uint32_t mates = o->busy / o->spread + (channel < o->busy % o->spread ? 1 : 0);
		uint64_t all = x->tallies[channel].different;

		x->shares[i] = all ? 100.0 * (double)x->all[i].received * mates / (double)all : 0;
		n += x->shares[i] < STARVED_PERCENT;
	}
	qsort(x->shares, o->busy, sizeof *x->shares, compare);
	return n;
}

static int report(struct crowd *x, double seconds)
{
	const struct load_options *o = x->o;
	uint64_t got = received(x), want = x->run.accepted * channels(o), missing = want > got ? want - got : 0;
	uint64_t again = 0, foreign = 0, errors = 0;
	uint32_t hungry = starved(x);
	struct report r;

	for (uint32_t i = 0; i < 2 * o->spread; i++) {
		again += x->tallies[i].again;
		foreign += x->tallies[i].foreign;
		errors += x->tallies[i].errors;
	}
	report_begin(&r, o);
	report_count(&r, "idle", o->idle);
	report_count(&r, "busy", o->busy);
	report_count(&r, "published", x->run.accepted);
	report_count(&r, "received", got);
	report_number(&r, "seconds", seconds);
	report_count(&r, "messages_per_second", (uint64_t)((double)got / seconds));
	report_number(&r, "least_share_percent", x->shares[0]);
	report_number(&r, "median_share_percent", x->shares[o->busy / 2]);
	report_number(&r, "most_share_percent", x->shares[o->busy - 1]);
	report_count(&r, "starved", hungry);
	report_count(&r, "missing", missing);
	report_count(&r, "again", again);
	report_count(&r, "foreign", foreign);
	report_count(&r, "errors", errors + x->run.refused);
	report_end(&r);
	return hungry || missing || again || foreign || errors || x->run.refused ? LOAD_WRONG : LOAD_OK;
}

static void close_all(struct crowd *x)
{
	const struct load_options *o = x->o;

	for (uint32_t i = 0; i < o->busy + o->idle; i++)
		consumer_close(&x->all[i]);
	for (uint32_t i = 0; i < o->connections; i++)
		producer_free(x->producers[i]);
	for (uint32_t i = 0; i < 2 * o->spread; i++)
		tally_fini(&x->tallies[i]);
	loop_fini(&x->loop);
	free(x->names);
	free(x->tallies);
	free(x->all);
	free(x->producers);
	free(x->shares);
	free(x);
}

int load_crowd(const struct load_options *o)
{
	struct crowd *x = calloc(1, sizeof *x);
	uint64_t began;
	int status;

	must(x != NULL);
	x->o = o;
	x->names = calloc(o->spread, sizeof *x->names);
	x->tallies = calloc(2 * o->spread, sizeof *x->tallies);
	x->all = calloc(o->busy + o->idle, sizeof *x->all);
	x->producers = calloc(o->connections, sizeof *x->producers);
	x->shares = calloc(o->busy, sizeof *x->shares);
	must(x->names && x->tallies && x->all && x->producers && x->shares);
	loop_init(&x->loop);
	produce_init(&x->run, o);
	open_all(x);
	began = clock_mono_ns();
	go(x);
	status = report(x, (double)(clock_mono_ns() - began) / 1e9);
	close_all(x);
	return status;
}
