/* See parse.h. */
#include "broker/nsq/parse.h"

#include "base/text.h"

void line_split(struct line *l, struct span text)
{
	const uint8_t *p = text.p, *end = text.p + text.n - 1;

	must(text.n > 0 && *end == '\n');
	l->size = text.n;
	l->n = 0;
	if (end > p && end[-1] == '\r')
		end--;
	for (;;) {
		const uint8_t *blank = memchr(p, ' ', (size_t)(end - p));
		const uint8_t *stop = blank != NULL ? blank : end;

		if (l->n < LINE_WORDS)
			l->word[l->n] = span_of(p, (size_t)(stop - p));
		l->n++;
		if (blank == NULL)
			return;
		p = blank + 1;
	}
}

bool parse_number(struct span text, uint64_t *out)
{
	uint64_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		unsigned int digit = text.p[i] - (unsigned int)'0';

		if (digit > 9)
			return false;
		n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : n * 10 + digit;
	}
	*out = n;
	return true;
}

/* 0x10 = no digit */
static inline unsigned int digit_of(uint8_t c)
{
	unsigned int d = c - (unsigned int)'0', a = c - (unsigned int)'a';

	return d < 10 ? d : a < 6 ? a + 10 : 0x10;
}

bool parse_id(const uint8_t text[ID_DIGITS], uint64_t *id)
{
	unsigned int bad = 0;
	uint64_t n = 0;

	for (int i = 0; i < ID_DIGITS; i++) {
		unsigned int d = digit_of(text[i]);

		bad |= d;
		n = n << 4 | (d & 15);
	}
	*id = n;
	return (bad & 0x10) == 0;
}

static void say_quoted(struct buf *b, struct span s)
{
	static const char named[] = "\a\b\t\n\v\f\r", names[] = "abtnvfr";
	char hex[8];

	buf_put_u8(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		const char *at = c != 0 ? strchr(named, c) : NULL;

		if (at != NULL) {
			buf_put_u8(b, '\\');
			buf_put_u8(b, (uint8_t)names[at - named]);
		} else if (c == '"' || c == '\\') {
			buf_put_u8(b, '\\');
			buf_put_u8(b, c);
		} else if (c < ' ' || c > '~') {
			buf_put(b, hex, text_format(hex, sizeof hex, "\\x%02x", c));
		} else {
			buf_put_u8(b, c);
		}
	}
	buf_put_u8(b, '"');
}

void text_vsay(struct buf *b, const char *format, va_list args)
{
	char digits[24];

	for (const char *p = format; *p != '\0'; p++) {
		if (*p != '%') {
			buf_put_u8(b, (uint8_t)*p);
			continue;
		}
		switch (*++p) {
		case 's':
			buf_put_span(b, span_str(va_arg(args, const char *)));
			break;
		case 'b':
			buf_put_span(b, va_arg(args, struct span));
			break;
		case 'q':
			say_quoted(b, va_arg(args, struct span));
			break;
		case 'd':
			buf_put(b, digits, text_format(digits, sizeof digits, "%lld", va_arg(args, long long)));
			break;
		case 'u':
			buf_put(b, digits,
			        text_format(digits, sizeof digits, "%llu", va_arg(args, unsigned long long)));
			break;
		default:
			must(false);
		}
	}
}

void text_say(struct buf *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_vsay(b, format, args);
	va_end(args);
}
