/* One nsqlookupd, over TCP: connected, told everything, told each change, pinged; see lookupd.h. Its answers have a
 * length and no type, and come in the order of the commands. */
#include <jansson.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "broker/nsq/json_out.h"
#include "broker/nsq/lookupd_call.h"

static void on_time(uv_timer_t *t);

/* HOST:PORT, an IPv6 address in brackets. */
static bool split(struct peer *p, const char *address)
{
	const char *colon = strrchr(address, ':');
	size_t n = colon == NULL ? 0 : (size_t)(colon - address), digits = 0;

	if (n == 0 || strlen(address) >= LOOKUPD_ADDRESS)
		return false;
	text_format(p->address, sizeof p->address, "%s", address);
	while (colon[1 + digits] >= '0' && colon[1 + digits] <= '9')
		digits++;
	if (digits == 0 || digits > 5 || colon[1 + digits] != 0 || strtoul(colon + 1, NULL, 10) - 1 >= 65535)
		return false;
	if (address[0] == '[' && address[n - 1] == ']') {
		address++;
		n -= 2;
	} else if (memchr(address, ':', n) != NULL) {
		return false;
	}
	text_format(p->host, sizeof p->host, "%.*s", (int)n, address);
	text_format(p->port, sizeof p->port, "%s", colon + 1);
	return n > 0;
}

static void gone(struct peer *p)
{
	struct lookupd *l = p->l;

	if (--p->busy > 0 || !p->leaving)
		return;
	list_remove(&p->node);
	buf_fini(&p->in);
	free(p);
	lookupd_gone(l);
}

static void on_timer_closed(uv_handle_t *h)
{
	gone(h->data);
}

static void on_tcp_closed(uv_handle_t *h)
{
	struct peer *p = h->data;

	p->tcp_open = false;
	gone(p);
}

static void hang_up(struct peer *p)
{
	p->state = PEER_RESTS;
	p->identified = false;
	p->asked = 0;
	if (p->tcp_open && !uv_is_closing((uv_handle_t *)&p->tcp))
		uv_close((uv_handle_t *)&p->tcp, on_tcp_closed);
}

static void fail(struct peer *p, const char *why)
{
	if (p->leaving || p->state == PEER_RESTS)
		return;
	log_line(LOG_WARN, "nsq-lookupd", "nsqlookupd %s: %s; trying again in %llu s", p->address, why,
	         (unsigned long long)(p->retry_ms + 999) / 1000);
	hang_up(p);
	uv_timer_start(&p->timer, on_time, p->retry_ms, 0);
	p->retry_ms = p->retry_ms * 2 < LOOKUPD_PING_MS ? p->retry_ms * 2 : LOOKUPD_PING_MS;
}

/* ---- talking ---- */

struct writing {
	uv_write_t w;
	struct peer *p;
	uint8_t bytes[];
};

static void on_written(uv_write_t *w, int status)
{
	struct writing *x = w->data;
	struct peer *p = x->p;

	free(x);
	if (status < 0 && status != UV_ECANCELED)
		fail(p, uv_strerror(status));
}

static void send_bytes(struct peer *p, struct span s)
{
	struct writing *x = malloc(sizeof *x + s.n);
	uv_buf_t b;

	must(x != NULL);
	x->p = p;
	x->w.data = x;
	memcpy(x->bytes, s.p, s.n);
	b = uv_buf_init((char *)x->bytes, (unsigned)s.n);
	if (uv_write(&x->w, (uv_stream_t *)&p->tcp, &b, 1, on_written) < 0) {
		free(x);
		fail(p, "it cannot be written to");
	}
}

static void put_command(struct buf *b, const char *command, struct span name)
{
	json_raw(b, command);
	buf_put(b, " ", 1);
	buf_put_span(b, name);
	buf_put(b, "\n", 1);
}

void peer_tell(struct peer *p, const char *command, struct span name)
{
	struct buf b;

	if (!p->identified)
		return; /* it is told everything when it has answered */
	buf_init(&b);
	put_command(&b, command, name);
	p->asked++;
	send_bytes(p, buf_span(&b));
	buf_fini(&b);
}

/* Each channel, and each topic that has none: a channel brings its topic. */
static void tell_all(struct peer *p)
{
	const struct names *s = &p->l->names;
	struct buf b;

	buf_init(&b);
	for (uint32_t i = 0; i < s->n; i++) {
		size_t n = strlen(s->v[i]);

		if (i + 1 < s->n && strncmp(s->v[i + 1], s->v[i], n) == 0 && s->v[i + 1][n] == ' ')
			continue;
		put_command(&b, "REGISTER", span_of(s->v[i], n));
		p->asked++;
	}
	if (b.n > 0)
		send_bytes(p, buf_span(&b));
	buf_fini(&b);
}

static void say_hello(struct peer *p)
{
	const struct lookupd_self *self = &p->l->setup.self;
	struct buf body, b;
	uint8_t size[4];

	buf_init(&body);
	json_raw(&body, "{");
	json_key_text(&body, "version", span_str(self->version));
	json_key_number(&body, "tcp_port", self->tcp_port);
	json_key_number(&body, "http_port", self->http_port);
	json_key_text(&body, "hostname", span_str(self->hostname));
	json_key_text(&body, "broadcast_address", span_str(self->broadcast));
	json_key_text(&body, "topology_zone", span_str(""));
	json_key_text(&body, "topology_region", span_str(""));
	json_raw(&body, "}");
	for (int i = 0; i < 4; i++)
		size[i] = (uint8_t)(body.n >> (24 - 8 * i));
	buf_init(&b);
	json_raw(&b, "  V1IDENTIFY\n");
	buf_put(&b, size, sizeof size);
	buf_put_span(&b, buf_span(&body));
	p->asked = 1;
	send_bytes(p, buf_span(&b));
	buf_fini(&b);
	buf_fini(&body);
}

/* The answer to IDENTIFY says where its HTTP side is. */
static bool take_hello(struct peer *p, struct span text)
{
	json_t *j = json_loadb((const char *)text.p, text.n, 0, NULL);
	const char *host = json_string_value(json_object_get(j, "broadcast_address"));
	json_int_t port = json_integer_value(json_object_get(j, "http_port"));
	bool good = host != NULL && host[0] != 0 && strlen(host) < LOOKUPD_ADDRESS && port > 0 && port < 65536;

	if (good)
		text_format(p->http, sizeof p->http, strchr(host, ':') != NULL ? "[%s]:%d" : "%s:%d", host, (int)port);
	json_decref(j);
	return good;
}

static void take_answer(struct peer *p, struct span text)
{
	char why[160];

	if (text.n >= 2 && memcmp(text.p, "E_", 2) == 0) {
		text_format(why, sizeof why, "it refused: %.*s", (int)(text.n < 100 ? text.n : 100),
		            (const char *)text.p);
		fail(p, why);
		return;
	}
	if (p->asked == 0) {
		fail(p, "it answered what was not asked");
		return;
	}
	p->asked--;
	if (p->identified)
		return;
	if (!take_hello(p, text)) {
		p->http[0] = 0;
		log_line(LOG_WARN, "nsq-lookupd", "nsqlookupd %s does not say where its HTTP side is", p->address);
	}
	p->identified = true;
	p->retry_ms = LOOKUPD_RETRY_MS;
	log_line(LOG_INFO, "nsq-lookupd", "registered with nsqlookupd %s", p->address);
	tell_all(p);
}

static void on_room(uv_handle_t *h, size_t n, uv_buf_t *b)
{
	struct peer *p = h->data;

	(void)n;
	*b = uv_buf_init((char *)buf_room(&p->in, 4096), 4096);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct peer *p = s->data;
	size_t at = 0;

	(void)b;
	if (n < 0) {
		fail(p, n == UV_EOF ? "it has closed the connection" : uv_strerror((int)n));
		return;
	}
	p->in.n += (size_t)n;
	while (p->in.n - at >= 4 && p->state == PEER_TALKS) {
		const uint8_t *x = p->in.p + at;
		size_t size = (size_t)x[0] << 24 | (size_t)x[1] << 16 | (size_t)x[2] << 8 | x[3];

		if (size > LOOKUPD_ANSWER) {
			fail(p, "its answer is no nsqlookupd's");
			return;
		}
		if (p->in.n - at - 4 < size)
			break;
		take_answer(p, span_of(x + 4, size));
		at += 4 + size;
	}
	memmove(p->in.p, p->in.p + at, p->in.n - at);
	p->in.n -= at;
}

/* ---- connecting ---- */

static void on_connected(uv_connect_t *c, int status)
{
	struct peer *p = c->data;

	if (status == UV_ECANCELED || p->state != PEER_CONNECTS)
		return;
	if (status < 0) {
		fail(p, uv_strerror(status));
		return;
	}
	p->state = PEER_TALKS;
	buf_clear(&p->in);
	uv_read_start((uv_stream_t *)&p->tcp, on_room, on_read);
	say_hello(p);
	uv_timer_start(&p->timer, on_time, LOOKUPD_ANSWER_MS, LOOKUPD_PING_MS);
}

static void on_resolved(uv_getaddrinfo_t *r, int status, struct addrinfo *all)
{
	struct peer *p = r->data;

	if (p->leaving || p->state != PEER_RESOLVES || p->tcp_open) {
		fail(p, "it took too long");
	} else if (status < 0) {
		fail(p, uv_strerror(status));
	} else {
		p->state = PEER_CONNECTS;
		must(uv_tcp_init(p->l->setup.loop, &p->tcp) == 0);
		p->tcp.data = p->connect.data = p;
		p->tcp_open = true;
		p->busy++;
		status = uv_tcp_connect(&p->connect, &p->tcp, all->ai_addr, on_connected);
		if (status < 0)
			fail(p, uv_strerror(status));
	}
	uv_freeaddrinfo(all);
	p->resolving = false;
	gone(p);
}

static void begin(struct peer *p)
{
	struct addrinfo want = { .ai_socktype = SOCK_STREAM };

	if (p->resolving || p->tcp_open) { /* of the last attempt */
		uv_timer_start(&p->timer, on_time, LOOKUPD_RETRY_MS, 0);
		return;
	}
	p->state = PEER_RESOLVES;
	p->resolve.data = p;
	uv_timer_start(&p->timer, on_time, LOOKUPD_ANSWER_MS, 0);
	if (uv_getaddrinfo(p->l->setup.loop, &p->resolve, on_resolved, p->host, p->port, &want) < 0) {
		fail(p, "its name cannot be looked up");
		return;
	}
	p->resolving = true;
	p->busy++;
}

static void on_time(uv_timer_t *t)
{
	struct peer *p = t->data;

	switch (p->state) {
	case PEER_RESTS:
		begin(p);
		break;
	case PEER_RESOLVES:
	case PEER_CONNECTS:
		fail(p, "it did not answer in time");
		break;
	case PEER_TALKS:
		if (p->asked > 0) {
			fail(p, "it did not answer in time");
			break;
		}
		p->asked++;
		send_bytes(p, span_str("PING\n"));
		break;
	}
}

struct peer *peer_new(struct lookupd *l, const char *address)
{
	struct peer *p = calloc(1, sizeof *p);

	must(p != NULL);
	p->l = l;
	buf_init(&p->in);
	if (!split(p, address)) {
		free(p);
		return NULL;
	}
	p->retry_ms = LOOKUPD_RETRY_MS;
	list_init(&p->node);
	uv_timer_init(l->setup.loop, &p->timer);
	p->timer.data = p;
	p->busy = 1;
	uv_timer_start(&p->timer, on_time, 0, 0);
	return p;
}

void peer_leave(struct peer *p)
{
	list_remove(&p->node);
	list_push_back(&p->l->leaving, &p->node);
	hang_up(p);
	p->leaving = true;
	uv_timer_stop(&p->timer);
	uv_close((uv_handle_t *)&p->timer, on_timer_closed);
}
