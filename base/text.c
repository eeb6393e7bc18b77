/* See text.h. */
#include "base/text.h"

#include <stdio.h>

#include "base/must.h"

size_t text_vformat(char *out, size_t n, const char *format, va_list args)
{
	int m = vsnprintf(out, n, format, args);

	must(n > 0 && m >= 0);
	return (size_t)m < n ? (size_t)m : n - 1;
}

size_t text_format(char *out, size_t n, const char *format, ...)
{
	va_list args;
	size_t m;

	va_start(args, format);
	m = text_vformat(out, n, format, args);
	va_end(args);
	return m;
}

size_t text_fit(const char *text, size_t columns)
{
	size_t n = 0, blank = 0, seen = 0;

	for (; text[n] != '\0'; n++) {
		if ((text[n] & 0xc0) == 0x80) /* goes on with a character of UTF-8 */
			continue;
		if (seen++ == columns)
			return text[n] == ' ' || blank == 0 ? n : blank;
		if (text[n] == ' ')
			blank = n;
	}
	return n;
}
