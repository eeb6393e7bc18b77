/* See nsq_report.h. */
#include "bench/nsq_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

enum { WIDTH = 24 };

static void name_of(struct report *r, const char *name)
{
	if (r->json) {
		printf("%s\"%s\": ", r->first ? "{" : ", ", name);
	} else {
		char shown[64];
		size_t n = 0;

		for (; name[n] && n < sizeof shown - 1; n++)
			shown[n] = name[n] == '_' ? ' ' : name[n];
		shown[n] = 0;
		printf("  %-*s ", WIDTH, shown);
	}
	r->first = false;
}

void report_begin(struct report *r, const struct load_options *o)
{
	*r = (struct report){ .json = o->json, .first = true };
	if (r->json) {
		name_of(r, "mode");
		printf("\"%s\"", o->mode);
	} else {
		printf("%s, %s:%s, topic %s\n", o->mode, o->host, o->port, o->topic);
	}
}

/* 1234567 as 1,234,567. */
static const char *grouped(uint64_t v, char out[32])
{
	char digits[24];
	int n = snprintf(digits, sizeof digits, "%" PRIu64, v), at = 0;

	for (int i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = digits[i];
	}
	out[at] = 0;
	return out;
}

void report_count(struct report *r, const char *name, uint64_t value)
{
	char text[32];

	name_of(r, name);
	if (r->json)
		printf("%" PRIu64, value);
	else
		printf("%14s\n", grouped(value, text));
}

void report_number(struct report *r, const char *name, double value)
{
	name_of(r, name);
	printf(r->json ? "%.3f" : "%14.2f\n", value);
}

void report_times(struct report *r, const char *name, const struct hist *h)
{
	static const struct {
		const char *name;
		double share;
	} parts[] = { { "p50", 0.5 }, { "p99", 0.99 }, { "p999", 0.999 }, { "most", 1 } };
	char full[64];

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		snprintf(full, sizeof full, "%s_%s_us", name, parts[i].name);
		report_count(r, full, hist_percentile(h, parts[i].share));
	}
}

void report_end(struct report *r)
{
	if (r->json)
		puts("}");
	fflush(stdout);
}

double report_cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}
