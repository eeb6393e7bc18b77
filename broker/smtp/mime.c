/* See mime.h. */
#include "broker/smtp/mime.h"

#include <gmime/gmime.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/text.h"
#include "broker/smtp/head.h"
#include "broker/smtp/mime_parts.h"

struct mime {
	struct span mail;
	const struct mime_part *text, *html; /* NULL = none; neither is an attachment */
	struct mime_parts parts;
};

static const char too_large[] = "it has more bytes than a payload may have";

static bool is_attachment(const struct mime_part *p)
{
	return (p->disposition != NULL && g_mime_content_disposition_is_attachment(p->disposition)) ||
	       g_mime_content_type_get_parameter(p->type, "name") != NULL ||
	       (p->disposition != NULL && g_mime_content_disposition_get_parameter(p->disposition, "filename") != NULL);
}

struct mime *mime_read(struct span mail, char why[MIME_WHY])
{
	struct mime *m = malloc(sizeof *m);
	const char *fault;

	must(m != NULL);
	mime_init();
	m->mail = mail;
	m->text = m->html = NULL;
	fault = mime_parts_read(&m->parts, mail);
	if (fault != NULL) {
		text_format(why, MIME_WHY, "%s", fault);
		mime_free(m);
		return NULL;
	}
	for (uint32_t i = 0; i < m->parts.n; i++) {
		const struct mime_part *p = &m->parts.v[i];

		if (is_attachment(p))
			continue;
		if (m->text == NULL && g_mime_content_type_is_type(p->type, "text", "plain"))
			m->text = p;
		else if (m->html == NULL && g_mime_content_type_is_type(p->type, "text", "html"))
			m->html = p;
	}
	return m;
}

void mime_free(struct mime *m)
{
	if (m == NULL)
		return;
	mime_parts_fini(&m->parts);
	free(m);
}

/* What stands behind the line `begin MODE NAME`; nothing if there is none. */
static struct span uu_lines(struct span s)
{
	static const char begin[] = "begin ";
	bool found = false;

	while (s.n > 0 && !found) {
		const uint8_t *lf = memchr(s.p, '\n', s.n);
		size_t n = lf == NULL ? s.n : (size_t)(lf - s.p) + 1;

		found = n > sizeof begin - 1 && memcmp(s.p, begin, sizeof begin - 1) == 0;
		s = span_of(s.p + n, s.n - n);
	}
	return s;
}

/* The bytes of a part; in `room`, or where they stand. */
static struct span decoded(const struct mime_part *p, struct buf *room)
{
	struct span from = p->body;
	GMimeEncoding e;

	if (p->encoding != GMIME_CONTENT_ENCODING_BASE64 && p->encoding != GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE &&
	    p->encoding != GMIME_CONTENT_ENCODING_UUENCODE)
		return p->body;
	buf_clear(room);
	g_mime_encoding_init_decode(&e, (GMimeContentEncoding)p->encoding);
	if (p->encoding == GMIME_CONTENT_ENCODING_UUENCODE) {
		from = uu_lines(from);
		e.state |= GMIME_UUDECODE_STATE_BEGIN;
	}
	buf_room(room, g_mime_encoding_outlen(&e, from.n) + 16);
	room->n = g_mime_encoding_flush(&e, (const char *)from.p, from.n, (char *)room->p);
	must(room->n <= room->cap);
	return buf_span(room);
}

static bool put_text(const struct mime_part *p, struct buf *out, size_t most)
{
	struct buf room;
	bool fits;

	buf_init(&room);
	fits = mime_text(out, decoded(p, &room), g_mime_content_type_get_parameter(p->type, "charset"), most);
	buf_fini(&room);
	return fits;
}

bool mime_body(const struct mime *m, size_t most, struct buf *out, char why[MIME_WHY])
{
	const struct mime_part *p = m->text;
	size_t began = out->n;

	for (uint32_t i = 0; p == NULL && i < m->parts.n; i++)
		if (g_mime_content_type_is_type(m->parts.v[i].type, "text", "plain"))
			p = &m->parts.v[i];
	if (p == NULL) {
		text_format(why, MIME_WHY, "it has no text/plain part");
		return false;
	}
	if (put_text(p, out, most) && out->n - began <= most)
		return true;
	out->n = began;
	text_format(why, MIME_WHY, "%s", too_large);
	return false;
}

static void put(struct buf *out, const char *text)
{
	buf_put_span(out, span_str(text));
}

/* A list of [name, value], as they stand in the mail. */
static void put_headers(const struct mime *m, struct buf *out)
{
	struct span rest = m->mail;
	struct head_field f;
	struct buf value;
	bool more = false;

	buf_init(&value);
	put(out, "\"headers\":[");
	while (head_next(&rest, &f)) {
		if (f.name.n == 0)
			continue;
		buf_clear(&value);
		mime_words(&value, f.value);
		put(out, more ? ",[" : "[");
		json_quote(out, f.name);
		put(out, ",");
		json_quote(out, buf_span(&value));
		put(out, "]");
		more = true;
	}
	put(out, "]");
	buf_fini(&value);
}

/* A text or null. */
static bool put_text_member(const char *key, const struct mime_part *p, struct buf *out, size_t most)
{
	struct buf text;
	bool fits;

	put(out, key);
	if (p == NULL) {
		put(out, "null");
		return true;
	}
	buf_init(&text);
	fits = put_text(p, &text, most);
	if (fits)
		json_quote(out, buf_span(&text));
	buf_fini(&text);
	return fits;
}

static void put_text_or_null(struct buf *out, const char *key, struct span text)
{
	put(out, key);
	if (text.p == NULL)
		put(out, "null");
	else
		json_quote(out, text);
}

static const char *name_of(const struct mime_part *p)
{
	const char *name = NULL;

	if (p->disposition != NULL)
		name = g_mime_content_disposition_get_parameter(p->disposition, "filename");
	return name != NULL ? name : g_mime_content_type_get_parameter(p->type, "name");
}

/* Without what surrounds it; p is NULL if nothing is left. */
static struct span id_of(struct span id)
{
	while (id.n > 0 && (id.p[0] == ' ' || id.p[0] == '\t' || id.p[0] == '<' || id.p[0] == '\r' || id.p[0] == '\n'))
		id = span_of(id.p + 1, id.n - 1);
	while (id.n > 0 && (id.p[id.n - 1] == ' ' || id.p[id.n - 1] == '\t' || id.p[id.n - 1] == '>'))
		id.n--;
	return id.n > 0 ? id : span_of(NULL, 0);
}

static bool put_attachment(const struct mime_part *p, struct buf *out, size_t most)
{
	const char *name = name_of(p);
	char *type = g_mime_content_type_get_mime_type(p->type), *lower = g_ascii_strdown(type, -1), size[24];
	struct span bytes;
	struct buf room;
	bool fits;

	buf_init(&room);
	bytes = decoded(p, &room);
	put_text_or_null(out, "{\"name\":", name == NULL ? span_of(NULL, 0) : span_str(name));
	put_text_or_null(out, ",\"type\":", span_str(lower));
	put_text_or_null(out, ",\"id\":", id_of(p->id));
	text_format(size, sizeof size, "%zu", bytes.n);
	put(out, ",\"size\":");
	put(out, size);
	put(out, ",\"content\":\"");
	fits = out->n <= most && bytes.n <= (most - out->n) / 4 * 3;
	if (fits)
		base64_encode(out, bytes);
	put(out, "\"}");
	buf_fini(&room);
	g_free(lower);
	g_free(type);
	return fits;
}

bool mime_json(const struct mime *m, size_t most, struct buf *out, char why[MIME_WHY])
{
	size_t began = out->n;
	bool fits, more = false;

	put_headers(m, out);
	fits = put_text_member(",\"text\":", m->text, out, most) && put_text_member(",\"html\":", m->html, out, most);
	put(out, ",\"attachments\":[");
	for (uint32_t i = 0; fits && i < m->parts.n; i++) {
		const struct mime_part *p = &m->parts.v[i];

		if (p == m->text || p == m->html)
			continue;
		if (more)
			put(out, ",");
		more = true;
		fits = put_attachment(p, out, began + most) && out->n - began <= most;
	}
	put(out, "]");
	if (fits && out->n - began <= most)
		return true;
	out->n = began;
	text_format(why, MIME_WHY, "%s", too_large);
	return false;
}
