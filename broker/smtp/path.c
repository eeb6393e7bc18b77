/* See path.h. */
#include "broker/smtp/path.h"

#include <strings.h>

#include "base/json.h"
#include "base/text.h"
#include "broker/smtp/cidr.h"

struct reader {
	struct span in;
	size_t at;
	bool too_long;
	const char *why;
};

static int peek(const struct reader *r)
{
	return r->at < r->in.n ? r->in.p[r->at] : -1;
}

static bool fault(struct reader *r, const char *why)
{
	r->why = why;
	return false;
}

static bool too_long(struct reader *r, const char *why)
{
	r->too_long = true;
	return fault(r, why);
}

static bool letter_or_digit(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Bytes above 127 are looked at together, at the end. Dots may stand anywhere: there are addresses like that, and what
 * is no queue's name is none here in any case. */
static bool of_atom(int c)
{
	return letter_or_digit(c) || c >= 0x80 || (c > 0 && strchr(".!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool of_domain(int c)
{
	return letter_or_digit(c) || c >= 0x80 || c == '-' || c == '_';
}

/* Labels with dots between them; to the first byte that is none of theirs. */
static bool labels(struct reader *r)
{
	do {
		size_t from = r->at;

		while (of_domain(peek(r)))
			r->at++;
		if (r->at == from)
			return fault(r, "a domain is labels of letters, digits, - and _ with dots between them");
	} while (peek(r) == '.' && ++r->at > 0);
	return true;
}

/* "[127.0.0.1]", "[IPv6:::1]". As it is shown, so that two that mean the same are the same. */
static bool literal(struct reader *r, struct path *p)
{
	static const char tag[] = "IPv6:";
	size_t from = r->at + 1, tag_n = sizeof tag - 1;
	struct cidr_address a;
	struct span text;
	char shown[CIDR_TEXT];
	bool six;

	while (peek(r) >= 0 && peek(r) != ']' && peek(r) != '>')
		r->at++;
	text = span_of(r->in.p + from, r->at - from);
	six = text.n > tag_n && strncasecmp((const char *)text.p, tag, tag_n) == 0;
	if (six)
		text = span_of(text.p + tag_n, text.n - tag_n);
	if (peek(r) != ']' || !cidr_read_address(text, &a) || (memchr(text.p, ':', text.n) != NULL) != six)
		return fault(r, "an address literal is [IPv4] or [IPv6:address]");
	r->at++;
	text_format(p->domain, sizeof p->domain, "[%s%s]", a.family == 6 ? "ipv6:" : "", cidr_show(&a, shown));
	return true;
}

static bool domain(struct reader *r, struct path *p)
{
	size_t from = r->at, n;

	if (peek(r) == '[')
		return literal(r, p);
	if (!labels(r))
		return false;
	n = r->at - from;
	if (n > LIMIT_MAIL_DOMAIN)
		return too_long(r, "a domain has at most 255 bytes");
	for (size_t i = 0; i < n; i++) {
		char c = (char)r->in.p[from + i];

		p->domain[i] = c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
	}
	p->domain[n] = '\0';
	return true;
}

/* "@one,@two:" says which hosts it is to pass by; nobody does that any more (RFC 5321, appendix C). */
static bool route(struct reader *r)
{
	struct path ignored;

	while (peek(r) == '@') {
		r->at++;
		if (!domain(r, &ignored))
			return false;
		if (peek(r) == ':') {
			r->at++;
			return true;
		}
		if (peek(r) != ',')
			break;
		r->at++;
	}
	return fault(r, "a source route is @domain,@domain: and then the address");
}

static bool put_local(struct reader *r, struct path *p, int c)
{
	if (p->local_n == LIMIT_MAIL_LOCAL)
		return too_long(r, "a local part has at most 64 bytes");
	p->local[p->local_n++] = (char)c;
	return true;
}

static bool quoted(struct reader *r, struct path *p)
{
	p->quoted = true;
	for (r->at++; peek(r) != '"'; r->at++) {
		if (peek(r) == '\\') {
			r->at++;
			if (peek(r) >= 0x7f)
				return fault(r, "behind \\ stands a printable ASCII character");
		}
		if (peek(r) < ' ' || peek(r) == 0x7f)
			return fault(r, "a quoted local part has printable characters and ends with \"");
		if (!put_local(r, p, peek(r)))
			return false;
	}
	r->at++;
	return true;
}

static bool local(struct reader *r, struct path *p)
{
	size_t from = r->at;

	if (peek(r) == '"') {
		if (!quoted(r, p))
			return false;
	} else {
		for (; of_atom(peek(r)); r->at++)
			if (!put_local(r, p, peek(r)))
				return false;
	}
	p->local[p->local_n] = '\0';
	if (r->at == from)
		return fault(r, "an address is <local@domain>");
	if (r->at - from > LIMIT_MAIL_LOCAL)
		return too_long(r, "a local part has at most 64 bytes, its quotes included");
	return true;
}

static bool mailbox(struct reader *r, struct path *p)
{
	if (!local(r, p))
		return false;
	if (peek(r) == '@') {
		r->at++;
		return domain(r, p);
	}
	if (p->quoted || strcasecmp(p->local, "postmaster") != 0)
		return fault(r, "an address is <local@domain>");
	return true;
}

static bool read_path(struct reader *r, struct path *p)
{
	size_t from;

	if (peek(r) != '<')
		return fault(r, "an address stands in < and >");
	r->at++;
	if (peek(r) == '@' && !route(r))
		return false;
	from = r->at;
	if ((from > 1 || peek(r) != '>') && !mailbox(r, p))
		return false;
	if (peek(r) != '>')
		return fault(r, "an address is <local@domain>, with quotes around what is not letters, digits and "
		                "!#$%&'*+-/=?^_`{|}~.");
	if (r->at + 1 > LIMIT_MAIL_PATH)
		return too_long(r, "an address has at most 256 bytes, its < and > included");
	memcpy(p->text, r->in.p + from, r->at - from);
	p->text[r->at - from] = '\0';
	for (size_t i = 0; i < r->at - from; i++)
		p->utf8 = p->utf8 || p->text[i] < 0;
	if (p->utf8 && !json_utf8(span_of(p->text, r->at - from)))
		return fault(r, "what is not ASCII in an address is UTF-8");
	r->at++;
	return true;
}

enum path_fault path_read(struct span *rest, struct path *p, const char **why)
{
	struct reader r = { .in = *rest };

	p->text[0] = p->local[0] = p->domain[0] = '\0';
	p->local_n = 0;
	p->utf8 = p->quoted = false;
	if (!read_path(&r, p)) {
		*why = r.why;
		return r.too_long ? PATH_TOO_LONG : PATH_SYNTAX;
	}
	*rest = span_of(rest->p + r.at, rest->n - r.at);
	return PATH_FINE;
}

bool path_domain_ok(struct span text)
{
	struct reader r = { .in = text };

	if (text.n == 0 || text.n > LIMIT_MAIL_DOMAIN)
		return false;
	if (text.p[0] == '[') {
		for (size_t i = 1; i + 1 < text.n; i++)
			if (text.p[i] <= ' ' || text.p[i] >= 0x7f || strchr("[]\\", text.p[i]) != NULL)
				return false;
		return text.n > 2 && text.p[text.n - 1] == ']';
	}
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] >= 0x80)
			return false;
	return labels(&r) && r.at == text.n;
}
