/* See server_rig.h. */
#include "tests/unit/smtp/server_rig.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/smtp/fake_store.h"

enum { WAIT_S = 60 };

struct certs rig_certs;
struct smtp_config rig_config;
struct smtp_counts rig_counts;
char rig_path[64];
atomic_bool rig_done;
atomic_int rig_connections, rig_asking, kept, next_ms;

static uv_loop_t loop;
static uv_async_t async;
static struct smtp_server *server;
static struct tls_context *context;
static struct spool_room spools;
static pthread_t thread;
static atomic_int asked, done;

static void on_closed(void *arg)
{
	(void)arg;
	fake_store_close();
	uv_close((uv_handle_t *)&async, NULL);
}

static void look(void)
{
	struct heap_item *first = heap_min(&server->timers.heap);
	int asking = 0, bytes = 0;

	for (struct list *l = server->all.next; l != &server->all; l = l->next) {
		struct conn *c = list_item(l, struct conn, all);

		asking += c->asked != SMTP_ASK_NOTHING;
		bytes += (int)(c->in.cap + c->out.cap + c->raw.cap + c->sending.cap);
	}
	rig_asking = asking;
	kept = bytes;
	next_ms = first != NULL ? (int)(first->key - uv_now(&loop)) : -1;
}

static void on_asked(uv_async_t *a)
{
	enum rig_order what = (enum rig_order)atomic_exchange(&asked, 0);

	(void)a;
	if (what == RIG_LET_GO)
		fake_store_let_go();
	else if (what == RIG_DRAIN)
		smtp_server_drain(server, false);
	else if (what == RIG_DEADLINE)
		smtp_server_drain(server, true);
	else if (what == RIG_CLOSE)
		smtp_server_close(server, on_closed, NULL);
	if (what == RIG_ASK) {
		rig_done = smtp_server_done(server);
		rig_connections = (int)smtp_server_connections(server);
		look();
	}
	if (what != 0)
		done = 1;
}

static void *run(void *arg)
{
	uv_run(&loop, UV_RUN_DEFAULT);
	return arg;
}

static void nap(void)
{
	struct timespec pause = { 0, 1000000 };

	nanosleep(&pause, NULL);
}

void rig_until(atomic_int *what, int n)
{
	for (int i = 0; i < WAIT_S * 1000 && *what != n; i++)
		nap();
	ck_assert_int_eq(*what, n);
}

void rig_order(enum rig_order what)
{
	done = 0;
	asked = (int)what;
	uv_async_send(&async);
	rig_until(&done, 1);
}

static void ask_until(atomic_int *what, int n)
{
	for (int i = 0; i < WAIT_S * 100; i++) {
		rig_order(RIG_ASK);
		if (*what == n)
			return;
		for (int k = 0; k < 10; k++)
			nap();
	}
	ck_assert_int_eq(*what, n);
}

void rig_until_connections(int n)
{
	ask_until(&rig_connections, n);
}

void rig_until_asking(int n)
{
	ask_until(&rig_asking, n);
}

int rig_next_ms(void)
{
	rig_order(RIG_ASK);
	return next_ms;
}

int rig_kept(void)
{
	rig_order(RIG_ASK);
	return kept;
}

uint64_t rig_count(const _Atomic uint64_t *count)
{
	return atomic_load(count);
}

void rig_fresh(void)
{
	struct edge_address any = { .host = "127.0.0.1" };

	certs_make(&rig_certs);
	snprintf(rig_path, sizeof rig_path, "%.50s/lmtp", rig_certs.dir);
	rig_config = (struct smtp_config){ .smtp = any,
		                           .tls = any,
		                           .hostname = "mail.test",
		                           .with_tls = true,
		                           .tls_files = { .cert = rig_certs.server_cert,
		                                          .key = rig_certs.server_key,
		                                          .ca = rig_certs.ca,
		                                          .min_version = 12 },
		                           .users = (struct smtp_users *)1, /* those of fake_store.c */
		                           .postmaster = "postmaster",
		                           .size = 8 << 20,
		                           .connections = 100,
		                           .per_address = 50,
		                           .idle_ms = 300000,
		                           .data_ms = 600000,
		                           .answer_ms = 30000,
		                           .spool = rig_certs.dir,
		                           .spool_bytes = 64 << 20 };
	snprintf(rig_config.lmtp.host, sizeof rig_config.lmtp.host, "%s", rig_path);
}

void rig_start(void)
{
	struct smtp_server_setup setup = { &loop, &rig_config, NULL, &rig_counts, &spools };
	char err[SMTP_SERVER_ERR] = "";

	spools = (struct spool_room){ .dir = rig_config.spool, .limit = rig_config.spool_bytes };
	memset(&rig_counts, 0, sizeof rig_counts);
	context = tls_context_new(&rig_config.tls_files, err);
	ck_assert_msg(context != NULL, "%s", err);
	setup.tls = context;
	ck_assert_int_eq(uv_loop_init(&loop), 0);
	ck_assert_int_eq(uv_async_init(&loop, &async, on_asked), 0);
	fake_store_open(&loop);
	server = smtp_server_open(&setup, err);
	ck_assert_msg(server != NULL, "%s", err);
	smtp_server_run(server, NULL);
	ck_assert_int_eq(pthread_create(&thread, NULL, run, NULL), 0);
}

void rig_stop(void)
{
	rig_order(RIG_CLOSE);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	smtp_server_free(server);
	ck_assert_int_eq(uv_loop_close(&loop), 0); /* no handle is left */
	ck_assert_uint_eq(rig_count(&rig_counts.sessions_now), 0);
	tls_context_free(context);
	ck_assert_int_ne(access(rig_path, F_OK), 0);
	certs_remove(&rig_certs);
}

uint16_t rig_port(enum smtp_port which)
{
	return smtp_server_port(server, which);
}

/* ---- clients ---- */

static int open_path(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof a.sun_path, "%s", rig_path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static int open_tcp(enum smtp_port which, const char *from, const char *to)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(rig_port(which)) },
			   b = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

	a.sin_addr.s_addr = inet_addr(to);
	b.sin_addr.s_addr = inet_addr(from);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&b, sizeof b), 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	ck_assert_msg(connect(fd, (struct sockaddr *)&a, sizeof a) == 0, "connect: %s", strerror(errno));
	return fd;
}

void client_open_at(struct client *c, enum smtp_port which, const char *from, const char *to)
{
	struct timeval wait = { .tv_sec = WAIT_S };

	*c = (struct client){ .fd = which == SMTP_PORT_LMTP ? open_path() : open_tcp(which, from, to) };
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
}

void client_open_from(struct client *c, enum smtp_port which, const char *from)
{
	client_open_at(c, which, from, "127.0.0.1");
}

void client_open(struct client *c, enum smtp_port which)
{
	client_open_from(c, which, "127.0.0.1");
}

void client_open_deaf(struct client *c)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(rig_port(SMTP_PORT_PLAIN)) };
	int few = 4096;

	*c = (struct client){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &few, sizeof few);
	ck_assert_int_eq(connect(c->fd, (struct sockaddr *)&a, sizeof a), 0);
}

void client_close(struct client *c)
{
	close(c->fd);
	if (c->tls)
		tls_client_fini(&c->secure);
	buf_fini(&c->in);
}

void client_reset(struct client *c)
{
	struct linger now = { .l_onoff = 1 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	client_close(c);
}

static void send_raw(struct client *c, struct span raw)
{
	while (raw.n > 0) {
		ssize_t n = send(c->fd, raw.p, raw.n, MSG_NOSIGNAL);

		ck_assert_msg(n > 0, "send: %s", strerror(errno));
		raw = span_of(raw.p + n, raw.n - (size_t)n);
	}
}

void client_send(struct client *c, const void *p, size_t n)
{
	struct buf raw = { 0 };

	if (!c->tls) {
		send_raw(c, span_of(p, n));
		return;
	}
	tls_client_say(&c->secure, span_of(p, n), &raw);
	send_raw(c, buf_span(&raw));
	buf_fini(&raw);
}

void client_say(struct client *c, const char *text)
{
	client_send(c, text, strlen(text));
}

/* False: the end, or a reset. */
static bool receive(struct client *c, bool *good)
{
	static uint8_t room[65536];
	ssize_t n = recv(c->fd, room, sizeof room, 0);
	struct buf raw = { 0 };

	*good = n == 0;
	if (n <= 0) {
		ck_assert_msg(n == 0 || errno == ECONNRESET, "recv: %s", strerror(errno));
		return false;
	}
	if (c->tls) {
		tls_client_take(&c->secure, span_of(room, (size_t)n), &c->in, &raw);
		if (c->secure_text != NULL && SSL_is_init_finished(c->secure.ssl)) { /* with its last flight */
			tls_client_say(&c->secure, span_str(c->secure_text), &raw);
			c->secure_text = NULL;
		}
		send_raw(c, buf_span(&raw));
		buf_fini(&raw);
	} else {
		buf_put(&c->in, room, (size_t)n);
	}
	return true;
}

void client_begin_tls_saying(struct client *c, const char *text)
{
	struct buf raw = { 0 };
	bool good;

	tls_client_init(&c->secure, rig_certs.ca, NULL, NULL, 0);
	c->tls = true;
	tls_client_take(&c->secure, span_of(NULL, 0), &c->in, &raw);
	send_raw(c, buf_span(&raw));
	buf_clear(&raw);
	c->secure_text = text;
	while (!SSL_is_init_finished(c->secure.ssl))
		ck_assert_msg(receive(c, &good), "no handshake");
	buf_fini(&raw);
}

void client_begin_tls(struct client *c)
{
	client_begin_tls_saying(c, NULL);
}

/* One line into c->line, without its end. */
static void hear_line(struct client *c)
{
	const uint8_t *end;
	bool good;
	size_t n;

	while ((end = c->in.n > 0 ? memchr(c->in.p, '\n', c->in.n) : NULL) == NULL)
		ck_assert_msg(receive(c, &good), "the end came, and no reply");
	n = (size_t)(end - c->in.p) + 1;
	ck_assert_uint_le(n, 512);
	ck_assert_int_eq(end[-1], '\r');
	snprintf(c->line, sizeof c->line, "%.*s", (int)n - 2, (const char *)c->in.p);
	memmove(c->in.p, c->in.p + n, c->in.n - n);
	c->in.n -= n;
}

void client_hears(struct client *c, const char *code)
{
	do
		hear_line(c);
	while (c->line[3] == '-');
	ck_assert_msg(strncmp(c->line, code, strlen(code)) == 0, "'%s', not '%s'", c->line, code);
}

void client_talks(struct client *c, const char *text, const char *code)
{
	client_say(c, text);
	client_say(c, "\r\n");
	client_hears(c, code);
}

static bool hear_end(struct client *c)
{
	bool good;

	while (receive(c, &good))
		;
	ck_assert_uint_eq(c->in.n, 0);
	return good;
}

void client_at_end(struct client *c)
{
	hear_end(c);
}

void client_at_good_end(struct client *c)
{
	ck_assert(hear_end(c));
}

void client_greeted(struct client *c, enum smtp_port which)
{
	client_open(c, which);
	client_hears(c, "220 mail.test");
}

void client_envelope(struct client *c, const char *hello)
{
	client_talks(c, hello, "250");
	client_talks(c, "MAIL FROM:<a@b.c>", "250");
	client_talks(c, "RCPT TO:<news@localhost>", "250");
}

void client_quits(struct client *c)
{
	client_talks(c, "QUIT", "221");
	client_at_good_end(c);
	client_close(c);
}
