/* See report.h. */
#include "worker/report.h"

/* Bytes of the UTF-8 character at the beginning, 0 if there is none; no surrogates, nothing longer than needed. */
static size_t character(const uint8_t *p, size_t n)
{
	size_t length = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (length > n)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] >= 0x90))
		return 0;
	return length;
}

uint32_t report_text(struct span bytes, char out[LIMIT_PROGRESS_TEXT])
{
	uint32_t n = 0;

	for (size_t i = 0; i < bytes.n;) {
		size_t length = character(bytes.p + i, bytes.n - i);

		if (n + (length > 1 ? length : 1) > LIMIT_PROGRESS_TEXT)
			break;
		if (length == 0 || bytes.p[i] < 0x20 || bytes.p[i] == 0x7f) {
			out[n++] = length == 0 ? '?' : ' ';
			i++;
			continue;
		}
		memcpy(out + n, bytes.p + i, length);
		n += (uint32_t)length;
		i += length;
	}
	return n;
}

static struct span trim(struct span s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

bool report_parse(struct span line, struct report *r)
{
	struct span word = trim(line), rest;
	uint32_t percent = 0;
	size_t digits = 0;

	while (digits < word.n && word.p[digits] != ' ' && word.p[digits] != '\t')
		digits++;
	rest = trim(span_of(word.p + digits, word.n - digits));
	word.n = digits;
	r->percent = PERCENT_UNKNOWN;
	r->n = 0;
	if (span_eq(word, span_str("touch")))
		return rest.n == 0;
	if (!span_eq(word, span_str("-"))) {
		if (word.n > 1 && word.p[word.n - 1] == '%')
			word.n--;
		if (word.n == 0 || word.n > 3)
			return false;
		for (size_t i = 0; i < word.n; i++) {
			if (word.p[i] < '0' || word.p[i] > '9')
				return false;
			percent = 10 * percent + (uint32_t)(word.p[i] - '0');
		}
		if (percent > 100)
			return false;
		r->percent = percent;
	} else if (rest.n == 0) {
		return false;
	}
	r->n = report_text(rest, r->text);
	return true;
}
