/* nsq-load publish. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/must.h"
#include "bench/nsq_load.h"
#include "bench/nsq_producer.h"
#include "bench/nsq_report.h"

enum { TICK_MS = 1, SLOW_TICK_MS = 100 };

static void report(const struct load_options *o, const struct produce *run, double seconds, double cpu)
{
	struct report r;

	report_begin(&r, o);
	report_count(&r, "messages", run->accepted);
	report_number(&r, "seconds", seconds);
	report_count(&r, "messages_per_second", (uint64_t)((double)run->accepted / seconds));
	report_number(&r, "megabytes_per_second", (double)run->accepted * run->size / seconds / 1e6);
	report_times(&r, "answer", &run->times);
	report_number(&r, "own_cpu_ns_per_message", run->accepted ? cpu * 1e9 / (double)run->accepted : 0);
	report_count(&r, "unanswered", run->in_flight);
	report_count(&r, "wrong", run->refused);
	report_end(&r);
}

/* Publishes until the time is up or all is out, then waits for what is still without an answer. */
static void go(struct loop *l, const struct load_options *o, struct produce *run, struct producer **all)
{
	uint64_t began = clock_mono_ms(), moved = began, answered = 0, now;

	run->began_ns = clock_mono_ns();
	for (uint32_t i = 0; i < o->connections; i++) {
		producer_start(all[i]);
		producer_go(all[i]);
	}
	while (!load_stopped && run->refused == 0) {
		now = clock_mono_ms();
		if (now - began >= o->ms)
			run->end = run->next;
		if (run->next == run->end && run->in_flight == 0)
			return;
		if (answered != run->accepted || run->in_flight == 0)
			moved = now;
		answered = run->accepted;
		if (now - moved > o->patience_ms) {
			load_warn("no answer for too long");
			return;
		}
		loop_turn(l, o->rate ? TICK_MS : SLOW_TICK_MS);
		for (uint32_t i = 0; o->rate && i < o->connections; i++)
			producer_go(all[i]);
	}
}

int load_publish(const struct load_options *o)
{
	struct producer **all = calloc(o->connections, sizeof *all);
	struct produce *run = malloc(sizeof *run);
	struct loop l;
	uint64_t began;
	double cpu;
	bool good;

	must(all != NULL && run != NULL);
	loop_init(&l);
	produce_init(run, o);
	for (uint32_t i = 0; i < o->connections; i++)
		all[i] = producer_new(&l, o->host, o->port, run);
	cpu = report_cpu();
	began = clock_mono_ns();
	go(&l, o, run, all);
	report(o, run, (double)(clock_mono_ns() - began) / 1e9, report_cpu() - cpu);
	good = run->refused == 0 && run->in_flight == 0;
	for (uint32_t i = 0; i < o->connections; i++)
		producer_free(all[i]);
	loop_fini(&l);
	free(all);
	free(run);
	return good ? LOAD_OK : LOAD_WRONG;
}
