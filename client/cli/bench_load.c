/* One load of `sheaf bench`: jobs in, results out, the time of each. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/cli/bench.h"

struct load {
	struct cli *c;
	struct bench_result *r;
	struct sheaf_policy policy;
	struct span payload;
	uint64_t *begun_ns; /* by tag */
	uint32_t *free;     /* tags that are free */
	uint32_t n_free;
	uint32_t in_flight;
	uint64_t posted;
	uint64_t most; /* jobs */
	uint64_t until_ns;
	uint64_t now_ns; /* as read last */
};

static bool is_over(const struct load *l)
{
	return l->posted >= l->most || l->now_ns >= l->until_ns;
}

static enum sheaf_error fill(struct load *l)
{
	size_t room = sheaf_room(l->c->s);

	l->now_ns = clock_mono_ns();
	for (; l->n_free > 0 && room > 0 && !is_over(l); room--) {
		uint32_t tag = l->free[--l->n_free];
		enum sheaf_error e = sheaf_post(l->c->s, l->c->flags.queue, &l->policy, l->payload, tag, true);

		if (e)
			return e;
		l->begun_ns[tag] = l->now_ns;
		l->posted++;
	}
	return SHEAF_OK;
}

static void ended(struct load *l, const struct sheaf_event *ev)
{
	hist_add(&l->r->times, (clock_mono_ns() - l->begun_ns[ev->tag]) / 1000);
	l->r->jobs++;
	if (ev->kind == SHEAF_REFUSED || ev->result.state != JOB_DONE)
		l->r->failed++;
	l->free[l->n_free++] = (uint32_t)ev->tag;
}

static enum sheaf_error run(struct load *l)
{
	l->now_ns = clock_mono_ns();
	if (!l->c->flags.jobs)
		l->until_ns = l->now_ns + l->c->flags.seconds_ms * 1000000;
	for (;;) {
		struct sheaf_event ev;
		enum sheaf_error e = fill(l);

		if (!e && is_over(l) && l->n_free == l->in_flight)
			return SHEAF_OK;
		if (!e)
			e = sheaf_next(l->c->s, cli_left(l->c), &ev);
		if (!e && ev.kind == SHEAF_NOTHING)
			e = SHEAF_E_TIMEOUT;
		if (e)
			return e;
		if (ev.kind == SHEAF_RESULT || ev.kind == SHEAF_REFUSED)
			ended(l, &ev);
	}
}

static void prepare(struct load *l)
{
	l->begun_ns = calloc(l->in_flight, sizeof *l->begun_ns);
	l->free = calloc(l->in_flight, sizeof *l->free);
	must(l->begun_ns && l->free);
	for (uint32_t i = 0; i < l->in_flight; i++)
		l->free[l->n_free++] = l->in_flight - 1 - i;
	sheaf_policy_default(&l->policy);
}

int bench_load(struct cli *c, uint32_t batch, uint32_t in_flight, const struct bench_broker *b, struct bench_result *r)
{
	struct load l = { .c = c, .r = r, .in_flight = in_flight, .until_ns = UINT64_MAX };
	uint8_t *bytes = malloc(c->flags.payload + 1);
	struct bench_cpu before, after;
	uint64_t begun_ns;
	enum sheaf_error e;

	must(bytes);
	memset(bytes, 's', c->flags.payload);
	l.payload = span_of(bytes, c->flags.payload);
	l.most = c->flags.jobs ? c->flags.jobs : UINT64_MAX;
	if (c->flags.in_flight && in_flight > 1)
		l.in_flight = (uint32_t)c->flags.in_flight;
	prepare(&l);
	sheaf_set_batching(c->s, batch);
	bench_cpu(b, &before);
	begun_ns = clock_mono_ns();
	e = run(&l);
	r->seconds = (double)(clock_mono_ns() - begun_ns) / 1e9;
	bench_cpu(b, &after);
	r->cpu = (struct bench_cpu){ after.client - before.client,
		                     before.broker < 0 || after.broker < 0 ? -1 : after.broker - before.broker,
		                     before.workers < 0 || after.workers < 0 ? -1 : after.workers - before.workers };
	free(l.begun_ns);
	free(l.free);
	free(bytes);
	return e ? cli_error(c, e) : EXIT_DONE;
}
