/* See trace.h. */
#include "broker/smtp/trace.h"

#include <time.h>

#include "base/text.h"

/* Digits of the mail's hash that are its id in Received. */
enum { ID = 16, LINE = 1000 };

static_assert(LIMIT_MAIL_DOMAIN + 256 + LIMIT_MAIL_PATH + CIDR_TEXT + ID + TRACE_DATE + 64 < LINE - 2,
              "Received fits a line (RFC 5322, 2.1.1)");

static void split(uint64_t wall_ms, struct tm *tm)
{
	time_t s = (time_t)(wall_ms / 1000);

	if (gmtime_r(&s, tm) == NULL) { /* a year beyond what int holds */
		memset(tm, 0, sizeof *tm);
		tm->tm_mday = 1;
	}
}

void trace_date(uint64_t wall_ms, char to[TRACE_DATE])
{
	/* not strftime's, whose names are those of a locale */
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm;

	split(wall_ms, &tm);
	text_format(to, TRACE_DATE, "%.3s, %d %.3s %04d %02d:%02d:%02d +0000", days + 3 * tm.tm_wday, tm.tm_mday,
	            months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void trace_stamp(uint64_t wall_ms, char to[TRACE_STAMP])
{
	struct tm tm;

	split(wall_ms, &tm);
	text_format(to, TRACE_STAMP, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
	            tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(wall_ms % 1000));
}

/* How it came, by the registry of RFC 3848 and RFC 6531. */
static void with(const struct letter *l, char to[16])
{
	const char *base = l->lmtp ? "LMTP" : l->esmtp ? "ESMTP" : "SMTP";

	if (l->utf8)
		base = l->lmtp ? "UTF8LMTP" : "UTF8SMTP";
	text_format(to, 16, "%s%s%s", base, l->tls[0] != 0 ? "S" : "", l->user[0] != 0 ? "A" : "");
}

void trace_put(struct buf *to, const struct letter *l, const char *hostname, const char *hash)
{
	char date[TRACE_DATE], how[16], *at;
	bool one = l->n == 1;

	trace_date(l->received_ms, date);
	with(l, how);
	at = (char *)buf_room(to, LIMIT_MAIL_PATH + 32 + LINE);
	to->n += text_format(at, LIMIT_MAIL_PATH + 32, "Return-Path: <%s>\r\n", l->from);
	at = (char *)to->p + to->n;
	to->n += text_format(at, LINE, "Received: from %s (%s) by %s (Sheaf) with %s id %.*s%s%s%s; %s\r\n", l->helo,
	                     l->peer, hostname, how, ID, hash, one ? " for <" : "", one ? l->rcpts[0].address : "",
	                     one ? ">" : "", date);
}
