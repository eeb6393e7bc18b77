/* RE2's words in POSIX's; see auth_regex.h. */
#include "broker/nsq/auth_regex.h"

#include "base/buf.h"

enum { MOST_REPEATS = 1000 };

struct scan {
	const uint8_t *p, *end;
	struct buf out;
	uint64_t repeats; /* the counts, multiplied */
};

static void put(struct scan *s, const char *text)
{
	buf_put(&s->out, text, strlen(text));
}

static bool is_letter_or_digit(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Behind a backslash, outside of brackets. */
static bool escape(struct scan *s)
{
	uint8_t c;

	if (s->p == s->end)
		return false;
	c = *s->p++;
	switch (c) {
	case 'd':
		put(s, "[0-9]");
		return true;
	case 'D':
		put(s, "[^0-9]");
		return true;
	case 'A':
		put(s, "^");
		return true;
	case 'z':
		put(s, "$");
		return true;
	case 'w':
	case 'W':
	case 's':
	case 'S':
	case 'b':
	case 'B':
		break; /* glibc's are the same */
	default:
		/* glibc gives a meaning of its own to ` ' < > */
		if (is_letter_or_digit(c) || c == '`' || c == '\'' || c == '<' || c == '>' || c >= 0x80)
			return false;
	}
	put(s, "\\");
	buf_put(&s->out, &c, 1);
	return true;
}

/* Behind a backslash, within brackets; there POSIX has no escapes. */
static bool bracket_escape(struct scan *s, bool *dash)
{
	uint8_t c;

	if (s->p == s->end)
		return false;
	c = *s->p++;
	if (c == 'd')
		put(s, "0-9");
	else if (c == 'w')
		put(s, "a-zA-Z0-9_");
	else if (c == 's')
		put(s, "[:space:]");
	else if (c == '-')
		*dash = true;
	else if (is_letter_or_digit(c) || c == ']' || c == '^' || c == '[' || c >= 0x80)
		return false;
	else
		buf_put(&s->out, &c, 1);
	return true;
}

/* Behind [. */
static bool bracket(struct scan *s)
{
	const uint8_t *first;
	bool dash = false;

	put(s, "[");
	if (s->p < s->end && *s->p == '^') {
		put(s, "^");
		s->p++;
	}
	for (first = s->p; s->p < s->end;) {
		uint8_t c = *s->p++;

		if (c == ']' && s->p - 1 != first) {
			put(s, dash ? "-]" : "]"); /* a literal - stands last */
			return true;
		}
		if (c == '\\') {
			if (!bracket_escape(s, &dash))
				return false;
		} else if (c == '[' && s->p < s->end && (*s->p == '.' || *s->p == '=')) {
			return false; /* POSIX's alone */
		} else {
			buf_put(&s->out, &c, 1);
		}
	}
	return false;
}

/* Behind {: n} n,} n,m}, or in RE2 a brace like any other letter. */
static bool counted(struct scan *s)
{
	uint64_t n = 0, most = 0;
	const uint8_t *p = s->p;

	for (; p < s->end && *p != '}'; p++) {
		if (*p == ',')
			n = 0;
		else if (*p >= '0' && *p <= '9' && n <= MOST_REPEATS)
			n = n * 10 + (uint64_t)(*p - '0');
		else
			return false;
		most = n > most ? n : most;
	}
	if (p == s->end || p == s->p)
		return false;
	s->repeats *= most > 0 ? most : 1;
	put(s, "{");
	buf_put(&s->out, s->p, (size_t)(p + 1 - s->p));
	s->p = p + 1;
	return s->repeats <= MOST_REPEATS;
}

static bool step(struct scan *s)
{
	uint8_t c = *s->p++;

	switch (c) {
	case '\\':
		return escape(s);
	case '[':
		return bracket(s);
	case '(':
		put(s, "(");
		if (s->p == s->end || *s->p != '?')
			return true;
		if (s->end - s->p < 2 || s->p[1] != ':')
			return false;
		s->p += 2;
		return true;
	case '{':
		if (!counted(s))
			return false;
		break;
	case '*':
	case '+':
	case '?':
		buf_put(&s->out, &c, 1);
		break;
	case 0:
		return false;
	default:
		buf_put(&s->out, &c, 1);
		return true;
	}
	/* behind a repeat: ? would make it non-greedy, which matches the same names; another repeat is an error */
	if (s->p < s->end && *s->p == '?')
		s->p++;
	return s->p == s->end || (*s->p != '*' && *s->p != '+' && *s->p != '?' && *s->p != '{');
}

bool auth_regex(regex_t *out, struct span pattern)
{
	struct scan s = { .p = pattern.p, .end = pattern.p + pattern.n, .repeats = 1 };
	bool good = pattern.n <= LIMIT_REGEX;

	if (!good)
		return false;
	buf_init(&s.out);
	while (good && s.p < s.end)
		good = step(&s);
	buf_put(&s.out, "", 1);
	good = good && regcomp(out, (const char *)s.out.p, REG_EXTENDED | REG_NOSUB) == 0;
	buf_fini(&s.out);
	return good;
}
