/* JSON in Go's words; see json_out.h. */
#include "broker/nsq/json_out.h"

#include "base/text.h"

void json_raw(struct buf *b, const char *text)
{
	buf_put(b, text, strlen(text));
}

/* The bytes of the UTF-8 sequence at p; 0 if it is none. */
static size_t sequence(const uint8_t *p, size_t n)
{
	size_t more = p[0] >= 0xf0 ? 3 : p[0] >= 0xe0 ? 2 : 1;
	uint32_t c = p[0] & (0x3fu >> more);

	if (p[0] < 0xc2 || p[0] > 0xf4 || n <= more)
		return 0;
	for (size_t i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if ((more == 2 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) || (more == 3 && (c < 0x10000 || c > 0x10ffff)))
		return 0;
	return more + 1;
}

/* One that stands for more than itself in JSON or, as Go has it, in HTML. */
static void escape(struct buf *b, uint8_t c)
{
	char text[8];

	switch (c) {
	case '"':
		json_raw(b, "\\\"");
		break;
	case '\\':
		json_raw(b, "\\\\");
		break;
	case '\n':
		json_raw(b, "\\n");
		break;
	case '\r':
		json_raw(b, "\\r");
		break;
	case '\t':
		json_raw(b, "\\t");
		break;
	default:
		buf_put(b, text, text_format(text, sizeof text, "\\u%04x", c));
	}
}

void json_text(struct buf *b, struct span s)
{
	buf_put(b, "\"", 1);
	for (size_t i = 0; i < s.n;) {
		uint8_t c = s.p[i];
		size_t n = c < 0x80 ? 1 : sequence(s.p + i, s.n - i);

		if (n == 0)
			json_raw(b, "\\ufffd");
		else if (n == 1 && (c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&'))
			escape(b, c);
		else if (n == 3 && c == 0xe2 && s.p[i + 1] == 0x80 && (s.p[i + 2] & 0xfe) == 0xa8)
			json_raw(b, s.p[i + 2] == 0xa8 ? "\\u2028" : "\\u2029");
		else
			buf_put(b, s.p + i, n);
		i += n > 0 ? n : 1;
	}
	buf_put(b, "\"", 1);
}

void json_number(struct buf *b, uint64_t n)
{
	char text[24];

	buf_put(b, text, text_format(text, sizeof text, "%llu", (unsigned long long)n));
}

void json_bool(struct buf *b, bool v)
{
	json_raw(b, v ? "true" : "false");
}

void json_key(struct buf *b, const char *name)
{
	if (b->n > 0 && b->p[b->n - 1] != '{')
		buf_put(b, ",", 1);
	buf_put(b, "\"", 1);
	json_raw(b, name);
	json_raw(b, "\":");
}

void json_key_text(struct buf *b, const char *name, struct span s)
{
	json_key(b, name);
	json_text(b, s);
}

void json_key_number(struct buf *b, const char *name, uint64_t n)
{
	json_key(b, name);
	json_number(b, n);
}

void json_key_bool(struct buf *b, const char *name, bool v)
{
	json_key(b, name);
	json_bool(b, v);
}
