/* See lines.h. */
#include "worker/lines.h"

#include <errno.h>
#include <unistd.h>

enum { READ_BYTES = 64 << 10, KEEP_BYTES = 256 << 10 };

void lines_init(struct lines *l, size_t most)
{
	*l = (struct lines){ .most = most };
}

void lines_fini(struct lines *l)
{
	buf_fini(&l->b);
}

void lines_clear(struct lines *l)
{
	if (l->b.cap > KEEP_BYTES)
		buf_fini(&l->b);
	buf_clear(&l->b);
	l->taken = l->seen = 0;
	l->passing = false;
}

/* What was handed out makes room. */
static void settle(struct lines *l)
{
	if (l->taken == 0)
		return;
	memmove(l->b.p, l->b.p + l->taken, l->b.n - l->taken);
	l->b.n -= l->taken;
	l->seen -= l->taken;
	l->taken = 0;
	if (l->b.n == 0 && l->b.cap > KEEP_BYTES)
		buf_fini(&l->b);
}

bool lines_read(struct lines *l, int fd)
{
	ssize_t n;

	settle(l);
	n = read(fd, buf_room(&l->b, READ_BYTES), READ_BYTES);
	if (n > 0)
		l->b.n += (size_t)n;
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

void lines_put(struct lines *l, struct span bytes)
{
	settle(l);
	buf_put_span(&l->b, bytes);
}

enum line lines_next(struct lines *l, struct span *line)
{
	uint8_t *begin, *end;
	bool passed;

	for (;;) {
		end = l->b.n > l->seen ? memchr(l->b.p + l->seen, '\n', l->b.n - l->seen) : NULL;
		if (end == NULL)
			break;
		begin = l->b.p + l->taken;
		l->taken = l->seen = (size_t)(end - l->b.p) + 1;
		passed = l->passing;
		l->passing = false;
		if (passed)
			continue;
		if ((size_t)(end - begin) > l->most)
			return LINE_TOO_LONG;
		if (end > begin && end[-1] == '\r')
			end--;
		*line = span_of(begin, (size_t)(end - begin));
		return LINE_WHOLE;
	}
	l->seen = l->b.n;
	if (!l->passing && l->b.n - l->taken <= l->most)
		return LINE_NONE;
	passed = l->passing;
	l->passing = true;
	l->taken = l->seen;
	return passed ? LINE_NONE : LINE_TOO_LONG;
}
