/* nsq-load latency: messages are published when they are due, whatever became of those before, and the time counts
 * from when each was due: a server that stalls is charged for all who waited meanwhile. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "bench/nsq_consumer.h"
#include "bench/nsq_load.h"
#include "bench/nsq_producer.h"
#include "bench/nsq_report.h"

enum { CHUNK = 64 << 10, WARM_MS = 500, WAITING = 1 << 16 };

struct latency {
	struct loop loop;
	struct conn out;
	struct consumer in;
	struct tally tally;
	struct hist times;     /* due until it came */
	struct hist answers;   /* due until its OK */
	uint8_t *publish;      /* one PUB; owned */
	size_t n, body_at;     /* its bytes; where its body begins */
	uint64_t due[WAITING]; /* of publishes without an OK, a ring */
	uint64_t sent, answered, wrong;
	uint64_t began_ns, gap_ns, count;
};

static void on_response(struct conn *c, uint32_t type, const uint8_t *data, size_t n)
{
	struct latency *x = c->arg;

	if (type == FRAME_RESPONSE && n == 2 && memcmp(data, "OK", 2) == 0 && x->answered < x->sent) {
		hist_add(&x->answers, (clock_mono_ns() - x->due[x->answered++ % WAITING]) / 1000);
		return;
	}
	x->wrong++;
	load_warn("a publish was answered with: %.*s", (int)n, (const char *)data);
}

static void on_message(struct conn *c, const uint8_t *data, size_t n)
{
	struct latency *x = c->arg;

	(void)data;
	(void)n;
	x->wrong++;
}

static void on_turn(struct conn *c)
{
	(void)c;
}

static void on_closed(struct conn *c, const char *why)
{
	struct latency *x = c->arg;

	x->wrong++;
	load_warn("the producer's connection: %s", why);
}

static const struct conn_calls calls = { on_message, on_response, on_turn, on_closed };

static void write_publish(struct latency *x, const struct load_options *o)
{
	x->publish = malloc(LOAD_NAME + 16 + o->size);
	must(x->publish != NULL);
	x->n = (size_t)snprintf((char *)x->publish, LOAD_NAME + 8, "PUB %s\n", o->topic);
	be_put32(x->publish + x->n, o->size);
	x->body_at = x->n + 4;
	body_write(x->publish + x->body_at, o->size, o->tag);
	x->n = x->body_at + o->size;
}

/* When message i is due. */
static uint64_t due_at(const struct latency *x, uint64_t i)
{
	return x->began_ns + i * x->gap_ns;
}

static void publish_due(struct latency *x, const struct load_options *o, uint64_t now)
{
	while (x->sent < x->count && due_at(x, x->sent) <= now && x->sent - x->answered < WAITING) {
		uint64_t due = due_at(x, x->sent);

		le_put64(x->publish + x->body_at + BODY_NUMBER_AT, o->first + x->sent);
		le_put64(x->publish + x->body_at + BODY_DUE_AT, due);
		buf_put(&x->out.out, x->publish, x->n);
		x->due[x->sent++ % WAITING] = due;
	}
	if (!x->out.waits_to_write)
		conn_flush(&x->out);
}

static void go(struct latency *x, const struct load_options *o)
{
	uint64_t warm = x->began_ns + WARM_MS * 1000000ull, quiet_since = x->began_ns, seen = 0;
	bool cold = x->count * x->gap_ns > 4 * WARM_MS * 1000000ull;

	while (!load_stopped && x->wrong == 0 && x->tally.errors == 0) {
		uint64_t now = clock_mono_ns(), next;

		publish_due(x, o, now);
		if (cold && now >= warm) {
			hist_clear(&x->times);
			hist_clear(&x->answers);
			cold = false;
		}
		if (x->tally.different + x->answered != seen)
			quiet_since = now;
		seen = x->tally.different + x->answered;
		if (x->tally.different == x->count && x->answered == x->count)
			return;
		if (now - quiet_since > o->patience_ms * 1000000) {
			load_warn("nothing came for too long");
			return;
		}
		next = x->sent < x->count ? due_at(x, x->sent) : now + 100000000;
		loop_turn_ns(&x->loop, next > now ? next - now : 0);
	}
}

static int report(const struct latency *x, const struct load_options *o)
{
	uint64_t missing = x->sent - x->tally.different, unanswered = x->sent - x->answered;
	struct report r;

	report_begin(&r, o);
	report_count(&r, "messages", x->tally.different);
	report_count(&r, "rate", o->rate);
	report_count(&r, "rdy", o->rdy);
	report_times(&r, "received", &x->times);
	report_times(&r, "answer", &x->answers);
	report_count(&r, "missing", missing);
	report_count(&r, "unanswered", unanswered);
	report_count(&r, "again", x->tally.again);
	report_count(&r, "foreign", x->tally.foreign);
	report_count(&r, "errors", x->tally.errors + x->wrong);
	report_end(&r);
	return missing || unanswered || x->tally.again || x->tally.foreign || x->tally.errors || x->wrong ? LOAD_WRONG
	                                                                                                  : LOAD_OK;
}

int load_latency(const struct load_options *o)
{
	struct latency *x = calloc(1, sizeof *x);
	int status;

	must(x != NULL);
	prctl(PR_SET_TIMERSLACK, 1ul, 0ul, 0ul, 0ul);
	loop_init(&x->loop);
	write_publish(x, o);
	x->gap_ns = 1000000000 / o->rate;
	x->count = o->count ? o->count : o->ms * 1000000 / x->gap_ns;
	tally_init(&x->tally, o->topic, o->channels[0], o->tag, o->first, o->first + x->count);
	consumer_open(&x->in, &x->loop, o->host, o->port, CHUNK, &x->tally);
	x->in.times = &x->times;
	conn_await(&x->in.c);
	conn_open(&x->out, &x->loop, o->host, o->port, CHUNK, &calls, x);
	conn_await(&x->out);
	consumer_start(&x->in, o->rdy);
	conn_start(&x->out);
	x->began_ns = clock_mono_ns();
	go(x, o);
	status = report(x, o);
	consumer_close(&x->in);
	conn_close(&x->out);
	tally_fini(&x->tally);
	loop_fini(&x->loop);
	free(x->publish);
	free(x);
	return status;
}
