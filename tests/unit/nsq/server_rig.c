/* See server_rig.h. */
#include "tests/unit/nsq/server_rig.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_S = 60 };

struct certs rig_certs;
uint16_t rig_port;
atomic_bool rig_busy, rig_late;

static uv_loop_t loop;
static uv_async_t async;
static uv_prepare_t late; /* libuv calls the one that was started last first: the server's */
static struct server *server;
static struct tls_context *context;
static struct nsq_config config;
static pthread_t thread;
static atomic_int asked, done;

static void on_closed(void *arg)
{
	(void)arg;
}

atomic_int rig_seen;
uint64_t rig_seen_since;
char rig_seen_remote[64];

static void on_visit(void *arg, const struct nsq_client_stat *client)
{
	(void)arg;
	rig_seen++;
	rig_seen_since = client->connected_s;
	snprintf(rig_seen_remote, sizeof rig_seen_remote, "%.*s", (int)client->remote.n,
	         (const char *)client->remote.p);
}

static void on_asked(uv_async_t *a)
{
	enum rig_call what = (enum rig_call)atomic_exchange(&asked, 0);

	if (what == RIG_ANSWER) {
		fake_answer();
	} else if (what == RIG_DRAIN) {
		server_drain(server);
	} else if (what == RIG_FAIL) {
		server_fail(server);
	} else if (what == RIG_EASE) {
		server_eased(server);
	} else if (what == RIG_VISIT) {
		rig_seen = 0;
		server_visit(server, on_visit, NULL);
	} else if (what == RIG_CLOSE) {
		server_close(server, on_closed, NULL);
		uv_close((uv_handle_t *)a, NULL);
		uv_close((uv_handle_t *)&late, NULL);
	}
	if (what != 0)
		done = 1;
}

static void on_late(uv_prepare_t *p)
{
	(void)p;
	if (atomic_exchange(&rig_late, false))
		fake_answer();
}

static bool is_busy(void *arg)
{
	(void)arg;
	return rig_busy;
}

static void *run(void *arg)
{
	uv_run(&loop, UV_RUN_DEFAULT);
	return arg;
}

void rig_call(enum rig_call what)
{
	done = 0;
	asked = (int)what;
	uv_async_send(&async);
	rig_until(&done, 1);
}

void rig_until(atomic_int *what, int n)
{
	struct timespec pause = { 0, 1000000 };

	for (int i = 0; i < WAIT_S * 1000 && *what != n; i++)
		nanosleep(&pause, NULL);
	ck_assert_int_eq(*what, n);
}

void rig_start(uint32_t connections)
{
	static const struct session_world world;
	struct server_setup setup = { .loop = &loop, .config = &config, .connections = connections, .busy = is_busy };
	char err[TLS_ERR] = "";

	certs_make(&rig_certs);
	config = (struct nsq_config){ .tcp = { .host = "127.0.0.1" },
		                      .with_tls = true,
		                      .tls = { .cert = rig_certs.server_cert,
		                               .key = rig_certs.server_key,
		                               .ca = rig_certs.ca,
		                               .clients = TLS_CLIENTS_VERIFY,
		                               .min_version = 12 } };
	context = tls_context_new(&config.tls, err);
	ck_assert_msg(context != NULL, "%s", err);
	setup.tls = context;
	ck_assert_int_eq(uv_loop_init(&loop), 0);
	ck_assert_int_eq(uv_async_init(&loop, &async, on_asked), 0);
	ck_assert_int_eq(uv_prepare_init(&loop, &late), 0);
	ck_assert_int_eq(uv_prepare_start(&late, on_late), 0);
	server = server_open(&setup, err);
	ck_assert_msg(server != NULL, "%s", err);
	rig_port = server_port(server);
	server_run(server, &world);
	ck_assert_int_eq(pthread_create(&thread, NULL, run, NULL), 0);
}

void rig_stop(void)
{
	rig_call(RIG_CLOSE);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(fake_sessions, 0);
	ck_assert(!fake_sent_too_much);
	server_free(server);
	ck_assert_int_eq(uv_loop_close(&loop), 0); /* no handle is left */
	tls_context_free(context);
	certs_remove(&rig_certs);
}

/* ---- clients ---- */

bool client_open(struct client *c)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		                 .sin_port = htons(rig_port),
		                 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct timeval wait = { .tv_sec = WAIT_S };
	int yes = 1;

	*c = (struct client){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	ck_assert_int_ge(c->fd, 0);
	layers_init(&c->packing);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	return connect(c->fd, (struct sockaddr *)&a, sizeof a) == 0;
}

void client_close(struct client *c)
{
	close(c->fd);
	if (c->tls)
		tls_client_fini(&c->secure);
	layers_fini(&c->packing);
	buf_fini(&c->in);
}

static void send_raw(struct client *c, struct span raw)
{
	while (raw.n > 0) {
		ssize_t n = send(c->fd, raw.p, raw.n, MSG_NOSIGNAL);

		ck_assert_msg(n > 0, "send: %s", strerror(errno));
		raw = span_of(raw.p + n, raw.n - (size_t)n);
	}
}

void client_send(struct client *c, struct span bytes)
{
	struct buf packed = { 0 }, raw = { 0 };

	if (layers_any(&c->packing)) {
		ck_assert(layers_write(&c->packing, bytes, &packed));
		bytes = buf_span(&packed);
	}
	if (c->tls) {
		tls_client_say(&c->secure, bytes, &raw);
		bytes = buf_span(&raw);
	}
	send_raw(c, bytes);
	buf_fini(&packed);
	buf_fini(&raw);
}

void client_say(struct client *c, const char *text)
{
	client_send(c, span_str(text));
}

bool client_receive(struct client *c)
{
	static uint8_t room[65536];
	ssize_t n = recv(c->fd, room, sizeof room, 0);
	struct buf packed = { 0 }, raw = { 0 };
	struct span bytes;

	if (n <= 0) {
		ck_assert_msg(n == 0 || errno == ECONNRESET, "recv: %s", strerror(errno));
		return false;
	}
	bytes = span_of(room, (size_t)n);
	if (c->tls) {
		tls_client_take(&c->secure, bytes, &packed, &raw);
		send_raw(c, buf_span(&raw));
		bytes = buf_span(&packed);
	}
	if (!layers_any(&c->packing))
		buf_put_span(&c->in, bytes);
	else
		while (layers_read(&c->packing, bytes, &c->in, &raw) == LAYERS_MORE)
			bytes = span_of(NULL, 0);
	buf_fini(&packed);
	buf_fini(&raw);
	return true;
}

/* The next frame, whole at the beginning of `in`: its bytes. */
static size_t frame(struct client *c)
{
	size_t n;

	for (;;) {
		const uint8_t *p = c->in.p;

		if (c->in.n >= 4) {
			n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
			if (c->in.n >= 4 + n)
				return n;
		}
		ck_assert_msg(client_receive(c), "the end came in the middle");
	}
}

static void eat(struct client *c, size_t n)
{
	memmove(c->in.p, c->in.p + n, c->in.n - n);
	c->in.n -= n;
}

void client_hears(struct client *c, const char *text)
{
	size_t n = frame(c);

	ck_assert_msg(n == strlen(text) && memcmp(c->in.p + 4, text, n) == 0, "'%.*s', not '%s'", (int)n, c->in.p + 4,
	              text);
	eat(c, 4 + n);
}

void client_hears_much(struct client *c, size_t n)
{
	size_t same = 0;

	ck_assert_uint_eq(frame(c), n);
	while (same < n && c->in.p[4 + same] == 'x')
		same++;
	ck_assert_uint_eq(same, n);
	eat(c, 4 + n);
}

bool client_at_end(struct client *c)
{
	char one;

	while (client_receive(c))
		;
	ck_assert_uint_eq(c->in.n, 0);
	return recv(c->fd, &one, 1, 0) == 0;
}

void client_upgrade(struct client *c, const char *what)
{
	client_say(c, what);
	client_say(c, "\n");
	client_hears(c, "-");
	if (strcmp(what, "tls") == 0) {
		struct buf raw = { 0 };

		tls_client_init(&c->secure, rig_certs.ca, rig_certs.client_cert, rig_certs.client_key, 0);
		c->tls = true;
		tls_client_take(&c->secure, span_of(NULL, 0), &c->in, &raw);
		send_raw(c, buf_span(&raw));
		buf_fini(&raw);
	} else { /* what came with the answer is in the new layer already */
		struct buf none = { 0 }, left = c->in;

		c->in = none;
		if (strcmp(what, "snappy") == 0)
			layers_start_snappy(&c->packing, buf_span(&left));
		else
			layers_start_deflate(&c->packing, 6, buf_span(&left));
		buf_fini(&left);
		ck_assert_int_eq(layers_read(&c->packing, span_of(NULL, 0), &c->in, &none), LAYERS_SHORT);
	}
	client_hears(c, c->tls ? "+TLS1.3bob" : "+");
}
