/* Asking the auth servers; see auth.h. */
#include "broker/nsq/auth.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/rand.h"
#include "broker/nsq/fetch.h"

struct auth {
	struct fetch *fetch;
	struct auth_options o;
	struct rng rng;
};

struct auth_query {
	struct auth *a;
	struct fetch_call *call;
	char *args;      /* of GET, with the question mark */
	char *json;      /* of POST */
	uint32_t server; /* that is asked now */
	uint32_t asked;
	auth_answer answer;
	void *arg;
};

struct auth *auth_open(struct fetch *f, const struct auth_options *options)
{
	struct auth *a;

	if (options->n_servers == 0)
		return NULL;
	a = calloc(1, sizeof *a);
	must(a != NULL);
	a->fetch = f;
	a->o = *options;
	rng_seed(&a->rng, rand_os());
	return a;
}

void auth_close(struct auth *a)
{
	free(a);
}

static void query_free(struct auth_query *q)
{
	free(q->args);
	free(q->json);
	free(q);
}

void auth_cancel(struct auth_query *q)
{
	fetch_cancel(q->call);
	query_free(q);
}

static void put_arg(struct buf *b, const char *name, struct span value)
{
	/* not curl_easy_escape of a length 0: it would take strlen */
	char *safe = value.n > 0 ? curl_easy_escape(NULL, (const char *)value.p, (int)value.n) : NULL;

	buf_put(b, b->n == 0 ? "?" : "&", 1);
	buf_put_span(b, span_str(name));
	buf_put(b, "=", 1);
	if (safe != NULL)
		buf_put_span(b, span_str(safe));
	curl_free(safe);
}

static char *args_of(const struct auth_who *w)
{
	struct buf b;

	buf_init(&b);
	put_arg(&b, "common_name", w->common_name);
	put_arg(&b, "remote_ip", w->remote_ip);
	put_arg(&b, "secret", w->secret);
	put_arg(&b, "tls", span_str(w->tls ? "true" : "false"));
	buf_put(&b, "", 1);
	return (char *)b.p;
}

static json_t *list_of(struct span s)
{
	json_t *text = json_stringn_nocheck(s.n > 0 ? (const char *)s.p : "", s.n);

	return json_pack("[o]", text);
}

static char *json_of(const struct auth_who *w)
{
	json_t *j = json_object();
	char *text;

	json_object_set_new(j, "common_name", list_of(w->common_name));
	json_object_set_new(j, "remote_ip", list_of(w->remote_ip));
	json_object_set_new(j, "secret", list_of(w->secret));
	json_object_set_new(j, "tls", list_of(span_str(w->tls ? "true" : "false")));
	text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(j);
	return text; /* NULL if the secret is no UTF-8 */
}

/* The server's URL: what it was given as, or http://ADDR/auth. */
static void put_url(struct buf *b, const char *server)
{
	if (strstr(server, "://") != NULL) {
		buf_put_span(b, span_str(server));
		return;
	}
	buf_put_span(b, span_str("http://"));
	buf_put_span(b, span_str(server));
	buf_put_span(b, span_str("/auth"));
}

static void ask(struct auth_query *q);

static void on_answer(void *arg, unsigned status, struct span body, const char *error)
{
	struct auth_query *q = arg;
	const char *server = q->a->o.servers[q->server], *why = error;
	struct auth_grants *g = NULL;

	q->call = NULL;
	if (status == 200)
		g = auth_grants_read(body, &why);
	if (g == NULL && status != 0 && status != 200)
		log_line(LOG_WARN, "nsq-auth", "the auth server %s answered with status %u", server, status);
	else if (g == NULL)
		log_line(LOG_WARN, "nsq-auth", "no good answer from the auth server %s: %s", server, why);
	if (g == NULL && ++q->asked < q->a->o.n_servers) {
		q->server = (q->server + 1) % q->a->o.n_servers;
		ask(q);
		return;
	}
	q->answer(q->arg, g);
	query_free(q);
}

static void ask(struct auth_query *q)
{
	const struct auth_options *o = &q->a->o;
	struct buf url;
	struct fetch_request r = {
		.headers = { "Accept: application/vnd.nsq; version=1.0",
		             o->post ? "Content-Type: application/json" : NULL },
		.connect_ms = o->connect_ms,
		.total_ms = o->answer_ms,
		.most = LIMIT_AUTH_ANSWER,
	};

	buf_init(&url);
	put_url(&url, o->servers[q->server]);
	if (o->post)
		r.post = span_str(q->json);
	else
		buf_put_span(&url, span_str(q->args));
	buf_put(&url, "", 1);
	r.url = (const char *)url.p;
	q->call = fetch_start(q->a->fetch, &r, on_answer, q);
	buf_fini(&url);
}

struct auth_query *auth_ask(struct auth *a, const struct auth_who *who, auth_answer answer, void *arg)
{
	struct auth_query *q = calloc(1, sizeof *q);

	must(q != NULL);
	q->a = a;
	q->answer = answer;
	q->arg = arg;
	q->args = args_of(who);
	q->json = a->o.post ? json_of(who) : NULL;
	q->server = (uint32_t)rng_below(&a->rng, a->o.n_servers);
	if (a->o.post && q->json == NULL)
		q->json = strdup("{}"); /* no server will know that secret */
	ask(q);
	return q;
}
