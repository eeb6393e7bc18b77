/* See records.h. */
#include "client/cli/records.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/must.h"
#include "proto/limits.h"

enum { RECORDS_READ = MIB };

void records_init(struct records *r, int fd, uint8_t terminator, size_t most)
{
	struct stat st;
	off_t at;

	*r = (struct records){ .fd = fd, .terminator = terminator, .most = most, .cap = RECORDS_READ };
	r->p = malloc(r->cap);
	must(r->p);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		r->regular = true;
		at = lseek(fd, 0, SEEK_CUR);
		if (at >= 0 && st.st_size > at)
			r->size = (uint64_t)(st.st_size - at);
	}
}

void records_fini(struct records *r)
{
	free(r->p);
	r->p = NULL;
}

/* Makes room behind `to`: moves what is left to the front, and grows when one record fills it all. */
static void make_room(struct records *r)
{
	size_t left = r->to - r->from;

	if (r->from > 0) {
		memmove(r->p, r->p + r->from, left);
		r->looked -= r->from;
		r->from = 0;
		r->to = left;
	}
	if (r->to < r->cap)
		return;
	r->cap *= 2;
	r->p = realloc(r->p, r->cap);
	must(r->p);
}

/* Reads more. RECORDS_ONE: there is something new to look at. */
static enum records_got more(struct records *r, bool wait)
{
	struct pollfd input = { .fd = r->fd, .events = POLLIN };
	ssize_t n;

	if (!wait && !r->regular && poll(&input, 1, 0) <= 0)
		return RECORDS_WAIT;
	make_room(r);
	n = read(r->fd, r->p + r->to, r->cap - r->to);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return RECORDS_WAIT;
	if (n < 0) {
		r->error = errno;
		return RECORDS_FAILED;
	}
	if (n == 0)
		r->ended = true;
	r->to += (size_t)n;
	return RECORDS_ONE;
}

static enum records_got hand_out(struct records *r, size_t n, size_t with_terminator, struct span *record)
{
	if (n > r->most)
		return RECORDS_TOO_LONG;
	*record = span_of(r->p + r->from, n);
	r->from += with_terminator;
	r->looked = r->from;
	r->taken += with_terminator;
	return RECORDS_ONE;
}

enum records_got records_next(struct records *r, bool wait, struct span *record)
{
	for (;;) {
		const uint8_t *end = memchr(r->p + r->looked, r->terminator, r->to - r->looked);
		enum records_got got;

		if (end) {
			size_t n = (size_t)(end - r->p) - r->from;

			return hand_out(r, n, n + 1, record);
		}
		r->looked = r->to;
		if (r->to - r->from > r->most)
			return RECORDS_TOO_LONG;
		if (r->ended && r->to == r->from)
			return RECORDS_END;
		if (r->ended)
			return hand_out(r, r->to - r->from, r->to - r->from, record);
		got = more(r, wait);
		if (got != RECORDS_ONE)
			return got;
	}
}

void records_wait(const struct records *r, uint64_t ms)
{
	struct pollfd input = { .fd = r->fd, .events = POLLIN };

	(void)poll(&input, 1, ms < INT_MAX ? (int)ms : INT_MAX);
}
