/* See model.h. */
#include "tests/fuzz/mail/model.h"

#include <strings.h>

static void take_data(struct model *m, bool dots, struct span in)
{
	bool begins = true, cr = false, dot = false; /* at a line's beginning; behind a CR; behind a dot that went */

	for (size_t i = 0; i < in.n; i++, m->taken++) {
		uint8_t c = in.p[i];

		if (c == 0 || (c == '\n') != cr) {
			m->verdict = CONTENT_BARE;
			return;
		}
		if (dot && c == '\n') {
			m->verdict = CONTENT_END;
			m->taken++;
			return;
		}
		if (begins && dots && c == '.') {
			begins = false;
			dot = true;
			continue;
		}
		cr = c == '\r';
		if (dot && cr)
			continue;
		dot = false;
		begins = c == '\n';
		buf_put_u8(&m->bytes, c);
	}
	if (!dots && cr)
		m->verdict = CONTENT_BARE;
}

/* The length of a header at `at`, all its lines; 0 = none is there. *colon: where its value begins. */
static size_t header_at(struct span in, size_t at, size_t *value)
{
	size_t i = at;

	while (i < in.n && in.p[i] > ' ' && in.p[i] < 0x7f && in.p[i] != ':')
		i++;
	if (i == at)
		return 0;
	while (i < in.n && (in.p[i] == ' ' || in.p[i] == '\t'))
		i++;
	if (i == in.n || in.p[i] != ':' || i - at > LIMIT_MAIL_HEADER)
		return 0;
	*value = i + 1;
	for (i++; i < in.n; i++)
		if (in.p[i - 1] == '\n' && in.p[i] != ' ' && in.p[i] != '\t')
			break;
	return i - at;
}

static bool space(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static void subject(struct model *m, struct span value)
{
	size_t n = 0, first = 0;

	m->long_subject = m->long_subject || value.n > LIMIT_MAIL_HEADER;
	for (size_t i = 0; i < value.n && n < LIMIT_MAIL_HEADER; i++)
		if (value.p[i] != '\r' && value.p[i] != '\n')
			m->subject[n++] = (char)value.p[i];
	while (n > 0 && space((uint8_t)m->subject[n - 1]))
		n--;
	while (first < n && space((uint8_t)m->subject[first]))
		first++;
	memmove(m->subject, m->subject + first, n - first);
	m->subject[n - first] = '\0';
	for (char *c = m->subject; c < m->subject + n - first; c++)
		if ((uint8_t)*c < ' ' || *c == 0x7f)
			*c = ' ';
}

static void read_headers(struct model *m, struct span in)
{
	size_t n, value;

	for (size_t at = 0; at < in.n; at += n) {
		size_t name = 0;

		n = header_at(in, at, &value);
		if (n == 0)
			return;
		m->header_bytes += n;
		while (in.p[at + name] != ':' && !space(in.p[at + name]))
			name++;
		if (name == 8 && strncasecmp((const char *)in.p + at, "received", 8) == 0)
			m->received++;
		if (name == 7 && strncasecmp((const char *)in.p + at, "subject", 7) == 0 && m->subject[0] == '\0')
			subject(m, span_of(in.p + value, at + n - value));
	}
}

void model_take(struct model *m, enum content_mode mode, struct span in)
{
	m->verdict = CONTENT_MORE;
	m->taken = 0;
	m->received = 0;
	m->header_bytes = 0;
	m->subject[0] = '\0';
	m->long_subject = false;
	buf_clear(&m->bytes);
	if (mode == CONTENT_BINARY) {
		buf_put_span(&m->bytes, in);
		m->taken = in.n;
	} else {
		take_data(m, mode == CONTENT_DATA, in);
	}
	read_headers(m, buf_span(&m->bytes));
}
