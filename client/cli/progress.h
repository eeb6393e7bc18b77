/* The line of progress on a terminal's stderr, redrawn at most five times a second. */
#ifndef SHEAF_CLI_PROGRESS_H
#define SHEAF_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool on;    /* stderr is a terminal and nobody wants quiet */
	bool drawn; /* a line stands there */
	uint64_t begun_ms;
	uint64_t drawn_ms;
	uint64_t before; /* done at the last time */
	double rate;     /* jobs per second, smoothed */
};

/* How far things are. */
struct progress_state {
	uint64_t done;
	uint64_t failed;
	uint64_t in_flight;
	uint64_t taken;   /* bytes of the input */
	uint64_t size;    /* of all of it; 0 = unknown */
	uint64_t telling; /* jobs that run and say how far they are, */
	uint64_t percent; /* and how far they are in the mean */
};

void progress_init(struct progress *p, bool quiet);
/* Draws it if it is time to, or `now`. */
void progress_draw(struct progress *p, const struct progress_state *s, bool now);
/* Takes the line away, so that something else can be written. */
void progress_clear(struct progress *p);
/* The line, without escapes; for tests. Returns out. */
const char *progress_line(const struct progress *p, const struct progress_state *s, uint64_t now_ms, char out[160]);

#endif
