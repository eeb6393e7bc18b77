/* See command.h. */
#include "broker/smtp/command.h"

static uint8_t upper(uint8_t c)
{
	return c >= 'a' && c <= 'z' ? (uint8_t)(c - 32) : c;
}

static bool blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

bool smtp_is(struct span s, const char *word)
{
	for (size_t i = 0; i < s.n; i++)
		if (word[i] == '\0' || upper(s.p[i]) != (uint8_t)word[i])
			return false;
	return word[s.n] == '\0';
}

static struct span skip_blanks(struct span s)
{
	while (s.n > 0 && blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	return s;
}

static struct span split(struct span *rest)
{
	struct span word = *rest;
	size_t n = 0;

	while (n < word.n && !blank(word.p[n]))
		n++;
	word.n = n;
	*rest = span_of(rest->p + n, rest->n - n);
	return word;
}

struct span smtp_word(struct span *rest)
{
	struct span word = split(rest);

	*rest = skip_blanks(*rest);
	return word;
}

#define CODE(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

static enum smtp_verb verb_of_four(const uint8_t *p)
{
	switch (CODE(upper(p[0]), upper(p[1]), upper(p[2]), upper(p[3]))) {
	case CODE('H', 'E', 'L', 'O'):
		return VERB_HELO;
	case CODE('E', 'H', 'L', 'O'):
		return VERB_EHLO;
	case CODE('L', 'H', 'L', 'O'):
		return VERB_LHLO;
	case CODE('M', 'A', 'I', 'L'):
		return VERB_MAIL;
	case CODE('R', 'C', 'P', 'T'):
		return VERB_RCPT;
	case CODE('D', 'A', 'T', 'A'):
		return VERB_DATA;
	case CODE('B', 'D', 'A', 'T'):
		return VERB_BDAT;
	case CODE('R', 'S', 'E', 'T'):
		return VERB_RSET;
	case CODE('N', 'O', 'O', 'P'):
		return VERB_NOOP;
	case CODE('V', 'R', 'F', 'Y'):
		return VERB_VRFY;
	case CODE('E', 'X', 'P', 'N'):
		return VERB_EXPN;
	case CODE('H', 'E', 'L', 'P'):
		return VERB_HELP;
	case CODE('Q', 'U', 'I', 'T'):
		return VERB_QUIT;
	case CODE('A', 'U', 'T', 'H'):
		return VERB_AUTH;
	case CODE('P', 'O', 'S', 'T'):
	case CODE('H', 'E', 'A', 'D'):
		return VERB_HTTP;
	default:
		return VERB_UNKNOWN;
	}
}

enum smtp_verb smtp_verb(struct span line, struct span *argument)
{
	static const char *const http[] = { "GET", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PATCH", "PRI" };
	struct span word = split(&line);

	*argument = skip_blanks(line);
	while (argument->n > 0 && blank(argument->p[argument->n - 1]))
		argument->n--;
	if (word.n == 4)
		return verb_of_four(word.p);
	if (smtp_is(word, "STARTTLS"))
		return VERB_STARTTLS;
	if (smtp_is(word, "PROXY"))
		return VERB_PROXY;
	for (size_t i = 0; i < sizeof http / sizeof http[0]; i++)
		if (smtp_is(word, http[i]))
			return VERB_HTTP;
	return VERB_UNKNOWN;
}

bool smtp_after(struct span *rest, const char *word)
{
	size_t n = strlen(word);

	if (rest->n < n || !smtp_is(span_of(rest->p, n), word))
		return false;
	*rest = skip_blanks(span_of(rest->p + n, rest->n - n));
	return true;
}

static bool alnum(uint8_t c)
{
	return (upper(c) >= 'A' && upper(c) <= 'Z') || (c >= '0' && c <= '9');
}

static bool name_ok(struct span s)
{
	if (s.n == 0 || s.p[0] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!alnum(s.p[i]) && s.p[i] != '-')
			return false;
	return true;
}

static bool value_ok(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] == '=' || s.p[i] == 127)
			return false;
	return s.n > 0;
}

enum smtp_parameter_kind smtp_parameter(struct span *rest, struct smtp_parameter *p)
{
	struct span word = skip_blanks(*rest);
	const uint8_t *equals;

	if (word.n == 0)
		return PARAMETER_END;
	if (word.n == rest->n)
		return PARAMETER_BAD; /* no blank before it */
	*rest = word;
	word = split(rest);
	equals = memchr(word.p, '=', word.n);
	p->name = span_of(word.p, equals != NULL ? (size_t)(equals - word.p) : word.n);
	p->value = equals != NULL ? span_of(equals + 1, word.n - p->name.n - 1) : span_of(NULL, 0);
	return name_ok(p->name) && (equals == NULL || value_ok(p->value)) ? PARAMETER_THERE : PARAMETER_BAD;
}

bool smtp_number(struct span s, uint64_t *v)
{
	*v = 0;
	for (size_t i = 0; i < s.n; i++) {
		uint64_t digit = (uint64_t)s.p[i] - '0';

		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		*v = *v > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *v * 10 + digit;
	}
	return s.n > 0;
}

static bool hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

bool smtp_xtext(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] <= ' ' || s.p[i] >= 127 || s.p[i] == '=')
			return false;
		if (s.p[i] == '+' && (s.n - i < 3 || !hex(s.p[i + 1]) || !hex(s.p[i + 2])))
			return false;
	}
	return s.n > 0;
}
