/* nsq-load consume. */
#include <stdlib.h>

#include "base/clock.h"
#include "bench/nsq_consumer.h"
#include "bench/nsq_load.h"
#include "bench/nsq_report.h"

enum { TICK_MS = 20, CHUNK = 256 << 10 };

struct consume {
	struct loop loop;
	struct tally tallies[LOAD_CHANNELS];
	struct consumer *all; /* connections for each channel */
	uint32_t n;
	uint64_t began_ns, first_ns, last_ns; /* when it began, when the first message came, the last */
};

/* All channels' tallies as one. */
static struct tally sum(const struct consume *x, const struct load_options *o)
{
	struct tally all = { 0 };

	for (uint32_t i = 0; i < o->n_channels; i++) {
		const struct tally *t = &x->tallies[i];

		all.different += t->different;
		all.again += t->again;
		all.foreign += t->foreign;
		all.attempts += t->attempts;
		all.errors += t->errors;
	}
	return all;
}

static void go(struct consume *x, const struct load_options *o)
{
	uint64_t want = o->count * o->n_channels, seen = 0, quiet_since = x->began_ns;
	uint64_t patience = o->patience_ms * 1000000, limit = o->ms * 1000000;

	while (!load_stopped) {
		struct tally all;
		uint64_t now;

		loop_turn(&x->loop, TICK_MS);
		all = sum(x, o);
		now = clock_mono_ns();
		if (all.different + all.again != seen) {
			if (seen == 0)
				x->first_ns = now;
			seen = all.different + all.again;
			x->last_ns = quiet_since = now;
		}
		if (all.errors > 0 || (want > 0 && all.different >= want) || now - x->began_ns >= limit)
			return;
		if (want > 0 && now - quiet_since > patience) {
			load_warn("nothing came for too long");
			return;
		}
	}
}

/* Takes what still comes for a moment: a message that comes twice would come now. FINs are on their way meanwhile. */
static void linger(struct consume *x)
{
	uint64_t end = clock_mono_ms() + 200;

	while (clock_mono_ms() < end)
		loop_turn(&x->loop, TICK_MS);
}

static int report(const struct consume *x, const struct load_options *o, double cpu)
{
	struct tally all = sum(x, o);
	uint64_t want = o->count * o->n_channels, missing = want > all.different ? want - all.different : 0;
	double seconds = (double)(x->last_ns > x->began_ns ? x->last_ns - x->began_ns : 1) / 1e9;
	struct report r;

	report_begin(&r, o);
	report_count(&r, "messages", all.different);
	report_number(&r, "seconds", seconds);
	report_count(&r, "messages_per_second", (uint64_t)((double)all.different / seconds));
	report_number(&r, "own_cpu_ns_per_message", all.different ? cpu * 1e9 / (double)all.different : 0);
	report_count(&r, "missing", missing);
	report_count(&r, "again", all.again);
	report_count(&r, "foreign", all.foreign);
	report_count(&r, "later_attempts", all.attempts);
	report_count(&r, "errors", all.errors);
	report_end(&r);
	return missing || all.again || all.foreign || all.errors ? LOAD_WRONG : LOAD_OK;
}

int load_consume(const struct load_options *given)
{
	struct load_options options = *given;
	const struct load_options *o = &options;
	struct consume x = { 0 };
	double cpu;
	int status;

	loop_init(&x.loop);
	x.n = o->connections * o->n_channels;
	x.all = calloc(x.n, sizeof *x.all);
	must(x.all != NULL);
	for (uint32_t i = 0; i < o->n_channels; i++)
		tally_init(&x.tallies[i], o->topic, o->channels[i], o->tag, o->first,
		           o->first + (o->count ? o->count : TALLY_MOST));
	for (uint32_t i = 0; i < x.n; i++)
		consumer_open(&x.all[i], &x.loop, o->host, o->port, CHUNK, &x.tallies[i % o->n_channels]);
	for (uint32_t i = 0; i < x.n; i++)
		conn_await(&x.all[i].c);
	cpu = report_cpu();
	x.began_ns = clock_mono_ns();
	for (uint32_t i = 0; i < x.n; i++)
		consumer_start(&x.all[i], o->rdy);
	go(&x, o);
	cpu = report_cpu() - cpu;
	linger(&x);
	status = report(&x, o, cpu);
	for (uint32_t i = 0; i < x.n; i++)
		consumer_close(&x.all[i]);
	for (uint32_t i = 0; i < o->n_channels; i++)
		tally_fini(&x.tallies[i]);
	free(x.all);
	loop_fini(&x.loop);
	return status;
}
