/* See jobs_rig.h. */
#include "tests/unit/smtp/jobs_rig.h"

#include <check.h>

#include "base/text.h"
#include "proto/codec.h"

void rig_begin(struct jobs_rig *r)
{
	static const enum smtp_payload payloads[] = { SMTP_RAW, SMTP_BODY, SMTP_JSON, SMTP_RAW };
	static const char *const names[] = { "plain", "body", "json", "dedup" };

	memset(r, 0, sizeof *r);
	text_format(r->config.hostname, sizeof r->config.hostname, "mx.example.net");
	r->config.rest = (struct smtp_policy){ .payload = SMTP_RAW, .trace = true };
	r->config.policies = r->policies;
	r->config.n_policies = 4;
	for (int i = 0; i < 4; i++) {
		text_format(r->policies[i].queue, sizeof r->policies[i].queue, "%s", names[i]);
		r->policies[i].payload = payloads[i];
		r->policies[i].trace = i != 0;
	}
	r->network = (struct cidr){ { 4, { 10 } }, 8 };
	r->policies[3].dedup = true;
	r->policies[3].networks = &r->network;
	r->policies[3].n_networks = 1;
	text_format(r->l.peer, sizeof r->l.peer, "192.0.2.1:4711");
	r->l.peer_address = (struct cidr_address){ 4, { 192, 0, 2, 1 } };
	text_format(r->l.helo, sizeof r->l.helo, "mail.example.org");
	text_format(r->l.from, sizeof r->l.from, "alice@example.org");
	r->l.esmtp = true;
	r->l.received_ms = 1764007445678; /* 2025-11-24T18:04:05.678Z */
	r->l.rcpts = r->rcpts;
	r->l.cap = LIMIT_MAIL_RCPTS;
}

void rig_end(struct jobs_rig *r)
{
	jobs_free(r->jobs);
	if (r->l.spool != NULL)
		spool_free(r->l.spool);
	for (uint32_t i = 0; i < r->l.n; i++)
		free(r->rcpts[i].address);
	memset(r, 0, sizeof *r);
}

struct rcpt_options *rig_to(struct jobs_rig *r, const char *queue)
{
	struct letter_rcpt *to = &r->rcpts[r->l.n++];
	char address[LIMIT_MAIL_PATH];

	memset(to, 0, sizeof *to);
	text_format(address, sizeof address, "%s@example.net", queue);
	to->address = strdup(address);
	text_format(to->rcpt.queue, sizeof to->rcpt.queue, "%s", queue);
	return &to->rcpt.options;
}

/* Each part has to be what the wire and the broker take, whatever the mail. */
static void check_all(const struct jobs_rig *r)
{
	uint64_t bytes = 0;

	ck_assert_uint_ge(r->jobs->all.n, 1);
	ck_assert_uint_eq(r->jobs->all.answered, 0);
	for (uint32_t i = 0; i < r->jobs->all.n; i++) {
		const struct msg_all_part *p = &r->jobs->all.v[i];

		ck_assert(name_queue_ok(p->queue));
		ck_assert(headers_ok(p->headers));
		ck_assert_uint_le(p->key.n, LIMIT_KEY);
		ck_assert_uint_le(p->priority, LIMIT_PRIORITY);
		ck_assert_uint_le(p->payload.n, LIMIT_PAYLOAD);
		ck_assert_uint_le(p->same, i);
		if (p->same != 0) {
			ck_assert_uint_eq(r->jobs->all.v[p->same - 1].same, 0);
			ck_assert_uint_eq(p->payload.n, 0);
		}
		bytes += p->payload.n;
	}
	ck_assert_uint_eq(bytes, r->jobs->payload_bytes);
	ck_assert_uint_le(bytes, LIMIT_ALL_BYTES);
}

static void make(struct jobs_rig *r, struct span mail, bool broken)
{
	jobs_free(r->jobs);
	if (r->l.spool != NULL)
		spool_free(r->l.spool);
	r->l.spool = rig_spool(mail, broken);
	r->l.size = mail.n;
	r->why[0] = 0;
	r->jobs = jobs_make(&r->l, &r->config, &r->fault, r->why);
	if (r->jobs != NULL) {
		ck_assert_int_eq(r->fault, JOBS_FINE);
		check_all(r);
	} else {
		ck_assert_int_ne(r->fault, JOBS_FINE);
		ck_assert(r->why[0] != 0);
	}
}

void rig_make(struct jobs_rig *r, struct span mail)
{
	make(r, mail, false);
}

void rig_make_text(struct jobs_rig *r, const char *mail)
{
	rig_make(r, span_str(mail));
}

void rig_make_broken(struct jobs_rig *r)
{
	make(r, span_str(""), true);
}

struct span rig_payload(const struct jobs_rig *r, uint32_t part)
{
	const struct msg_all_part *p;

	ck_assert_ptr_nonnull(r->jobs);
	ck_assert_uint_lt(part, r->jobs->all.n);
	p = &r->jobs->all.v[part];
	return p->same == 0 ? p->payload : r->jobs->all.v[p->same - 1].payload;
}

const char *rig_header(const struct jobs_rig *r, uint32_t part, const char *name)
{
	struct span h;
	size_t n = strlen(name);

	ck_assert_ptr_nonnull(r->jobs);
	ck_assert_uint_lt(part, r->jobs->all.n);
	h = r->jobs->all.v[part].headers;
	for (size_t at = 0; at < h.n; at += strlen((const char *)h.p + at) + 1)
		if (h.n - at > n && memcmp(h.p + at, name, n) == 0 && h.p[at + n] == '=')
			return (const char *)h.p + at + n + 1;
	return NULL;
}

json_t *rig_json(const struct jobs_rig *r, uint32_t part)
{
	struct span p = rig_payload(r, part);
	json_error_t e;
	json_t *j = json_loadb((const char *)p.p, p.n, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &e);

	ck_assert_msg(j != NULL, "%s at %d: %.*s", e.text, e.position, (int)(p.n < 400 ? p.n : 400), p.p);
	return j;
}
