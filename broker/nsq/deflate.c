/* See deflate.h. */
#include "broker/nsq/deflate.h"

#include <stdlib.h>
#include <zlib.h>

enum {
	WINDOW = -15, /* the largest, and negative: without zlib's head and checksum */
	MEMORY = 8,
	ROOM = 16384
};

struct deflate {
	z_stream in, out;
};

struct deflate *deflate_new(int level)
{
	struct deflate *d = calloc(1, sizeof *d);

	must(d != NULL);
	/* nothing but a wrong argument or no memory makes these fail */
	must(deflateInit2(&d->out, level, Z_DEFLATED, WINDOW, MEMORY, Z_DEFAULT_STRATEGY) == Z_OK);
	must(inflateInit2(&d->in, WINDOW) == Z_OK);
	return d;
}

void deflate_free(struct deflate *d)
{
	if (d == NULL)
		return;
	deflateEnd(&d->out);
	inflateEnd(&d->in);
	free(d);
}

void deflate_write(struct deflate *d, struct span plain, struct buf *out)
{
	if (plain.n == 0)
		return;
	must(plain.n <= UINT32_MAX);
	d->out.next_in = (Bytef *)(uintptr_t)plain.p; /* zlib's interface knows no const */
	d->out.avail_in = (uInt)plain.n;
	do {
		size_t room = out->cap - out->n > ROOM ? out->cap - out->n : ROOM;

		if (room > UINT32_MAX)
			room = UINT32_MAX;
		d->out.next_out = buf_room(out, room);
		d->out.avail_out = (uInt)room;
		must(deflate(&d->out, Z_SYNC_FLUSH) != Z_STREAM_ERROR);
		out->n += room - d->out.avail_out;
	} while (d->out.avail_out == 0); /* a full place: there may be more */
	must(d->out.avail_in == 0);
}

enum deflate_read deflate_read(struct deflate *d, struct span in, size_t most, size_t *taken, struct buf *plain)
{
	int status;

	must(most > 0 && most <= UINT32_MAX && in.n <= UINT32_MAX);
	d->in.next_in = (Bytef *)(uintptr_t)in.p;
	d->in.avail_in = (uInt)in.n;
	d->in.next_out = buf_room(plain, most);
	d->in.avail_out = (uInt)most;
	status = inflate(&d->in, Z_SYNC_FLUSH);
	*taken = in.n - d->in.avail_in;
	plain->n += most - d->in.avail_out;
	if (status == Z_STREAM_END)
		return DEFLATE_END;
	if (status != Z_OK && status != Z_BUF_ERROR)
		return DEFLATE_BROKEN;
	return d->in.avail_out == 0 ? DEFLATE_MORE : DEFLATE_SHORT;
}
