/* A fuzzer for what a mail's client says, below the session: the first byte chooses a path (p), a local part (r), a
 * mail's bytes (d: DATA, c: chunks, b: BINARYMIME), a PROXY header (x) or a network (n).
 * Whatever it is, the same comes out however it is cut, and what was understood is understood again. */
#include "base/crc32c.h"
#include "base/json.h"
#include "base/rand.h"
#include "base/text.h"
#include "base/units.h"
#include "broker/smtp/content.h"
#include "broker/smtp/path.h"
#include "broker/smtp/proxy.h"
#include "proto/codec.h"
#include "tests/fuzz/mail/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void path(struct span in)
{
	struct path p, again;
	struct span rest = in, whole;
	const char *why = NULL;
	char text[LIMIT_MAIL_PATH + 3];
	size_t n;

	path_domain_ok(in);
	if (path_read(&rest, &p, &why) != PATH_FINE) {
		must(why != NULL && rest.p == in.p && rest.n == in.n);
		return;
	}
	must(rest.n < in.n && rest.p + rest.n == in.p + in.n && rest.p[-1] == '>');
	must(p.local_n <= LIMIT_MAIL_LOCAL && strlen(p.local) == p.local_n);
	must(strlen(p.domain) <= LIMIT_MAIL_DOMAIN && strpbrk(p.text, "\r\n") == NULL);
	must(json_utf8(span_str(p.text)) && json_utf8(span_of(p.local, p.local_n)));
	n = text_format(text, sizeof text, "<%s>", p.text);
	must(n <= LIMIT_MAIL_PATH);
	whole = span_of(text, n);
	must(path_read(&whole, &again, &why) == PATH_FINE && whole.n == 0);
	must(strcmp(p.text, again.text) == 0 && strcmp(p.local, again.local) == 0);
	must(strcmp(p.domain, again.domain) == 0 && p.utf8 == again.utf8 && p.quoted == again.quoted);
	must(p.utf8 || p.domain[0] == '\0' || path_domain_ok(span_str(p.domain)));
}

static bool same_options(const struct rcpt_options *a, const struct rcpt_options *b)
{
	return a->has_priority == b->has_priority && a->has_delay == b->has_delay && a->has_expires == b->has_expires &&
	       a->priority == b->priority && a->delay_ms == b->delay_ms && a->expires_ms == b->expires_ms &&
	       a->key_n == b->key_n && memcmp(a->key, b->key, a->key_n) == 0;
}

static void local(struct span in)
{
	char why[RCPT_WHY], text[1024], number[24];
	struct rcpt r, again;
	size_t n;

	if (rcpt_read(in, &r, why) != RCPT_FINE) {
		must(why[0] != '\0');
		return;
	}
	must(name_queue_ok(span_str(r.queue)) && r.options.priority <= LIMIT_PRIORITY);
	must(r.options.delay_ms <= LIMIT_DELAY_MS && r.options.expires_ms <= LIMIT_DELAY_MS);
	must(r.options.has_expires == (r.options.expires_ms > 0) && r.options.key_n <= LIMIT_KEY);
	n = text_format(text, sizeof text, "%s", r.queue);
	if (r.options.has_priority)
		n += text_format(text + n, sizeof text - n, "+priority=%u", r.options.priority);
	if (r.options.has_delay)
		n += text_format(text + n, sizeof text - n, "+delay=%s",
		                 units_type_duration(r.options.delay_ms, number));
	if (r.options.has_expires)
		n += text_format(text + n, sizeof text - n, "+Expires=%s",
		                 units_type_duration(r.options.expires_ms, number));
	if (r.options.key_n > 0)
		n += text_format(text + n, sizeof text - n, "+KEY=%s", r.options.key);
	must(rcpt_read(span_of(text, n), &again, why) == RCPT_FINE);
	must(strcmp(r.queue, again.queue) == 0 && same_options(&r.options, &again.options));
}

static void put(void *arg, struct span bytes)
{
	must(bytes.n > 0);
	buf_put_span(arg, bytes);
}

/* In pieces of `piece` bytes at most; 1: of that size. */
static void pieces(enum content_mode mode, struct span in, size_t piece, struct rng *r, const struct model *m,
                   struct letter_headers *headers)
{
	enum content_verdict v = CONTENT_MORE;
	struct content c;
	struct buf got;
	size_t taken, all = 0;

	buf_init(&got);
	content_begin(&c, mode, headers);
	while (v == CONTENT_MORE && all < in.n) {
		size_t n = 1 + rng_below(r, piece);

		n = n < in.n - all ? n : in.n - all;
		v = content_take(&c, span_of(in.p + all, n), &taken, put, &got);
		must(taken <= n && (v != CONTENT_MORE || taken == n));
		all += taken;
	}
	if (v == CONTENT_MORE && mode != CONTENT_DATA && !content_end(&c))
		v = CONTENT_BARE;
	must(v == m->verdict && all == m->taken);
	must(c.bytes == got.n && span_eq(buf_span(&got), buf_span(&m->bytes)));
	must(c.headers.line.cap <= 2 * LIMIT_MAIL_HEADER_LINE);
	content_fini(&c);
	buf_fini(&got);
}

static void content(enum content_mode mode, struct span in)
{
	struct letter_headers whole, headers;
	struct model m = { .verdict = CONTENT_MORE };
	struct rng r;

	rng_seed(&r, crc32c(0, in.p, in.n));
	buf_init(&m.bytes);
	model_take(&m, mode, in);
	pieces(mode, in, in.n + 1, &r, &m, &whole);
	pieces(mode, in, 1, &r, &m, &headers);
	must(m.verdict == CONTENT_BARE || memcmp(&whole, &headers, sizeof whole) == 0);
	pieces(mode, in, 5, &r, &m, &headers);
	must(m.verdict == CONTENT_BARE || memcmp(&whole, &headers, sizeof whole) == 0);
	must(strlen(whole.message_id) <= LIMIT_MAIL_HEADER && whole.bytes <= m.bytes.n);
	if (m.verdict == CONTENT_END || (m.verdict == CONTENT_MORE && mode != CONTENT_DATA)) {
		must(whole.received == m.received && whole.bytes == m.header_bytes);
		must(m.long_subject || strcmp(whole.subject, m.subject) == 0);
	}
	buf_fini(&m.bytes);
}

static bool same_source(const struct proxy_source *a, const struct proxy_source *b)
{
	return a->local == b->local && cidr_same(&a->source, &b->source) && cidr_same(&a->to, &b->to) &&
	       a->source_port == b->source_port && a->to_port == b->to_port;
}

/* What is short may become anything, what is done or bad stays so. */
static void proxy(struct span in)
{
	enum proxy_verdict before = PROXY_SHORT;
	struct proxy_source first = { .local = false }, from;
	size_t first_taken = 0, taken;

	for (size_t n = 0; n <= in.n && n <= 2 * PROXY_MOST; n++) {
		enum proxy_verdict v;

		from = (struct proxy_source){ .local = false };
		v = proxy_read(span_of(in.p, n), &taken, &from);
		must(before == PROXY_SHORT || v == before);
		if (v == PROXY_DONE && before == PROXY_SHORT) {
			must(taken == n);
			first = from;
			first_taken = taken;
		}
		if (v == PROXY_DONE)
			must(taken == first_taken && taken <= PROXY_MOST && same_source(&from, &first));
		must(v != PROXY_SHORT || n < PROXY_MOST);
		before = v;
	}
}

static void network(struct span in)
{
	char text[CIDR_TEXT + 8], shown[CIDR_TEXT];
	const char *why = NULL;
	struct cidr c, again;
	struct cidr_address a;

	if (cidr_read_address(in, &a)) {
		must(a.family == 4 || a.family == 6);
		must(cidr_read_address(span_str(cidr_show(&a, shown)), &c.address) && cidr_same(&a, &c.address));
	}
	if (!cidr_read(in, &c, &why)) {
		must(why != NULL);
		return;
	}
	must(cidr_has(&c, &c.address) && cidr_any(&c, 1, &c.address));
	text_format(text, sizeof text, "%s/%u", cidr_show(&c.address, shown), c.bits);
	must(cidr_read(span_str(text), &again, &why) && again.bits == c.bits && cidr_same(&again.address, &c.address));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span rest;

	if (n == 0)
		return 0;
	rest = span_of(data + 1, n - 1);
	switch (data[0]) {
	case 'p':
		path(rest);
		break;
	case 'r':
		local(rest);
		break;
	case 'x':
		proxy(rest);
		break;
	case 'n':
		network(rest);
		break;
	default:
		content(data[0] == 'c' ? CONTENT_BDAT : data[0] == 'b' ? CONTENT_BINARY : CONTENT_DATA, rest);
	}
	return 0;
}
