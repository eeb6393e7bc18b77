/* See job_headers.h. */
#include "broker/smtp/job_headers.h"

#include "base/json.h"
#include "base/text.h"
#include "broker/smtp/dedup.h"
#include "broker/smtp/mime.h"
#include "broker/smtp/trace.h"

static_assert(LIMIT_MAIL_PATH + JOB_RCPTS + LIMIT_MAIL_DOMAIN + CIDR_TEXT + 8 + 64 + LIMIT_MAIL_USER +
                      LIMIT_MAIL_HEADER + JOB_SUBJECT + TRACE_STAMP + 20 + 64 + MIME_WHY + 256 <=
                  LIMIT_HEADER_BYTES,
              "the longest headers fit");

void job_facts_make(struct job_facts *f, struct letter *l)
{
	uint8_t hash[SPOOL_SHA256];

	spool_sha256(l->spool, hash);
	dedup_hex(hash, sizeof hash, f->hash);
	buf_init(&f->subject);
	mime_words(&f->subject, span_str(l->headers.subject));
}

void job_facts_free(struct job_facts *f)
{
	buf_fini(&f->subject);
}

/* Bytes at its beginning that may stay as they are. */
static size_t plain(const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] >= 0x20 && p[i] < 0x7f)
		i++;
	return i;
}

/* Appends what of it is fit for a header, at most `most` bytes of it. */
static void put_clean(struct buf *to, struct span s, size_t most)
{
	size_t n = plain(s.p, s.n < most ? s.n : most);

	buf_put(to, s.p, n);
	for (size_t i = n, c; i < s.n && n<most; i += c> 0 ? c : 1) {
		uint8_t b = s.p[i];

		c = json_character(s.p + i, s.n - i);
		if (c > most - n)
			break;
		n += c > 0 ? c : 1;
		if (c > 1)
			buf_put(to, s.p + i, c);
		else
			buf_put_u8(to, c == 0 ? '?' : b < 0x20 || b == 0x7f ? ' ' : b);
	}
}

static void put(struct buf *to, const char *name, struct span value, size_t most)
{
	buf_put(to, name, strlen(name));
	buf_put_u8(to, '=');
	put_clean(to, value, most);
	buf_put_u8(to, 0);
}

/* All of a queue's that fit, the rest is left out. */
static void put_rcpts(struct buf *to, const struct letter *l, const uint32_t *part_of, uint32_t part)
{
	size_t left = JOB_RCPTS;

	buf_put_span(to, span_str("rcpt="));
	for (uint32_t i = 0; i < l->n; i++) {
		struct span address;
		bool more = left < JOB_RCPTS;

		if (part_of[i] != part)
			continue;
		address = span_str(l->rcpts[i].address);
		if (address.n + more > left)
			break;
		if (more)
			buf_put_u8(to, ' ');
		put_clean(to, address, left - more);
		left -= address.n + more;
	}
	buf_put_u8(to, 0);
}

void job_headers_put(struct buf *to, const struct letter *l, const struct job_facts *f, const uint32_t *part_of,
                     uint32_t part, const char *mime, const char *mime_why)
{
	char stamp[TRACE_STAMP], size[24];
	size_t began = to->n;

	trace_stamp(l->received_ms, stamp);
	text_format(size, sizeof size, "%llu", (unsigned long long)l->size);
	put(to, "mail_from", span_str(l->from), LIMIT_MAIL_PATH);
	put_rcpts(to, l, part_of, part);
	put(to, "helo", span_str(l->helo), LIMIT_MAIL_DOMAIN);
	put(to, "peer", span_str(l->peer), sizeof l->peer);
	put(to, "tls", span_str(l->tls), sizeof l->tls);
	put(to, "auth_user", span_str(l->user), LIMIT_MAIL_USER);
	put(to, "message_id", span_str(l->headers.message_id), LIMIT_MAIL_HEADER);
	put(to, "subject", buf_span(&f->subject), JOB_SUBJECT);
	put(to, "received_at", span_str(stamp), TRACE_STAMP);
	put(to, "size", span_str(size), sizeof size);
	put(to, "sha256", span_str(f->hash), sizeof f->hash);
	if (mime != NULL)
		put(to, "mime", span_str(mime), 32);
	if (mime_why != NULL)
		put(to, "mime_why", span_str(mime_why), MIME_WHY);
	must(to->n - began <= LIMIT_HEADER_BYTES);
}
