/* Any bytes at all as what comes over HTTP: the first byte says as what. '1' a request (its query, a NUL, its body),
 * '2' an auth server's answer, with the names that it is asked about; '3' a text that is told as JSON. What is read has
 * to be within its bounds, and what is written has to be read back. Built by clang with libFuzzer, or with our driver.
 */
#include <jansson.h>

#include "broker/nsq/api.h"
#include "broker/nsq/auth.h"
#include "broker/nsq/json_out.h"
#include "proto/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct api_limits limits = { .message_bytes = 64, .body_bytes = 1024, .defer_ms = 3600000 };
static const char *const paths[] = { "/pub",          "/mpub",           "/stats",    "/topic/create",
	                             "/topic/delete", "/channel/create", "/config/x", "/lookup" };
static struct query query;

static void check_packed(const struct buf *packed, uint32_t count)
{
	size_t at = 0;

	for (uint32_t i = 0; i < count; i++) {
		size_t size;

		must(packed->n - at >= 4);
		size = (size_t)packed->p[at] << 24 | (size_t)packed->p[at + 1] << 16 | (size_t)packed->p[at + 2] << 8 |
		       packed->p[at + 3];
		must(size > 0 && size <= limits.message_bytes && packed->n - at - 4 >= size);
		at += 4 + size;
	}
	must(at == packed->n);
}

static void request(const char *path, const char *method, struct span in)
{
	const uint8_t *nul = in.n > 0 ? memchr(in.p, 0, in.n) : NULL;
	size_t query_n = nul == NULL ? in.n : (size_t)(nul - in.p);
	struct span body = nul == NULL ? span_str("") : span_of(nul + 1, in.n - query_n - 1);
	struct http_request r = {
		.method = method, .path = span_str(path), .query = span_of(in.p, query_n), .body = body
	};
	struct api_plan p;
	struct buf packed;

	buf_init(&packed);
	if (body.n > api_body_bound(&limits, &r)) {
		r.too_big = true;
		r.body = span_str("");
	}
	api_read(&limits, &r, &query, &packed, &p);
	if (p.act == API_PUBLISH) {
		must(p.count > 0 && name_topic_ok(p.topic) && p.defer_ms <= limits.defer_ms);
		check_packed(&packed, p.count);
	} else if (p.act == API_TOPIC_OP) {
		must(name_topic_ok(p.topic) && (p.channel.n == 0 || name_topic_ok(p.channel)));
	} else if (p.act == API_ANSWER) {
		must(p.status == 200 || (p.status >= 400 && p.status < 500 && p.code != NULL));
	}
	buf_fini(&packed);
}

static void answer(struct span json)
{
	const char *why = NULL;
	struct auth_grants *g = auth_grants_read(json, &why);

	if (g == NULL) {
		must(why != NULL && why[0] != 0);
		return;
	}
	must(auth_grants_ttl_s(g) > 0 && auth_grants_count(g) <= LIMIT_AUTH_GRANTS);
	auth_grants_allow(g, span_str("orders.eu-west_1"), span_str(""));
	auth_grants_allow(g, span_str("a"), span_str("archive#ephemeral"));
	auth_grants_free(g);
}

static void text(struct span s)
{
	struct buf b;
	json_t *j;

	buf_init(&b);
	json_raw(&b, "[");
	json_text(&b, s);
	json_raw(&b, "]");
	j = json_loadb((const char *)b.p, b.n, JSON_ALLOW_NUL, NULL);
	must(j != NULL && json_is_string(json_array_get(j, 0)));
	json_decref(j);
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span rest;

	if (n == 0)
		return 0;
	rest = span_of(data + 1, n - 1);
	if (data[0] == '1')
		for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
			request(paths[i], "POST", rest);
			request(paths[i], "GET", rest);
			request(paths[i], "PUT", rest);
		}
	else if (data[0] == '2')
		answer(rest);
	else
		text(rest);
	return 0;
}
