/* The report of `sheaf bench`, for people line by line, for programs as one document. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/units.h"
#include "client/cli/bench.h"
#include "client/cli/show.h"

static const char *fsync_name(const struct bench_broker *b)
{
	static const char *const names[] = { "always", "interval", "never" };

	return b->fsync < 0 ? "unknown" : names[b->fsync];
}

static long cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? n : 1;
}

/* A part of all the time that all processors had; < 0: unknown. */
static double share(const struct bench_result *r, double used)
{
	return used < 0 || r->seconds <= 0 ? -1 : 100 * used / (r->seconds * (double)cpus());
}

static const char *show_share(const struct bench_result *r, double used, char out[16])
{
	double percent = share(r, used);

	if (percent < 0)
		snprintf(out, 16, "-");
	else
		snprintf(out, 16, "%.0f%%", percent);
	return out;
}

static void put_floor(struct out *o, const char *name, double rate)
{
	char count[32];

	out_format(o, "  %-34s %14s records/s\n", name, show_count((uint64_t)rate, count));
}

void bench_report_head(struct cli *c, const struct bench_broker *b, const struct bench_floor *f)
{
	const struct msg_client_welcome *w = sheaf_welcome(c->s);
	struct out *o = &c->out;
	char text[24];

	if (c->flags.json)
		return;
	show_printable(o, w->software);
	out_format(o, ", fsync %s; %u worker%s with %u slot%s on '%s'; %ld processor%s; payload of %s\n\n",
	           fsync_name(b), b->workers, b->workers == 1 ? "" : "s", b->slots, b->slots == 1 ? "" : "s",
	           c->flags.queue, cpus(), cpus() == 1 ? "" : "s", units_show_size(c->flags.payload, text));
	out_format(o, "This machine without Sheaf\n");
	out_format(o, "  %-34s %14s   in %s\n", "4 KiB appended and fdatasync",
	           f->fdatasync_us ? show_us(f->fdatasync_us, text) : "-", b->data);
	out_format(o, "  %-34s %14s\n", "ZeroMQ round trip", show_us(f->zmq_us, text));
	put_floor(o, "ZeroMQ there and back, single", f->zmq_single);
	put_floor(o, "ZeroMQ there and back, 64 a message", f->zmq_batched);
	out_format(o, "\n%-14s %9s %11s %9s %9s %9s  %-8s %6s %6s %7s\n", "Load", "A MESSAGE", "JOBS/S", "P50", "P99",
	           "P99.9", "DURABLE", "CLIENT", "BROKER", "WORKERS");
	out_flush(o);
}

void bench_report_line(struct cli *c, const struct bench_broker *b, const struct bench_result *r)
{
	static const char *const durable[] = { "yes", "later", "no" };
	char rate[32], p50[24], p99[24], p999[24], client[16], broker[16], workers[16];

	if (c->flags.json)
		return;
	out_format(&c->out, "%-14s %9u %11s %9s %9s %9s  %-8s %6s %6s %7s\n", r->mode, r->batch,
	           show_count((uint64_t)((double)r->jobs / r->seconds), rate),
	           show_us(hist_percentile(&r->times, 0.5), p50), show_us(hist_percentile(&r->times, 0.99), p99),
	           show_us(hist_percentile(&r->times, 0.999), p999), b->fsync < 0 ? "unknown" : durable[b->fsync],
	           show_share(r, r->cpu.client, client), show_share(r, r->cpu.broker, broker),
	           show_share(r, r->cpu.workers, workers));
	out_flush(&c->out);
}

static json_t *json_share(const struct bench_result *r, double used)
{
	double percent = share(r, used);

	return percent < 0 ? json_null() : json_real(percent);
}

static json_t *json_result(const struct bench_result *r)
{
	return json_pack("{sssisIsIsfsfsIsIsIsIsososo}", "mode", r->mode, "batch", (int)r->batch, "jobs",
	                 (json_int_t)r->jobs, "failed", (json_int_t)r->failed, "seconds", r->seconds, "jobs_per_second",
	                 (double)r->jobs / r->seconds, "p50_us", (json_int_t)hist_percentile(&r->times, 0.5), "p99_us",
	                 (json_int_t)hist_percentile(&r->times, 0.99), "p999_us",
	                 (json_int_t)hist_percentile(&r->times, 0.999), "max_us", (json_int_t)r->times.most,
	                 "client_percent", json_share(r, r->cpu.client), "broker_percent", json_share(r, r->cpu.broker),
	                 "workers_percent", json_share(r, r->cpu.workers));
}

void bench_report(struct cli *c, const struct bench_broker *b, const struct bench_floor *f,
                  const struct bench_result *const *r, size_t n)
{
	json_t *results = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(results, json_result(r[i]));
	show_json(&c->out,
	          json_pack("{sssisisIsi s{sIsIsfsf} so}", "fsync", fsync_name(b), "workers", (int)b->workers, "slots",
	                    (int)b->slots, "payload", (json_int_t)c->flags.payload, "processors", (int)cpus(), "floor",
	                    "fdatasync_us", (json_int_t)f->fdatasync_us, "zmq_round_trip_us", (json_int_t)f->zmq_us,
	                    "zmq_records_per_second", f->zmq_single, "zmq_batched_records_per_second", f->zmq_batched,
	                    "results", results));
}
