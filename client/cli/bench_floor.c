/* What the machine can do without Sheaf: the disk's fdatasync, and ZeroMQ there and back over loopback. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "base/clock.h"
#include "client/cli/bench.h"

enum {
	SYNCS = 200,          /* appends that are timed */
	SYNC_BYTES = 4096,    /* bytes of each */
	FLOOR_MS = 500,       /* how long each measurement takes */
	UNDER_WAY = 64,       /* messages of 64 records that are under way */
	UNDER_WAY_ONE = 1024, /* messages of one */
	RECORDS = 64,
};

/* ---- the disk ---- */

static uint64_t time_syncs(int fd)
{
	static const uint8_t zeros[SYNC_BYTES];
	struct hist *h = calloc(1, sizeof *h);
	uint64_t begun_ns = clock_mono_ns(), median;

	must(h);
	for (int i = 0; i < SYNCS && clock_mono_ns() - begun_ns < 2000000ull * FLOOR_MS; i++) {
		uint64_t at = clock_mono_ns();

		if (write(fd, zeros, sizeof zeros) != (ssize_t)sizeof zeros || fdatasync(fd) < 0)
			break;
		hist_add(h, (clock_mono_ns() - at) / 1000);
	}
	median = hist_percentile(h, 0.5);
	free(h);
	return median;
}

static uint64_t disk_floor(struct bench_broker const *b)
{
	char path[320];
	uint64_t us;
	int fd;

	snprintf(path, sizeof path, "%s/bench-XXXXXX", b->data);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return 0;
	unlink(path);
	us = time_syncs(fd);
	close(fd);
	return us;
}

/* ---- ZeroMQ ---- */

/* The other side: sends back whatever comes, until an empty message comes. */
static void *echo(void *socket)
{
	for (;;) {
		zmq_msg_t route, body;
		bool end;

		zmq_msg_init(&route);
		zmq_msg_init(&body);
		if (zmq_msg_recv(&route, socket, 0) < 0 || zmq_msg_recv(&body, socket, 0) < 0)
			break;
		end = zmq_msg_size(&body) == 0;
		if (end || zmq_msg_send(&route, socket, ZMQ_SNDMORE) < 0 || zmq_msg_send(&body, socket, 0) < 0) {
			zmq_msg_close(&route);
			zmq_msg_close(&body);
			break;
		}
	}
	zmq_close(socket);
	return NULL;
}

/* Sends `bytes`, `window` of them under way, for FLOOR_MS; the number that came back. `h`: the time of each. */
static uint64_t shuttle(void *socket, size_t bytes, unsigned int window, struct hist *h)
{
	uint64_t begun_ns = clock_mono_ns(), now = begun_ns, back = 0;
	unsigned int under_way = 0;
	char *out = calloc(1, bytes);

	must(out);
	do {
		zmq_msg_t in;

		for (; under_way < window; under_way++)
			if (zmq_send(socket, out, bytes, 0) < 0)
				break;
		zmq_msg_init(&in);
		if (under_way == 0 || zmq_msg_recv(&in, socket, 0) < 0)
			break;
		zmq_msg_close(&in);
		under_way--;
		back++;
		if (h)
			hist_add(h, (clock_mono_ns() - now) / 1000);
		now = clock_mono_ns();
	} while (now - begun_ns < 1000000ull * FLOOR_MS);
	for (; under_way > 0; under_way--) /* what is left is of no interest */
		if (zmq_recv(socket, out, 0, 0) < 0)
			break;
	free(out);
	return back;
}

static void zmq_load(void *socket, size_t payload, struct bench_floor *f)
{
	struct hist *h = calloc(1, sizeof *h);
	size_t bytes = payload ? payload : 1;

	must(h);
	shuttle(socket, bytes, 1, h);
	f->zmq_us = hist_percentile(h, 0.5);
	free(h);
	f->zmq_single = (double)shuttle(socket, bytes, UNDER_WAY_ONE, NULL) * 1000 / FLOOR_MS;
	f->zmq_batched = (double)shuttle(socket, bytes * RECORDS, UNDER_WAY, NULL) * RECORDS * 1000 / FLOOR_MS;
}

static void zmq_floor(size_t payload, struct bench_floor *f)
{
	void *context = zmq_ctx_new(), *router, *dealer;
	int linger = 0, patience = 2000;
	char endpoint[64];
	size_t n = sizeof endpoint;
	pthread_t thread;

	if (!context)
		return;
	router = zmq_socket(context, ZMQ_ROUTER);
	dealer = zmq_socket(context, ZMQ_DEALER);
	must(router && dealer);
	zmq_setsockopt(router, ZMQ_LINGER, &linger, sizeof linger);
	zmq_setsockopt(dealer, ZMQ_LINGER, &patience, sizeof patience);
	zmq_setsockopt(dealer, ZMQ_RCVTIMEO, &patience, sizeof patience);
	if (zmq_bind(router, "tcp://127.0.0.1:*") < 0 || zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, endpoint, &n) < 0 ||
	    zmq_connect(dealer, endpoint) < 0 || pthread_create(&thread, NULL, echo, router) != 0) {
		zmq_close(router);
		zmq_close(dealer);
		zmq_ctx_term(context);
		return;
	}
	zmq_load(dealer, payload, f);
	zmq_send(dealer, "", 0, 0);
	pthread_join(thread, NULL);
	zmq_close(dealer);
	zmq_ctx_term(context);
}

void bench_floor(const struct bench_broker *b, size_t payload, struct bench_floor *f)
{
	*f = (struct bench_floor){ 0 };
	f->fdatasync_us = disk_floor(b);
	zmq_floor(payload, f);
}
