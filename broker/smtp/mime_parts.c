/* See mime_parts.h. GMime has a parser of its own for this; but it goes as deep as a mail wants it to, makes an object
 * of each part and header before anybody can count them, and reads the addresses of a message in a message again with
 * each of its headers. */
#include "broker/smtp/mime_parts.h"

#include <gmime/gmime.h>

#include "broker/smtp/head.h"

enum { BOUNDARY = 250 }; /* bytes of a boundary; RFC 2046 allows 70 */

/* What the fields of a part say of it. */
struct entity {
	GMimeContentType *type; /* owned */
	GMimeContentDisposition *disposition;
	GMimeContentEncoding encoding;
	struct span id, body;
};

/* GMime makes objects of a field's parameters, whose number is bounded by its semicolons. */
static const char *too_much(struct span value)
{
	uint32_t semicolons = 0;

	if (value.n > LIMIT_MAIL_HEADER_LINE)
		return "a Content field has more than 8 KiB";
	for (size_t i = 0; i < value.n; i++)
		semicolons += value.p[i] == ';';
	return semicolons > LIMIT_MIME_PARAMETERS ? "a Content field has too many parameters" : NULL;
}

/* A copy without the blanks around it that ends in a NUL; folds stay, GMime knows them. */
static const char *text_of(struct span s, char room[LIMIT_MAIL_HEADER_LINE + 1])
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = span_of(s.p + 1, s.n - 1);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	for (size_t i = 0; i < s.n; i++)
		room[i] = (char)(s.p[i] == 0 ? ' ' : s.p[i]);
	room[s.n] = 0;
	return room;
}

static const char *read_field(struct entity *e, const struct head_field *f)
{
	char room[LIMIT_MAIL_HEADER_LINE + 1];
	const char *why;
	bool type = head_is(f, "content-type") && e->type == NULL;
	bool disposition = head_is(f, "content-disposition") && e->disposition == NULL;
	bool encoding = head_is(f, "content-transfer-encoding") && e->encoding == GMIME_CONTENT_ENCODING_DEFAULT;

	if (head_is(f, "content-id") && e->id.n == 0)
		e->id = f->value;
	if (!type && !disposition && !encoding)
		return NULL;
	why = too_much(f->value);
	if (why != NULL)
		return why;
	text_of(f->value, room);
	if (type)
		e->type = g_mime_content_type_parse(NULL, room);
	else if (disposition)
		e->disposition = g_mime_content_disposition_parse(NULL, room);
	else
		e->encoding = g_mime_content_encoding_from_string(room);
	return NULL;
}

static const char *read_entity(struct entity *e, struct span bytes, bool in_digest)
{
	struct head_field f;

	memset(e, 0, sizeof *e);
	while (head_next(&bytes, &f)) {
		const char *why = read_field(e, &f);

		if (why != NULL)
			return why;
	}
	if (bytes.n > 0 && bytes.p[0] == '\r')
		bytes = span_of(bytes.p + 1, bytes.n - 1);
	if (bytes.n > 0)
		bytes = span_of(bytes.p + 1, bytes.n - 1); /* the line feed */
	e->body = bytes;
	if (e->type == NULL)
		e->type =
		    in_digest ? g_mime_content_type_new("message", "rfc822") : g_mime_content_type_new("text", "plain");
	return NULL;
}

static void drop(struct entity *e)
{
	if (e->type != NULL)
		g_object_unref(e->type);
	if (e->disposition != NULL)
		g_object_unref(e->disposition);
}

enum line { LINE_TEXT, LINE_NEXT, LINE_LAST };

/* What a line is for a boundary: --BOUNDARY, or --BOUNDARY-- at the end; blanks may follow. */
static enum line line_is(const uint8_t *p, size_t n, const char *boundary, size_t boundary_n)
{
	bool last;
	size_t at;

	if (n < 2 + boundary_n || p[0] != '-' || p[1] != '-' || memcmp(p + 2, boundary, boundary_n) != 0)
		return LINE_TEXT;
	at = 2 + boundary_n;
	last = n - at >= 2 && p[at] == '-' && p[at + 1] == '-';
	for (at += last ? 2 : 0; at < n; at++)
		if (p[at] != ' ' && p[at] != '\t' && p[at] != '\r' && p[at] != '\n')
			return LINE_TEXT;
	return last ? LINE_LAST : LINE_NEXT;
}

static const char *read_part(struct mime_parts *parts, struct span bytes, bool in_digest, unsigned int depth);

/* The bytes from `from` to the line at `to`, whose line end before it belongs to the boundary. */
static struct span between(const uint8_t *from, const uint8_t *to)
{
	if (to > from && to[-1] == '\n')
		to--;
	if (to > from && to[-1] == '\r')
		to--;
	return span_of(from, (size_t)(to - from));
}

static const char *read_multipart(struct mime_parts *parts, const struct entity *e, unsigned int depth)
{
	const char *boundary = g_mime_content_type_get_parameter(e->type, "boundary"), *why = NULL;
	bool digest = g_mime_content_type_is_type(e->type, "multipart", "digest");
	const uint8_t *p = e->body.p, *end = p + e->body.n, *part = NULL;
	size_t boundary_n = boundary == NULL ? 0 : strlen(boundary);
	enum line is = LINE_TEXT;

	if (boundary_n == 0 || boundary_n > BOUNDARY)
		return "a multipart without a boundary";
	while (p < end && why == NULL && is != LINE_LAST) {
		const uint8_t *lf = memchr(p, '\n', (size_t)(end - p)), *next = lf == NULL ? end : lf + 1;

		if (parts->lines++ == LIMIT_MIME_LINES)
			return "it has too many lines in parts in parts";
		is = line_is(p, (size_t)(next - p), boundary, boundary_n);
		if (is != LINE_TEXT && part != NULL)
			why = read_part(parts, between(part, p), digest, depth + 1);
		if (is == LINE_NEXT)
			part = next;
		p = next;
	}
	if (why == NULL && part == NULL)
		return "a multipart without parts";
	if (why == NULL && is != LINE_LAST) /* broken off: what there is */
		why = read_part(parts, span_of(part, (size_t)(end - part)), digest, depth + 1);
	return why;
}

static const char *read_part(struct mime_parts *parts, struct span bytes, bool in_digest, unsigned int depth)
{
	const char *why;
	struct entity e;

	if (depth > LIMIT_MIME_DEPTH)
		return "its parts are nested too deep";
	if (parts->seen == LIMIT_MIME_PARTS)
		return "it has too many parts";
	parts->seen++;
	why = read_entity(&e, bytes, in_digest);
	if (why == NULL && g_mime_content_type_is_type(e.type, "multipart", "*")) {
		why = read_multipart(parts, &e, depth);
	} else if (why == NULL) {
		parts->v[parts->n++] =
		    (struct mime_part){ e.type, e.disposition, (int)e.encoding, .id = e.id, .body = e.body };
		return NULL;
	}
	drop(&e);
	return why;
}

const char *mime_parts_read(struct mime_parts *parts, struct span mail)
{
	parts->n = parts->seen = parts->lines = 0;
	return read_part(parts, mail, false, 0);
}

void mime_parts_fini(struct mime_parts *parts)
{
	for (uint32_t i = 0; i < parts->n; i++) {
		g_object_unref(parts->v[i].type);
		if (parts->v[i].disposition != NULL)
			g_object_unref(parts->v[i].disposition);
	}
	parts->n = 0;
}
