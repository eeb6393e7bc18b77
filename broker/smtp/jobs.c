/* See jobs.h. */
#include "broker/smtp/jobs.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/text.h"
#include "broker/smtp/dedup.h"
#include "broker/smtp/job_headers.h"
#include "broker/smtp/mime.h"
#include "broker/smtp/trace.h"

enum kind { RAW_TRACED, RAW_PLAIN, BODY, JSON, KINDS };

/* Something in jobs->bytes, which may move until all is there. */
struct place {
	size_t at, n;
};

struct part {
	const struct smtp_policy *policy;
	enum kind kind;
	const char *mime_why; /* why it is raw although it should be another; NULL = it is not */
	struct rcpt_options options;
	struct place headers, key, payload;
};

/* What is needed until all is made. */
struct work {
	struct jobs *j;
	struct letter *l;
	const struct smtp_config *c;
	struct span mail;
	struct job_facts facts;
	struct part *parts;
	char body_why[MIME_WHY], json_why[MIME_WHY];
	struct place made[KINDS]; /* payloads that several share */
	uint32_t first[KINDS];    /* whose payload it is, counted from 1; 0 = of none yet */
	enum jobs_fault *fault;
	char *why;
};

static_assert(LIMIT_MAIL + TRACE_MOST <= LIMIT_PAYLOAD, "a mail and what is put before it fit a payload");

__attribute__((format(printf, 3, 4))) static bool refuse(struct work *w, enum jobs_fault fault, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_vformat(w->why, JOBS_WHY, format, args);
	va_end(args);
	*w->fault = fault;
	return false;
}

bool jobs_slow(const struct letter *l, const struct smtp_config *c)
{
	if (spool_large(l->spool))
		return true;
	for (uint32_t i = 0; i < l->n; i++)
		if (smtp_policy_of(c, span_str(l->rcpts[i].rcpt.queue))->payload != SMTP_RAW)
			return true;
	return false;
}

/* --- which jobs ------------------------------------------------------------------------------------- */

/* Whether a key in the address counts: it makes others' mails with the same key disappear, so it is for those who are
 * known by more than the sender that they name. */
static bool may_key(const struct letter *l, const struct smtp_policy *p)
{
	return l->user[0] != 0 || cidr_loopback(&l->peer_address) ||
	       cidr_any(p->networks, p->n_networks, &l->peer_address);
}

static uint32_t part_named(struct work *w, struct span queue)
{
	struct jobs *j = w->j;

	for (uint32_t i = 0; i < j->all.n; i++)
		if (span_eq(j->parts[i].queue, queue))
			return i;
	j->parts[j->all.n] = (struct msg_all_part){ .queue = queue };
	w->parts[j->all.n] = (struct part){ .policy = smtp_policy_of(w->c, queue) };
	return j->all.n++;
}

/* Of several recipients that name a queue, the first that says an option says it. */
static bool take_recipients(struct work *w)
{
	struct letter *l = w->l;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct letter_rcpt *r = &l->rcpts[i];
		uint32_t at = part_named(w, span_str(r->rcpt.queue));
		struct part *p = &w->parts[at];

		w->j->part_of[i] = at;
		if (r->create)
			w->j->parts[at].flags |= ALL_CREATE;
		if (r->rcpt.options.key_n > 0 && !may_key(l, p->policy))
			return refuse(w, JOBS_HEADER,
			              "the option key is for those who authenticate, or come from a network that "
			              "queue %s trusts",
			              r->rcpt.queue);
		rcpt_merge(&p->options, &r->rcpt.options);
	}
	if (l->user[0] == 0)
		return true;
	if (l->headers.job_why != NULL)
		return refuse(w, JOBS_HEADER, "%s", l->headers.job_why);
	for (uint32_t i = 0; i < w->j->all.n; i++)
		rcpt_merge(&w->parts[i].options, &l->headers.job);
	return true;
}

/* --- payloads --------------------------------------------------------------------------------------- */

static struct place since(const struct buf *b, size_t at)
{
	return (struct place){ at, b->n - at };
}

static enum kind raw_of(const struct smtp_policy *p)
{
	return p->trace ? RAW_TRACED : RAW_PLAIN;
}

static bool any(const struct work *w, enum kind kind)
{
	for (uint32_t i = 0; i < w->j->all.n; i++)
		if (w->parts[i].kind == kind)
			return true;
	return false;
}

static void fall_back(struct work *w, enum kind from, const char *why)
{
	for (uint32_t i = 0; i < w->j->all.n; i++) {
		struct part *p = &w->parts[i];

		if (p->kind != from)
			continue;
		p->kind = raw_of(p->policy);
		p->mime_why = why;
	}
}

/* Whether what is made, and what is to be handed on raw, fits: that may not be left out. */
static bool fits(const struct work *w)
{
	uint64_t raw = (any(w, RAW_TRACED) ? w->mail.n + TRACE_MOST : 0) + (any(w, RAW_PLAIN) ? w->mail.n : 0);

	return w->j->payload_bytes + raw <= LIMIT_ALL_BYTES;
}

static const char too_much[] = "it has more bytes than the payloads of a mail may have";

static void make_body(struct work *w, const struct mime *m)
{
	struct buf *b = &w->j->bytes;
	size_t at = b->n;
	bool good = mime_body(m, LIMIT_PAYLOAD, b, w->body_why);

	w->made[BODY] = since(b, at);
	w->j->payload_bytes += b->n - at;
	if (good && fits(w))
		return;
	if (good)
		text_format(w->body_why, MIME_WHY, "%s", too_much);
	w->j->payload_bytes -= b->n - at;
	b->n = at;
	fall_back(w, BODY, w->body_why);
}

static void put_text(struct buf *b, const char *name, const char *text)
{
	buf_put_span(b, span_str(",\""));
	buf_put_span(b, span_str(name));
	buf_put_span(b, span_str("\":"));
	json_quote(b, span_str(text));
}

/* Begins the object: what the session knows. Each queue is told its own recipients alone. */
static void put_envelope(struct work *w, uint32_t part, struct buf *b)
{
	const struct letter *l = w->l;
	char stamp[TRACE_STAMP], size[40];

	buf_put_span(b, span_str("{\"envelope\":{\"from\":"));
	json_quote(b, span_str(l->from));
	buf_put_span(b, span_str(",\"to\":["));
	for (uint32_t i = 0, n = 0; i < l->n; i++) {
		if (w->j->part_of[i] != part)
			continue;
		if (n++ > 0)
			buf_put_u8(b, ',');
		json_quote(b, span_str(l->rcpts[i].address));
	}
	buf_put_u8(b, ']');
	put_text(b, "helo", l->helo);
	put_text(b, "peer", l->peer);
	put_text(b, "tls", l->tls);
	put_text(b, "auth_user", l->user);
	trace_stamp(l->received_ms, stamp);
	put_text(b, "received_at", stamp);
	text_format(size, sizeof size, ",\"size\":%llu", (unsigned long long)l->size);
	buf_put_span(b, span_str(size));
	put_text(b, "sha256", w->facts.hash);
	buf_put_span(b, span_str("},"));
}

/* All that want it, or none: there is no telling which of them should do without. */
static void make_json(struct work *w, const struct mime *m)
{
	struct buf *b = &w->j->bytes, rest;
	uint64_t before = w->j->payload_bytes;
	size_t began = b->n;
	bool good;

	buf_init(&rest);
	good = mime_json(m, LIMIT_PAYLOAD, &rest, w->json_why);
	for (uint32_t i = 0; good && i < w->j->all.n; i++) {
		size_t at = b->n;

		if (w->parts[i].kind != JSON)
			continue;
		put_envelope(w, i, b);
		buf_put_span(b, buf_span(&rest));
		buf_put_u8(b, '}');
		w->parts[i].payload = since(b, at);
		w->j->payload_bytes += b->n - at;
		good = b->n - at <= LIMIT_PAYLOAD && fits(w);
		if (!good)
			text_format(w->json_why, MIME_WHY, "%s", too_much);
	}
	buf_fini(&rest);
	if (good)
		return;
	b->n = began;
	w->j->payload_bytes = before;
	fall_back(w, JSON, w->json_why);
}

static void read_mime(struct work *w)
{
	struct mime *m = mime_read(w->mail, w->body_why);

	if (m == NULL) {
		fall_back(w, BODY, w->body_why);
		fall_back(w, JSON, w->body_why);
		return;
	}
	if (any(w, BODY))
		make_body(w, m);
	if (any(w, JSON))
		make_json(w, m);
	mime_free(m);
}

static bool make_raw(struct work *w)
{
	struct buf *b = &w->j->bytes;
	size_t at = b->n;

	buf_room(b, (any(w, RAW_TRACED) ? w->mail.n : 0) + 2048); /* at once: with what else a small one needs */
	if (any(w, RAW_TRACED)) {
		trace_put(b, w->l, w->c->hostname, w->facts.hash);
		buf_put_span(b, w->mail);
		w->made[RAW_TRACED] = since(b, at);
		w->j->payload_bytes += b->n - at;
		if (b->n - at > LIMIT_PAYLOAD)
			return refuse(w, JOBS_TOO_LARGE, "a job has at most %llu bytes, with Return-Path and Received",
			              (unsigned long long)LIMIT_PAYLOAD);
	}
	if (any(w, RAW_PLAIN)) {
		w->j->payload_bytes += w->mail.n;
		if (w->mail.n > LIMIT_PAYLOAD)
			return refuse(w, JOBS_TOO_LARGE, "a job has at most %llu bytes",
			              (unsigned long long)LIMIT_PAYLOAD);
	}
	if (w->j->payload_bytes > LIMIT_ALL_BYTES)
		return refuse(w, JOBS_TOO_LARGE,
		              "the jobs of a mail have at most %llu bytes together; send it to fewer queues at a time",
		              (unsigned long long)LIMIT_ALL_BYTES);
	return true;
}

static bool make_payloads(struct work *w)
{
	bool mime = false;

	for (uint32_t i = 0; i < w->j->all.n; i++) {
		struct part *p = &w->parts[i];

		p->kind = p->policy->payload == SMTP_BODY   ? BODY
		          : p->policy->payload == SMTP_JSON ? JSON
		                                            : raw_of(p->policy);
		mime |= p->kind == BODY || p->kind == JSON;
	}
	if (mime)
		read_mime(w);
	return make_raw(w);
}

/* --- the rest of each ------------------------------------------------------------------------------- */

static void make_keys(struct work *w)
{
	struct letter *l = w->l;
	struct buf *b = &w->j->bytes;
	uint8_t content[DEDUP_CONTENT];
	bool hashed = false;

	for (uint32_t i = 0; i < w->j->all.n; i++) {
		struct part *p = &w->parts[i];
		size_t at = b->n;

		if (p->options.key_n > 0) {
			buf_put(b, p->options.key, p->options.key_n);
		} else if (p->policy->dedup) {
			char key[DEDUP_KEY_ROOM];

			if (!hashed)
				dedup_content(w->mail, content);
			hashed = true;
			dedup_key(content, w->j->parts[i].queue, span_str(l->from), span_str(l->headers.message_id),
			          key);
			buf_put(b, key, DEDUP_KEY);
		}
		p->key = since(b, at);
	}
}

static void make_headers(struct work *w)
{
	static const char *const words[KINDS] = { [BODY] = "body", [JSON] = "json" };

	for (uint32_t i = 0; i < w->j->all.n; i++) {
		struct part *p = &w->parts[i];
		size_t at = w->j->bytes.n;

		job_headers_put(&w->j->bytes, w->l, &w->facts, w->j->part_of, i,
		                p->mime_why != NULL ? "raw" : words[p->kind], p->mime_why);
		p->headers = since(&w->j->bytes, at);
	}
}

static struct span at_place(const struct work *w, struct place p)
{
	return span_of(w->j->bytes.p + p.at, p.n);
}

/* Nothing moves any more. */
static void settle(struct work *w)
{
	for (uint32_t i = 0; i < w->j->all.n; i++) {
		struct msg_all_part *to = &w->j->parts[i];
		const struct part *p = &w->parts[i];

		to->priority = p->options.has_priority ? p->options.priority : DEFAULT_PRIORITY;
		to->delay_ms = p->options.has_delay ? p->options.delay_ms : 0;
		to->within_ms = p->options.has_expires ? p->options.expires_ms : 0;
		to->key = at_place(w, p->key);
		to->headers = at_place(w, p->headers);
		if (p->kind == JSON) {
			to->payload = at_place(w, p->payload);
			continue;
		}
		to->same = w->first[p->kind];
		if (to->same != 0)
			continue;
		w->first[p->kind] = i + 1;
		to->payload = p->kind == RAW_PLAIN ? w->mail : at_place(w, w->made[p->kind]);
	}
}

struct jobs *jobs_make(struct letter *l, const struct smtp_config *c, enum jobs_fault *fault, char why[JOBS_WHY])
{
	struct jobs *j = malloc(sizeof *j);
	struct part parts[LIMIT_ALL_PARTS]; /* each is made when it is named */
	struct work w = { .l = l, .c = c, .parts = parts, .fault = fault, .why = why };
	bool good;

	must(j != NULL && l->n > 0 && l->n <= LIMIT_ALL_PARTS);
	*fault = JOBS_FINE;
	w.j = j;
	j->all = (struct msg_submit_all){ .v = j->parts };
	j->payload_bytes = 0;
	buf_init(&j->bytes);
	if (!spool_whole(l->spool, &w.mail)) {
		refuse(&w, JOBS_UNREADABLE, "the mail cannot be read back");
		jobs_free(j);
		return NULL;
	}
	job_facts_make(&w.facts, l);
	good = take_recipients(&w) && make_payloads(&w);
	if (good) {
		make_keys(&w);
		make_headers(&w);
		settle(&w);
	}
	job_facts_free(&w.facts);
	if (good)
		return j;
	jobs_free(j);
	return NULL;
}

void jobs_free(struct jobs *j)
{
	if (j == NULL)
		return;
	buf_fini(&j->bytes);
	free(j);
}
