/* See out.h. */
#include "client/cli/out.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "proto/limits.h"

#define OUT_BYTES (256 * KIB)

void out_init(struct out *o, int fd)
{
	*o = (struct out){ .fd = fd };
	buf_init(&o->buf);
}

void out_fini(struct out *o)
{
	buf_fini(&o->buf);
}

static bool write_all(struct out *o, const uint8_t *p, size_t n)
{
	while (n > 0 && o->error == 0) {
		ssize_t k = write(o->fd, p, n);

		if (k >= 0) {
			p += k;
			n -= (size_t)k;
		} else if (errno == EAGAIN) { /* somebody made it non-blocking */
			struct pollfd wait = { .fd = o->fd, .events = POLLOUT };

			(void)poll(&wait, 1, -1);
		} else if (errno != EINTR) {
			o->error = errno;
		}
	}
	return o->error == 0;
}

bool out_flush(struct out *o)
{
	bool good = write_all(o, o->buf.p, o->buf.n);

	buf_clear(&o->buf);
	return good;
}

bool out_full(const struct out *o)
{
	return o->buf.n >= OUT_BYTES;
}

void out_put(struct out *o, const void *p, size_t n)
{
	if (n >= OUT_BYTES) {
		out_flush(o);
		write_all(o, p, n);
		return;
	}
	buf_put(&o->buf, p, n);
	if (o->buf.n >= 2 * OUT_BYTES)
		out_flush(o);
}

void out_span(struct out *o, struct span s)
{
	out_put(o, s.p, s.n);
}

void out_byte(struct out *o, uint8_t b)
{
	buf_put_u8(&o->buf, b);
}

void out_format(struct out *o, const char *format, ...)
{
	va_list args, again;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf((char *)buf_room(&o->buf, 256), 256, format, args);
	if (n >= 256)
		(void)vsnprintf((char *)buf_room(&o->buf, (size_t)n + 1), (size_t)n + 1, format, again);
	va_end(again);
	va_end(args);
	must(n >= 0);
	o->buf.n += (size_t)n;
}
