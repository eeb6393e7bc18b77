/* See trace.h. */
#include "broker/smtp/trace.h"

#include <time.h>

/* Digits of the mail's hash that are its id in Received. */
enum { ID = 16, LINE = 1000 };

static_assert(LIMIT_MAIL_DOMAIN + 256 + LIMIT_MAIL_PATH + CIDR_TEXT + ID + TRACE_DATE + 64 < LINE - 2,
              "Received fits a line (RFC 5322, 2.1.1)");

static void split(uint64_t wall_ms, struct tm *tm)
{
	time_t s = (time_t)(wall_ms / 1000);

	if (gmtime_r(&s, tm) == NULL || tm->tm_year < 0 || tm->tm_year > 9999 - 1900) { /* no such clock */
		memset(tm, 0, sizeof *tm);
		tm->tm_mday = 1;
	}
}

/* Digits by hand, here and below: this is done for each mail, and printf would be most of what a small one costs. */
static char *digits(char *to, unsigned int v, int n)
{
	for (int i = n - 1; i >= 0; i--, v /= 10)
		to[i] = (char)('0' + v % 10);
	return to + n;
}

/* N:N:N */
static char *clock_time(char *to, const struct tm *tm)
{
	to = digits(to, (unsigned int)tm->tm_hour, 2);
	*to++ = ':';
	to = digits(to, (unsigned int)tm->tm_min, 2);
	*to++ = ':';
	return digits(to, (unsigned int)tm->tm_sec, 2);
}

void trace_date(uint64_t wall_ms, char to[TRACE_DATE])
{
	/* not strftime's, whose names are those of a locale */
	static const char days[] = "Sun, Mon, Tue, Wed, Thu, Fri, Sat, ";
	static const char months[] = " Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec ";
	struct tm tm;

	split(wall_ms, &tm);
	memcpy(to, days + 5 * tm.tm_wday, 5);
	to = digits(to + 5, (unsigned int)tm.tm_mday, tm.tm_mday < 10 ? 1 : 2);
	memcpy(to, months + 4 * tm.tm_mon, 5);
	to = digits(to + 5, (unsigned int)tm.tm_year + 1900, 4);
	*to++ = ' ';
	memcpy(clock_time(to, &tm), " +0000", 7);
}

void trace_stamp(uint64_t wall_ms, char to[TRACE_STAMP])
{
	struct tm tm;

	split(wall_ms, &tm);
	to = digits(to, (unsigned int)tm.tm_year + 1900, 4);
	*to++ = '-';
	to = digits(to, (unsigned int)tm.tm_mon + 1, 2);
	*to++ = '-';
	to = digits(to, (unsigned int)tm.tm_mday, 2);
	*to++ = 'T';
	to = clock_time(to, &tm);
	*to++ = '.';
	to = digits(to, (unsigned int)(wall_ms % 1000), 3);
	memcpy(to, "Z", 2);
}

static void put(struct buf *to, const char *text)
{
	buf_put_span(to, span_str(text));
}

/* How it came, by the registry of RFC 3848 and RFC 6531. */
static void put_with(struct buf *to, const struct letter *l)
{
	put(to, l->utf8 ? "UTF8" : l->lmtp ? "" : l->esmtp ? "E" : "");
	put(to, l->lmtp ? "LMTP" : "SMTP");
	put(to, l->tls[0] != 0 ? "S" : "");
	put(to, l->user[0] != 0 ? "A" : "");
}

void trace_put(struct buf *to, const struct letter *l, const char *hostname, const char *hash)
{
	char date[TRACE_DATE];

	trace_date(l->received_ms, date);
	put(to, "Return-Path: <");
	put(to, l->from);
	put(to, ">\r\nReceived: from ");
	put(to, l->helo);
	put(to, " (");
	put(to, l->peer);
	put(to, ") by ");
	put(to, hostname);
	put(to, " (Sheaf) with ");
	put_with(to, l);
	put(to, " id ");
	buf_put(to, hash, ID);
	if (l->n == 1) {
		put(to, " for <");
		put(to, l->rcpts[0].address);
		put(to, ">");
	}
	put(to, "; ");
	put(to, date);
	put(to, "\r\n");
}
