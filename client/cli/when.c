/* See when.h. */
#include "client/cli/when.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

/* A number of just `n` digits, from least to most. */
static bool digits(const char **p, int n, int least, int most, int *out)
{
	int v = 0;

	for (int i = 0; i < n; i++, (*p)++) {
		if (!isdigit((unsigned char)**p))
			return false;
		v = 10 * v + (**p - '0');
	}
	*out = v;
	return v >= least && v <= most;
}

static bool sign(const char **p, const char *any)
{
	if (**p == 0 || strchr(any, **p) == NULL)
		return false;
	(*p)++;
	return true;
}

static bool date_and_time(const char **p, struct tm *t)
{
	return digits(p, 4, 1970, 9999, &t->tm_year) && sign(p, "-") && digits(p, 2, 1, 12, &t->tm_mon) &&
	       sign(p, "-") && digits(p, 2, 1, 31, &t->tm_mday) && sign(p, "Tt ") && digits(p, 2, 0, 23, &t->tm_hour) &&
	       sign(p, ":") && digits(p, 2, 0, 59, &t->tm_min) && sign(p, ":") && digits(p, 2, 0, 60, &t->tm_sec);
}

/* Thousandths of a second; what is finer is left out. */
static bool fraction(const char **p, int *ms)
{
	int n = 0;

	*ms = 0;
	if (**p != '.')
		return true;
	for (++*p; isdigit((unsigned char)**p); ++*p, n++)
		if (n < 3)
			*ms = 10 * *ms + (**p - '0');
	for (int i = n; i < 3; i++)
		*ms *= 10;
	return n > 0;
}

/* Seconds east of Greenwich. */
static bool zone(const char **p, int *east)
{
	bool west = **p == '-';
	int h, m;

	*east = 0;
	if (sign(p, "Zz"))
		return true;
	if (!sign(p, "+-") || !digits(p, 2, 0, 23, &h) || !sign(p, ":") || !digits(p, 2, 0, 59, &m))
		return false;
	*east = (west ? -1 : 1) * (3600 * h + 60 * m);
	return true;
}

bool when_parse(const char *text, uint64_t *ms)
{
	struct tm t = { 0 }, back;
	int thousandths, east, day;
	time_t s;

	if (!date_and_time(&text, &t) || !fraction(&text, &thousandths) || !zone(&text, &east) || *text != 0)
		return false;
	t.tm_year -= 1900;
	t.tm_mon--;
	day = t.tm_mday;
	s = timegm(&t);
	if (s < 0 || gmtime_r(&s, &back) == NULL || (back.tm_mday != day && t.tm_sec < 60))
		return false; /* February has no 30th */
	s -= east;
	if (s < 0)
		return false;
	*ms = (uint64_t)s * 1000 + (uint64_t)thousandths;
	return true;
}
