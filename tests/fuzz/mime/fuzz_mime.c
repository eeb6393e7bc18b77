/* Any bytes at all as a mail: its fields are all of its head and nothing else, its key does not change with what hops
 * put before it, and what is read of its MIME is within its bounds: a text is UTF-8, and the JSON is JSON, with the
 * fields and no more than the parts. Built by clang with libFuzzer, or with our driver. */
#include <jansson.h>
#include <stdlib.h>

#include "base/json.h"
#include "broker/smtp/dedup.h"
#include "broker/smtp/head.h"
#include "broker/smtp/mime.h"
#include "proto/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MOST = 64 << 10 };

static uint32_t fields(struct span mail)
{
	const uint8_t *at = mail.p, *end = mail.p + mail.n;
	struct span rest = mail;
	struct head_field f;
	uint32_t named = 0;

	while (head_next(&rest, &f)) {
		must(f.whole.n > 0 && f.whole.p == at && f.whole.n <= (size_t)(end - at));
		at += f.whole.n;
		must(rest.p == at);
		must(f.name.n + f.value.n <= f.whole.n);
		named += f.name.n > 0;
	}
	must(rest.n == (size_t)(end - at));
	return named;
}

static void key(struct span mail)
{
	static const char hop[] = "RECEIVED: from a\r\n\tby b; c\r\nReturn-path : <a@b>\r\n";
	uint8_t first[DEDUP_CONTENT], then[DEDUP_CONTENT];
	struct buf b;

	if (mail.n > 0 && (mail.p[0] == ' ' || mail.p[0] == '\t'))
		return; /* that would go on with the hop's line */
	buf_init(&b);
	buf_put_span(&b, span_str(hop));
	buf_put_span(&b, mail);
	dedup_content(mail, first);
	dedup_content(buf_span(&b), then);
	must(memcmp(first, then, sizeof first) == 0);
	buf_fini(&b);
}

static void object(const struct buf *b, uint32_t named)
{
	json_t *j, *list;
	struct buf whole;

	buf_init(&whole);
	buf_put_u8(&whole, '{');
	buf_put_span(&whole, buf_span(b));
	buf_put_u8(&whole, '}');
	j = json_loadb((const char *)whole.p, whole.n, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
	must(j != NULL && json_object_size(j) == 4);
	must(json_array_size(json_object_get(j, "headers")) == named);
	list = json_object_get(j, "attachments");
	must(json_is_array(list) && json_array_size(list) <= LIMIT_MIME_PARTS);
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *a = json_array_get(list, i);
		json_int_t size = json_integer_value(json_object_get(a, "size"));

		must(json_object_size(a) == 5 && size >= 0);
		must(json_string_length(json_object_get(a, "content")) == (size_t)(size + 2) / 3 * 4);
	}
	json_decref(j);
	buf_fini(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span mail = span_of(data, n);
	uint32_t named = fields(mail);
	char why[MIME_WHY] = "";
	struct mime *m;
	struct buf b;

	key(mail);
	m = mime_read(mail, why);
	if (m == NULL) {
		must(why[0] != 0);
		return 0;
	}
	buf_init(&b);
	buf_put_u8(&b, '{');
	if (mime_body(m, MOST, &b, why))
		must(b.n - 1 <= MOST && json_utf8(buf_span(&b)));
	else
		must(why[0] != 0 && b.n == 1);
	buf_clear(&b);
	why[0] = 0;
	if (mime_json(m, MOST, &b, why)) {
		must(b.n <= MOST);
		object(&b, named);
	} else {
		must(why[0] != 0 && b.n == 0);
	}
	mime_free(m);
	buf_fini(&b);
	return 0;
}
