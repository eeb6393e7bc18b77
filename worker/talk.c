/* See talk.h. */
#include "worker/talk.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/text.h"

/* ---- the request ---- */

static json_t *number_text(uint64_t v)
{
	char text[24];

	return json_stringn(text, text_format(text, sizeof text, "%llu", (unsigned long long)v));
}

/* Sets KEY to the text, or KEY_base64 if the bytes are no UTF-8. */
static void set_bytes(json_t *object, const char *key, const char *key_base64, struct span s)
{
	json_t *text = json_stringn(s.n > 0 ? (const char *)s.p : "", s.n);
	struct buf b;

	if (text != NULL) {
		json_object_set_new(object, key, text);
		return;
	}
	buf_init(&b);
	base64_encode(&b, s);
	json_object_set_new(object, key_base64, json_stringn((const char *)b.p, b.n));
	buf_fini(&b);
}

static json_t *headers_of(struct span headers)
{
	json_t *object = json_object();

	for (size_t at = 0; at < headers.n;) {
		const char *entry = (const char *)headers.p + at;
		size_t n = strnlen(entry, headers.n - at), name = strcspn(entry, "=");
		char key[LIMIT_NAME + 1], key_base64[LIMIT_NAME + sizeof "_base64"];

		text_format(key, sizeof key, "%.*s", (int)name, entry);
		text_format(key_base64, sizeof key_base64, "%s_base64", key);
		set_bytes(object, key, key_base64, span_of(entry + name + 1, n - name - 1));
		at += n + 1;
	}
	return object;
}

static int put(const char *p, size_t n, void *out)
{
	buf_put(out, p, n);
	return 0;
}

void talk_request(struct buf *out, const struct job_run *run)
{
	json_t *o = json_object();
	int failed;

	must(o != NULL);
	json_object_set_new(o, "id", number_text(run->job.id));
	json_object_set_new(o, "token", number_text(run->job.token));
	json_object_set_new(o, "queue", json_stringn((const char *)run->queue.p, run->queue.n));
	json_object_set_new(o, "attempt", json_integer(run->job.attempt));
	json_object_set_new(o, "headers", headers_of(run->job.headers));
	set_bytes(o, "payload", "payload_base64", run->job.payload);
	failed = json_dump_callback(o, put, out, JSON_COMPACT);
	must(!failed);
	json_decref(o);
	buf_put_u8(out, '\n');
}

/* ---- the answer ---- */

static enum talk bad(struct talk_answer *a, const char *why)
{
	text_format(a->why, sizeof a->why, "%s", why);
	return TALK_BAD;
}

static bool is_about(const json_t *id, uint64_t job)
{
	char text[24];

	if (json_is_integer(id))
		return json_integer_value(id) > 0 && (uint64_t)json_integer_value(id) == job;
	text_format(text, sizeof text, "%llu", (unsigned long long)job);
	return json_is_string(id) && strcmp(json_string_value(id), text) == 0;
}

/* The result: text, bytes in base64, or any other JSON, which is then the result as it stands. */
static bool take_result(const json_t *o, struct buf *result)
{
	const json_t *text = json_object_get(o, "result"), *base64 = json_object_get(o, "result_base64");

	buf_clear(result);
	if (base64 != NULL)
		return text == NULL && json_is_string(base64) &&
		       base64_decode(result, span_of(json_string_value(base64), json_string_length(base64)));
	if (json_is_string(text))
		buf_put(result, json_string_value(text), json_string_length(text));
	else if (text != NULL)
		return json_dump_callback(text, put, result, JSON_COMPACT | JSON_ENCODE_ANY) == 0;
	return true;
}

static enum talk take_error(const json_t *o, struct talk_answer *a, struct buf *error)
{
	const json_t *text = json_object_get(o, "error"), *exit = json_object_get(o, "exit");
	size_t n;

	if (text != NULL && !json_is_string(text))
		return bad(a, "its error is no text");
	if (exit != NULL && (!json_is_integer(exit) || json_integer_value(exit) < 1 || json_integer_value(exit) > 255))
		return bad(a, "its exit is not 1 to 255");
	a->exit = exit != NULL ? (int32_t)json_integer_value(exit) : 1;
	n = text != NULL ? json_string_length(text) : 0;
	buf_clear(error);
	if (n > 0)
		buf_put(error, json_string_value(text), n < LIMIT_ERROR ? n : LIMIT_ERROR);
	else
		buf_put(error, "it failed and did not say why", 29);
	return TALK_FAILED;
}

static enum talk take_progress(const json_t *o, struct talk_answer *a)
{
	const json_t *percent = json_object_get(o, "progress"), *text = json_object_get(o, "text");

	a->report = (struct report){ .percent = PERCENT_UNKNOWN };
	if (percent != NULL) {
		double v = json_number_value(percent);

		if (!json_is_number(percent) || !(v >= 0 && v <= 100))
			return bad(a, "its progress is not 0 to 100");
		a->report.percent = (uint32_t)v;
	}
	if (text != NULL && !json_is_string(text))
		return bad(a, "its text is no text");
	if (text != NULL)
		a->report.n = report_text(span_of(json_string_value(text), json_string_length(text)), a->report.text);
	return TALK_REPORT;
}

static enum talk take(const json_t *o, uint64_t id, struct talk_answer *a, struct buf *result, struct buf *error)
{
	const json_t *ok = json_object_get(o, "ok");

	if (!json_is_object(o))
		return bad(a, "it is no JSON object");
	if (json_object_get(o, "id") == NULL)
		return bad(a, "it has no id");
	if (!is_about(json_object_get(o, "id"), id))
		return bad(a, "its id is not the job's");
	if (json_object_get(o, "progress") != NULL || json_is_true(json_object_get(o, "touch")) ||
	    (ok == NULL && json_object_get(o, "text") != NULL))
		return take_progress(o, a);
	if (ok != NULL && !json_is_boolean(ok))
		return bad(a, "its ok is not true or false");
	if (ok == NULL && json_object_get(o, "error") == NULL)
		return bad(a, "it has none of ok, error, progress and touch");
	if (json_is_true(ok) && json_object_get(o, "error") != NULL)
		return bad(a, "it has an error and is ok");
	a->bye = json_is_true(json_object_get(o, "bye"));
	if (!take_result(o, result))
		return bad(a, "its result_base64 is no base64, or there are two results");
	return json_is_true(ok) ? TALK_DONE : take_error(o, a, error);
}

enum talk talk_read(struct span line, uint64_t id, struct talk_answer *a, struct buf *result, struct buf *error)
{
	enum talk what;
	json_error_t e;
	json_t *o;

	*a = (struct talk_answer){ 0 };
	o = json_loadb(line.n > 0 ? (const char *)line.p : "", line.n, JSON_ALLOW_NUL | JSON_DECODE_ANY, &e);
	if (o == NULL) {
		text_format(a->why, sizeof a->why, "it is no JSON (at byte %d)", e.position);
		return TALK_BAD;
	}
	what = take(o, id, a, result, error);
	json_decref(o);
	return what;
}
