/* See progress.h. */
#include "client/cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/units.h"
#include "client/cli/show.h"

enum { REDRAW_MS = 200 };

void progress_init(struct progress *p, bool quiet)
{
	*p = (struct progress){ .on = !quiet && isatty(STDERR_FILENO), .begun_ms = clock_mono_ms() };
	p->drawn_ms = p->begun_ms;
}

const char *progress_line(const struct progress *p, const struct progress_state *s, uint64_t now_ms, char out[160])
{
	char done[32], failed[32], flight[32], rate[32], left[24];
	uint64_t spent = now_ms - p->begun_ms;
	int n;

	n = snprintf(out, 160, "%s done, %s failed, %s in flight, %s/s", show_count(s->done, done),
	             show_count(s->failed, failed), show_count(s->in_flight, flight),
	             show_count((uint64_t)(p->rate + 0.5), rate));
	if (s->telling && n > 0 && n < 160)
		n += snprintf(out + n, 160 - (size_t)n, ", %s at %u%%", show_count(s->telling, done),
		              (unsigned int)s->percent);
	if (s->size && s->taken && s->taken <= s->size && n > 0 && n < 160) {
		double eta = (double)spent * (double)(s->size - s->taken) / (double)s->taken;

		snprintf(out + n, 160 - (size_t)n, ", %u%%, ETA %s", (unsigned int)(100 * s->taken / s->size),
		         units_show_duration(eta < 1e15 ? (uint64_t)eta / 1000 * 1000 : 0, left));
	}
	return out;
}

void progress_draw(struct progress *p, const struct progress_state *s, bool now)
{
	uint64_t now_ms, ended = s->done + s->failed;
	char line[160];
	double rate;

	if (!p->on)
		return;
	now_ms = clock_mono_ms();
	if (now_ms - p->drawn_ms < REDRAW_MS && !now)
		return;
	if (now_ms > p->drawn_ms) {
		rate = (double)(ended - p->before) * 1000 / (double)(now_ms - p->drawn_ms);
		p->rate = p->rate > 0 ? 0.7 * p->rate + 0.3 * rate : rate;
	}
	p->before = ended;
	p->drawn_ms = now_ms;
	fprintf(stderr, "\r%s\033[K", progress_line(p, s, now_ms, line));
	p->drawn = true;
}

void progress_clear(struct progress *p)
{
	if (!p->drawn)
		return;
	fprintf(stderr, "\r\033[K");
	p->drawn = false;
}
