/* What `sheaf doctor` finds out about the broker, its sockets, queues, workers and disk. See doctor.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/units.h"
#include "client/cli/doctor.h"
#include "client/cli/show.h"

enum {
	KNOCK_MS = 2000,  /* for a socket to answer */
	SLOW_US = 200000, /* a round trip that is worth a word */
	CLOCK_MS = 1000,  /* between two clocks, likewise */
	SILENT_MS = 2000, /* of a worker; it beats twice a second */
	FREE_LEAST = 10   /* percent of the disk cap */
};

#define FREE_BYTES ((uint64_t)1 << 30) /* of the broker's disk */

/* ---- sockets ---- */

/* Splits tcp://HOST:PORT; a wildcard for a host becomes the host of `dialled`. */
static bool split(const char *endpoint, const char *dialled, char host[LIMIT_ENDPOINT], char port[8])
{
	const char *at = endpoint + 6, *colon = strrchr(endpoint, ':');

	if (strncmp(endpoint, "tcp://", 6) != 0 || colon < at || strlen(colon + 1) > 5)
		return false;
	snprintf(port, 8, "%s", colon + 1);
	snprintf(host, LIMIT_ENDPOINT, "%.*s", (int)(colon - at), at);
	if (dialled && (strcmp(host, "*") == 0 || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "[::]") == 0))
		return split(dialled, NULL, host, (char[8]){ 0 });
	if (host[0] == '[') {
		memmove(host, host + 1, strlen(host));
		host[strcspn(host, "]")] = 0;
	}
	return true;
}

/* Waits; false when the time is up. */
static bool await(int fd, short what)
{
	struct pollfd p = { .fd = fd, .events = what };

	return poll(&p, 1, KNOCK_MS) == 1;
}

/* Whether something that greets as ZeroMQ does listens there. NULL, or what is wrong. */
static const char *knock_at(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error = 0;
	socklen_t n = sizeof error;
	const char *wrong = NULL;
	uint8_t first;

	if (fd < 0)
		return strerrordesc_np(errno);
	if (connect(fd, a->ai_addr, a->ai_addrlen) < 0 && errno != EINPROGRESS)
		wrong = strerrordesc_np(errno);
	else if (!await(fd, POLLOUT))
		wrong = "no answer";
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 && error)
		wrong = strerrordesc_np(error);
	else if (!await(fd, POLLIN))
		wrong = "it is silent";
	else if (read(fd, &first, 1) != 1 || first != 0xff)
		wrong = "something else than ZeroMQ answers";
	close(fd);
	return wrong;
}

static void knock(struct doctor *d, const char *check, const char *what, struct span named)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	char endpoint[LIMIT_ENDPOINT], host[LIMIT_ENDPOINT], port[8];
	const char *wrong;
	int e;

	snprintf(endpoint, sizeof endpoint, "%.*s", (int)named.n, (const char *)named.p);
	if (!split(endpoint, cli_broker(d->c), host, port)) {
		doctor_say(d, FINDING_OK, check, NULL, "%s is no TCP address and was not tried", endpoint);
		return;
	}
	e = getaddrinfo(host, port, &hints, &found);
	wrong = e ? gai_strerror(e) : knock_at(found);
	if (wrong)
		doctor_say(d, FINDING_FAIL, check,
		           "workers need it: see whether a firewall or a wrong address is in between",
		           "%s at %s port %s: %s", what, host, port, wrong);
	else
		doctor_say(d, FINDING_OK, check, NULL, "%s answers at %s port %s", what, host, port);
	if (found)
		freeaddrinfo(found);
}

/* ---- counters ---- */

struct counters {
	uint64_t wall_ms, disk_cap, disk_free, log_bytes, disk_bytes;
	bool has_disk;
};

static void note_stat(void *ctx, const struct msg_stat_rec *s)
{
	struct counters *k = ctx;
	struct {
		const char *name;
		uint64_t *to;
	} wanted[] = { { "wall_ms", &k->wall_ms },
		       { "disk.cap_bytes", &k->disk_cap },
		       { "disk.free_bytes", &k->disk_free },
		       { "log.bytes", &k->log_bytes },
		       { "journal.disk_bytes", &k->disk_bytes } };

	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		if (span_eq(s->name, span_str(wanted[i].name)))
			*wanted[i].to = s->value;
	k->has_disk = k->has_disk || span_eq(s->name, span_str("disk.free_bytes"));
}

static void look_at_clocks(struct doctor *d, uint64_t theirs, uint64_t before, uint64_t after)
{
	uint64_t ours = before + (after - before) / 2, apart = theirs > ours ? theirs - ours : ours - theirs;
	char text[24];

	if (theirs == 0)
		return;                             /* a broker that does not say */
	apart = apart > after - before ? apart : 0; /* less than the question took says nothing */
	if (apart >= CLOCK_MS)
		doctor_say(d, FINDING_WARN, "clock",
		           "times such as --at and --expires go by the broker's clock: set both by NTP",
		           "the broker's clock is %s %s ours", units_show_duration(apart, text),
		           theirs > ours ? "ahead of" : "behind");
	else
		doctor_say(d, FINDING_OK, "clock", NULL, "the broker's clock and ours agree");
}

static void look_at_disk(struct doctor *d, const struct counters *k)
{
	char used[24], left[24], cap[24];

	if (!k->has_disk)
		return;
	units_show_size(k->disk_bytes, used);
	units_show_size(k->disk_free, left);
	units_show_size(k->disk_cap, cap);
	if (k->disk_cap > 0 && k->log_bytes > k->disk_cap / 100 * (100 - FREE_LEAST))
		doctor_say(d, FINDING_WARN, "disk",
		           "at the cap submits are refused: add workers, or raise sheafd --disk",
		           "the journal is near its cap of %s", cap);
	else if (k->disk_free < FREE_BYTES)
		doctor_say(d, FINDING_WARN, "disk", "make room, or submits are refused once it is full",
		           "%s are free on the broker's disk", left);
	else
		doctor_say(d, FINDING_OK, "disk", NULL, "the journal has %s%s%s, %s are free", used,
		           k->disk_cap ? " of at most " : "", k->disk_cap ? cap : "", left);
}

/* ---- queues and workers ---- */

struct looked {
	struct doctor *d;
	uint32_t n, bad;
};

static void look_at_queue(void *ctx, const struct msg_queue_rec *q)
{
	struct looked *l = ctx;
	char advice[192], name[LIMIT_QUEUE_NAME + 1];
	uint64_t ready = q->states[JOB_READY];

	l->n++;
	snprintf(name, sizeof name, "%.*s", (int)q->name.n, (const char *)q->name.p);
	if (ready == 0 || (!q->paused && q->workers > 0))
		return;
	l->bad++;
	if (q->paused)
		snprintf(advice, sizeof advice, "'sheaf queue %s resume' ends that", name);
	else
		snprintf(advice, sizeof advice, "'sheaf-worker %s -- COMMAND' starts one", name);
	doctor_say(l->d, FINDING_WARN, "queue", advice, "%s has %" PRIu64 " job%s ready and %s", name, ready,
	           ready == 1 ? "" : "s", q->paused ? "is paused" : "no worker");
}

static void look_at_worker(void *ctx, const struct msg_worker_rec *w)
{
	struct looked *l = ctx;
	char advice[192], name[LIMIT_NAME + 1], span[24];

	l->n++;
	snprintf(name, sizeof name, "%.*s", (int)w->name.n, (const char *)w->name.p);
	l->bad += w->silent_ms >= SILENT_MS || w->draining;
	if (w->silent_ms >= SILENT_MS)
		doctor_say(
		    l->d, FINDING_WARN, "worker",
		    "if it stays silent its jobs are given to others: see whether its machine is overloaded or gone",
		    "%s has been silent for %s", name, units_show_duration(w->silent_ms, span));
	else if (w->draining) {
		snprintf(advice, sizeof advice, "'sheaf workers resume %s' ends that", name);
		doctor_say(l->d, FINDING_WARN, "worker", advice, "%s is drained and gets no jobs", name);
	}
}

static void look_at_work(struct doctor *d)
{
	struct looked queues = { .d = d }, workers = { .d = d };
	enum sheaf_error e = sheaf_queues(d->c->s, cli_left(d->c), look_at_queue, &queues);

	if (!e)
		e = sheaf_workers(d->c->s, cli_left(d->c), look_at_worker, &workers);
	if (e) {
		doctor_say(d, e == SHEAF_E_DENIED ? FINDING_WARN : FINDING_FAIL, "queues", NULL, "cannot be listed: %s",
		           sheaf_why(d->c->s));
		return;
	}
	if (!queues.bad)
		doctor_say(d, FINDING_OK, "queues", NULL, "%u, none waits for a worker", queues.n);
	if (workers.n == 0)
		doctor_say(d, FINDING_WARN, "workers", "'sheaf-worker QUEUE -- COMMAND' starts one",
		           "none is attached");
	else if (!workers.bad)
		doctor_say(d, FINDING_OK, "workers", NULL, "%u, all of them are heard", workers.n);
}

/* ---- all of it ---- */

static void look_closer(struct doctor *d)
{
	const struct msg_client_welcome *w = sheaf_welcome(d->c->s);
	char results[LIMIT_ENDPOINT], workers[LIMIT_ENDPOINT];
	struct counters k = { 0 };
	uint64_t before = clock_wall_ms(), after;
	enum sheaf_error e;

	/* the welcome is valid until the next call only */
	snprintf(results, sizeof results, "%.*s", (int)w->results.n, (const char *)w->results.p);
	snprintf(workers, sizeof workers, "%.*s", (int)w->workers.n, (const char *)w->workers.p);
	e = sheaf_stats(d->c->s, cli_left(d->c), note_stat, &k);
	after = clock_wall_ms();
	if (e)
		doctor_say(d, e == SHEAF_E_DENIED ? FINDING_WARN : FINDING_FAIL, "stats", NULL,
		           "the broker does not show its counters: %s", sheaf_why(d->c->s));
	else
		look_at_clocks(d, k.wall_ms, before, after);
	knock(d, "results", "the socket for results", span_str(results));
	knock(d, "control", "the socket for workers", span_str(workers));
	look_at_work(d);
	if (!e)
		look_at_disk(d, &k);
}

void doctor_broker(struct doctor *d)
{
	uint64_t left = cli_left(d->c), us;
	enum sheaf_error e = sheaf_connect(d->c->s, left == SHEAF_FOREVER ? FIRST_ANSWER_MS : left);
	char took[24];
	struct span v;

	if (e) {
		const char *why = sheaf_why(d->c->s);

		doctor_say(d, FINDING_FAIL, "broker",
		           e == SHEAF_E_UNREACHABLE || e == SHEAF_E_TIMEOUT
		               ? "start one with 'sheafd --data DIR', or say where it is with --broker URL"
		               : NULL,
		           "%s", *why ? why : sheaf_error_text(e));
		return;
	}
	v = sheaf_welcome(d->c->s)->software;
	doctor_say(d, FINDING_OK, "broker", NULL, "%.*s at %s", (int)v.n, (const char *)v.p, cli_broker(d->c));
	e = sheaf_ping(d->c->s, cli_left(d->c), &us);
	if (e)
		doctor_say(d, FINDING_FAIL, "ping", NULL, "%s", sheaf_error_text(e));
	else
		doctor_say(d, us < SLOW_US ? FINDING_OK : FINDING_WARN, "ping",
		           us < SLOW_US ? NULL : "see whether its machine, or its disk, is overloaded",
		           "it answers in %s", show_us(us, took));
	look_closer(d);
}
