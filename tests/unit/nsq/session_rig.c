/* See session_rig.h. */
#include "tests/unit/nsq/session_rig.h"

#include "base/be.h"
#include "broker/nsq/parse.h"

static void woke(void *owner)
{
	(void)owner;
}

void rig_config(struct nsq_config *c)
{
	*c = (struct nsq_config){ .max_rdy = 2500,
		                  .max_deflate = 6,
		                  .msg_ms = 60000,
		                  .max_msg_ms = 900000,
		                  .max_req_ms = 3600000,
		                  .max_heartbeat_ms = 60000,
		                  .max_msg_size = 1048576,
		                  .max_body = 5242880 };
}

void rig_init(struct rig *r)
{
	memset(r, 0, sizeof *r);
	rig_config(&r->config);
	list_init(&r->subscribed);
	fake_hub_init(&r->hub);
	r->world = (struct session_world){ .hub = &r->hub, .config = &r->config, .woke = woke };
	r->world.subscribed = &r->subscribed;
	r->now = 1000;
}

void rig_begin(struct rig *r)
{
	r->s = session_new(&r->world, r, "10.0.0.7:4711", &r->out, r->now);
	buf_clear(&r->in);
	buf_clear(&r->out);
	buf_clear(&r->told);
	buf_clear(&r->hub.log);
	r->told_to = 0;
	r->closed = false;
}

void rig_end(struct rig *r)
{
	session_free(r->s);
	r->s = NULL;
	must(r->hub.n == 0 && list_empty(&r->subscribed)); /* nothing is left behind */
}

void rig_fini(struct rig *r)
{
	fake_hub_fini(&r->hub);
	buf_fini(&r->in);
	buf_fini(&r->out);
	buf_fini(&r->told);
}

static bool take(struct rig *r)
{
	size_t wants = session_wants(r->s), n;

	if (wants == 0 || r->in.n < wants)
		return false;
	n = session_take(r->s, buf_span(&r->in), r->now);
	must(n <= r->in.n);
	memmove(r->in.p, r->in.p + n, r->in.n - n);
	r->in.n -= n;
	return true;
}

void rig_turn(struct rig *r)
{
	bool more = true;

	while (more) {
		more = take(r);
		while (!r->manual && fake_hub_answer(&r->hub, SHEAF_OK, ""))
			more = true;
	}
}

void rig_feed_pieces(struct rig *r, const void *bytes, size_t n, size_t piece)
{
	for (size_t at = 0; at < n; at += piece) {
		buf_put(&r->in, (const uint8_t *)bytes + at, piece < n - at ? piece : n - at);
		rig_turn(r);
	}
}

void rig_feed(struct rig *r, const void *bytes, size_t n)
{
	rig_feed_pieces(r, bytes, n, n > 0 ? n : 1);
}

static void tell(struct rig *r, struct span frame)
{
	uint32_t type;

	must(frame.n >= 4);
	type = be_get32(frame.p);
	must(type <= 2);
	if (type == 2) {
		uint64_t time;

		must(frame.n > 4 + 26);
		memcpy(&time, frame.p + 4, 8);
		text_say(&r->told, "MSG %u %u %b %b\n", (unsigned long long)__builtin_bswap64(time),
		         (unsigned long long)(frame.p[12] << 8 | frame.p[13]), span_of(frame.p + 14, 16),
		         span_of(frame.p + 30, frame.n - 30));
	} else {
		must((frame.n > 6 && memcmp(frame.p + 4, "E_", 2) == 0) == (type == 1));
		text_say(&r->told, "%b\n", span_of(frame.p + 4, frame.n - 4));
	}
}

const char *rig_told(struct rig *r)
{
	buf_clear(&r->told);
	while (r->told_to < r->out.n) {
		uint32_t size;

		must(r->out.n - r->told_to >= 4);
		size = be_get32(r->out.p + r->told_to);
		must(size <= r->out.n - r->told_to - 4);
		tell(r, span_of(r->out.p + r->told_to + 4, size));
		r->told_to += 4 + size;
	}
	if (session_closing(r->s) && !r->closed) {
		buf_put(&r->told, "x\n", 2);
		r->closed = true;
	}
	buf_put_u8(&r->told, 0);
	return (const char *)r->told.p;
}

const char *rig_asked(struct rig *r)
{
	buf_put_u8(&r->hub.log, 0);
	buf_clear(&r->hub.log);
	return (const char *)r->hub.log.p;
}

void rig_deliver(struct rig *r, uint64_t run, uint64_t token, uint64_t mask)
{
	struct buf packed = { 0 };
	struct hub_delivery d = { .run = run, .token = token, .mask = mask, .attempts = 1, .time_ns = 77 };

	for (uint64_t rest = mask; rest != 0; rest &= rest - 1) {
		struct buf one = { 0 };
		uint8_t size[4];

		text_say(&one, "m%u", (unsigned long long)__builtin_ctzll(rest));
		be_put32(size, (uint32_t)one.n);
		buf_put(&packed, size, 4);
		buf_put_span(&packed, buf_span(&one));
		buf_fini(&one);
	}
	d.packed = buf_span(&packed);
	r->hub.last->calls->messages(r->hub.last->arg, &d);
	buf_fini(&packed);
}
