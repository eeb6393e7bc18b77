/* The rules for names and headers; see codec.h. Letters are ASCII, whatever the locale. */
#include "proto/codec.h"

static bool lower_or_digit(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool header_name_byte(uint8_t c)
{
	return lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

bool name_queue_ok(struct span s)
{
	if (s.n == 0 || s.n > LIMIT_QUEUE_NAME || !lower_or_digit(s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!lower_or_digit(s.p[i]) && s.p[i] != '.' && s.p[i] != '_' && s.p[i] != '-')
			return false;
	return true;
}

bool name_worker_ok(struct span s)
{
	if (s.n == 0 || s.n > LIMIT_NAME)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == ',')
			return false;
	return true;
}

static const char ephemeral[] = "#ephemeral";

bool name_ephemeral(struct span s)
{
	size_t n = sizeof ephemeral - 1;

	return s.n > n && memcmp(s.p + s.n - n, ephemeral, n) == 0;
}

bool name_topic_ok(struct span s)
{
	size_t n = name_ephemeral(s) ? s.n - (sizeof ephemeral - 1) : s.n;

	if (n == 0 || s.n > LIMIT_NAME)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!header_name_byte(s.p[i]) && s.p[i] != '.')
			return false;
	return true;
}

bool headers_ok(struct span s)
{
	size_t at = 0;

	if (s.n > LIMIT_HEADER_BYTES)
		return false;
	for (unsigned int count = 0; at < s.n; count++) {
		const uint8_t *end = memchr(s.p + at, 0, s.n - at);
		size_t name = at;

		if (count == LIMIT_HEADERS || end == NULL)
			return false;
		while (header_name_byte(s.p[at]))
			at++;
		if (at == name || at - name > LIMIT_NAME || s.p[at] != '=')
			return false;
		at = (size_t)(end - s.p) + 1;
	}
	return true;
}
