/* See json.h. */
#include "base/json.h"

#include "base/base64.h"
#include "base/text.h"

size_t json_character(const uint8_t *p, size_t left)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90))
		return 0; /* a shorter form would do */
	if ((p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0; /* a surrogate, or too high */
	return n;
}

bool json_utf8(struct span text)
{
	for (size_t i = 0, n; i < text.n; i += n) {
		n = json_character(text.p + i, text.n - i);
		if (n == 0)
			return false;
	}
	return true;
}

static void put(struct buf *out, const char *text)
{
	buf_put(out, text, strlen(text));
}

static bool plain(uint8_t b)
{
	return b >= 0x20 && b != '"' && b != '\\';
}

static void escape(struct buf *out, uint8_t b)
{
	static const char named[] = "\bb\ff\nn\rr\tt\"\"\\\\";
	char text[8];

	for (size_t i = 0; i + 1 < sizeof named; i += 2) {
		if ((uint8_t)named[i] != b)
			continue;
		buf_put_u8(out, '\\');
		buf_put_u8(out, (uint8_t)named[i + 1]);
		return;
	}
	text_format(text, sizeof text, "\\u%04x", b);
	put(out, text);
}

static void key_of(struct json *j, const char *key, const char *end)
{
	put(j->out, j->more ? ",\"" : "\"");
	put(j->out, key);
	put(j->out, end);
	put(j->out, "\":");
	j->more = true;
}

struct json json_begin(struct buf *out)
{
	put(out, "{");
	return (struct json){ .out = out };
}

void json_end(struct json *j)
{
	put(j->out, "}");
}

void json_quote(struct buf *out, struct span text)
{
	put(out, "\"");
	for (size_t i = 0, from, n; i < text.n;) {
		for (from = i; i < text.n && plain(text.p[i]); i += n) {
			n = text.p[i] < 0x80 ? 1 : json_character(text.p + i, text.n - i);
			if (n == 0)
				break;
		}
		if (i > from)
			buf_put(out, text.p + from, i - from);
		if (i < text.n && plain(text.p[i])) {
			put(out, "\xef\xbf\xbd");
			i++;
		} else if (i < text.n) {
			escape(out, text.p[i++]);
		}
	}
	put(out, "\"");
}

void json_put_text(struct json *j, const char *key, struct span text)
{
	bool utf8 = json_utf8(text);

	key_of(j, key, utf8 ? "" : "_base64");
	if (utf8) {
		json_quote(j->out, text);
		return;
	}
	put(j->out, "\"");
	base64_encode(j->out, text);
	put(j->out, "\"");
}

void json_put_word(struct json *j, const char *key, const char *word)
{
	json_put_text(j, key, span_str(word));
}

void json_put_whole(struct json *j, const char *key, int64_t n)
{
	char text[24];

	text_format(text, sizeof text, "%lld", (long long)n);
	key_of(j, key, "");
	put(j->out, text);
}

void json_put_flag(struct json *j, const char *key)
{
	key_of(j, key, "");
	put(j->out, "true");
}
