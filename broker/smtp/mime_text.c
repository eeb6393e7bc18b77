/* Encoded words and charsets. See mime.h. */
#include "broker/smtp/mime.h"

#include <errno.h>
#include <gmime/gmime.h>
#include <pthread.h>

#include "base/json.h"

enum {
	CHARSET = 64, /* bytes of a charset's name that is looked up */
	CHUNK = 4096  /* room that a conversion gets at a time */
};

void mime_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	must(pthread_once(&once, g_mime_init) == 0);
}

/* Without line ends, which only fold it, and without what surrounds it; a NUL would end it for GMime. */
static void unfold(struct buf *out, struct span raw)
{
	size_t began = out->n;

	for (size_t i = 0; i < raw.n; i++) {
		uint8_t b = raw.p[i];

		if (b == '\r' || b == '\n' || (out->n == began && (b == ' ' || b == '\t')))
			continue;
		buf_put_u8(out, b == 0 ? ' ' : b);
	}
	while (out->n > began && (out->p[out->n - 1] == ' ' || out->p[out->n - 1] == '\t'))
		out->n--;
}

void mime_words(struct buf *out, struct span raw)
{
	size_t began = out->n;
	struct span text;
	char *decoded;

	unfold(out, raw);
	text = span_of(out->p + began, out->n - began);
	if (text.n == 0 || (memmem(text.p, text.n, "=?", 2) == NULL && json_utf8(text)))
		return;
	mime_init();
	buf_put_u8(out, 0);
	decoded = g_mime_utils_header_decode_text(NULL, (const char *)out->p + began);
	out->n = began;
	buf_put_span(out, span_str(decoded));
	g_free(decoded);
}

/* A name that iconv may be asked for: it has a syntax of its own with slashes. */
static bool plain_name(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= CHARSET &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:+-") == n;
}

static void put_unknown(struct buf *out)
{
	buf_put(out, "\xef\xbf\xbd", 3);
}

/* Copies, with U+FFFD for what is no UTF-8. */
static bool put_utf8(struct buf *out, struct span in, size_t most)
{
	for (size_t i = 0, from, n; i < in.n;) {
		for (from = i; i < in.n; i += n) {
			n = in.p[i] < 0x80 ? 1 : json_character(in.p + i, in.n - i);
			if (n == 0)
				break;
		}
		if (i - from > most || out->n > SIZE_MAX / 2)
			return false;
		most -= i - from;
		buf_put(out, in.p + from, i - from);
		if (i == in.n)
			break;
		if (most < 3)
			return false;
		most -= 3;
		put_unknown(out);
		i++;
	}
	return true;
}

static bool convert(struct buf *out, struct span in, iconv_t cd, size_t most)
{
	char *from = (char *)(uintptr_t)in.p;
	size_t left = in.n, began = out->n;
	bool flushed = false;

	while (!flushed) {
		char *to = (char *)buf_room(out, CHUNK);
		size_t room = CHUNK, done;

		flushed = left == 0; /* what the charset's state still holds */
		done = iconv(cd, left > 0 ? &from : NULL, left > 0 ? &left : NULL, &to, &room);
		out->n += CHUNK - room;
		if (done == (size_t)-1 && errno != E2BIG && left > 0) {
			put_unknown(out);
			from++;
			left--;
		} else if (done == (size_t)-1 && errno == E2BIG) {
			flushed = false;
		}
		if (out->n - began > most)
			return false;
	}
	return true;
}

static void line_ends(struct buf *b, size_t began)
{
	size_t to = began;

	for (size_t i = began; i < b->n; i++)
		if (b->p[i] != '\r' || i + 1 == b->n || b->p[i + 1] != '\n')
			b->p[to++] = b->p[i];
	b->n = to;
}

bool mime_text(struct buf *out, struct span in, const char *charset, size_t most)
{
	iconv_t cd = (iconv_t)-1;
	size_t began = out->n;
	bool fits, utf8 = json_utf8(in);

	mime_init();
	if (charset != NULL && (!plain_name(charset) || g_ascii_strcasecmp(charset, "us-ascii") == 0))
		charset = NULL;
	if (charset != NULL && g_ascii_strcasecmp(charset, "utf-8") != 0)
		cd = g_mime_iconv_open("UTF-8", charset);
	if (cd == (iconv_t)-1 && charset == NULL && !utf8)
		cd = g_mime_iconv_open("UTF-8", "iso-8859-1");
	if (cd != (iconv_t)-1) {
		fits = convert(out, in, cd, most);
		g_mime_iconv_close(cd);
	} else {
		fits = put_utf8(out, in, most);
	}
	line_ends(out, began);
	return fits;
}
