/* libcurl's multi handle on libuv: curl says which sockets to watch and when to wake it; see fetch.h. */
#include "broker/nsq/fetch.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/list.h"

struct fetch {
	uv_loop_t *loop;
	uv_timer_t timer;
	CURLM *multi;
	struct list calls;
	unsigned handles; /* of libuv's that are open: the timer and a poll for each socket */
	void (*closed)(void *arg);
	void *closed_arg;
};

struct fetch_call {
	struct list node;
	struct fetch *f;
	CURL *easy;
	struct curl_slist *headers;
	struct buf body;
	size_t most;
	bool too_long;
	fetch_answer answer;
	void *arg;
	char error[CURL_ERROR_SIZE];
};

/* A socket that curl wants watched. */
struct watch {
	uv_poll_t poll;
	struct fetch *f;
	curl_socket_t fd;
};

static void handle_closed(struct fetch *f)
{
	if (--f->handles > 0)
		return;
	if (f->closed != NULL)
		f->closed(f->closed_arg);
	free(f);
}

static void on_watch_closed(uv_handle_t *h)
{
	struct watch *w = h->data;
	struct fetch *f = w->f;

	free(w);
	handle_closed(f);
}

static void on_timer_closed(uv_handle_t *h)
{
	handle_closed(h->data);
}

static void call_free(struct fetch_call *c)
{
	list_remove(&c->node);
	curl_multi_remove_handle(c->f->multi, c->easy);
	curl_easy_cleanup(c->easy);
	curl_slist_free_all(c->headers);
	buf_fini(&c->body);
	free(c);
}

static void call_ended(struct fetch_call *c, CURLcode code)
{
	fetch_answer answer = c->answer;
	void *arg = c->arg;
	struct buf body = c->body;
	char error[CURL_ERROR_SIZE];
	long status = 0;

	memcpy(error, c->error, sizeof error);
	if (code != CURLE_OK && error[0] == 0)
		snprintf(error, sizeof error, "%s", curl_easy_strerror(code));
	if (c->too_long)
		snprintf(error, sizeof error, "the answer is longer than %zu bytes", c->most);
	if (code == CURLE_OK)
		curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	buf_init(&c->body); /* it is ours now, and the call may go: the answer's receiver may begin another */
	call_free(c);
	answer(arg, status > 0 ? (unsigned)status : 0, buf_span(&body), error);
	buf_fini(&body);
}

static void take_ended(struct fetch *f)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(f->multi, &left)) != NULL) {
		struct fetch_call *c = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
		call_ended(c, m->data.result);
	}
}

static void act(struct fetch *f, curl_socket_t fd, int what)
{
	int running;

	curl_multi_socket_action(f->multi, fd, what, &running);
	take_ended(f);
}

static void on_ready(uv_poll_t *h, int status, int events)
{
	struct watch *w = h->data;
	int what = status < 0 ? CURL_CSELECT_ERR : 0;

	what |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
	what |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
	act(w->f, w->fd, what);
}

static void on_time(uv_timer_t *h)
{
	act(h->data, CURL_SOCKET_TIMEOUT, 0);
}

/* curl: watch this socket, or no longer. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *mine)
{
	struct fetch *f = arg;
	struct watch *w = mine;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w != NULL) {
			uv_poll_stop(&w->poll);
			uv_close((uv_handle_t *)&w->poll, on_watch_closed);
			curl_multi_assign(f->multi, fd, NULL);
		}
		return 0;
	}
	if (w == NULL) {
		w = calloc(1, sizeof *w);
		must(w != NULL);
		w->f = f;
		w->fd = fd;
		if (uv_poll_init_socket(f->loop, &w->poll, fd) < 0) {
			free(w);
			return -1;
		}
		w->poll.data = w;
		f->handles++;
		curl_multi_assign(f->multi, fd, w);
	}
	events |= what != CURL_POLL_OUT ? UV_READABLE : 0;
	events |= what != CURL_POLL_IN ? UV_WRITABLE : 0;
	uv_poll_start(&w->poll, events, on_ready);
	return 0;
}

/* curl: wake me then. Never called back from within, so 0 is a timer too. */
static int on_timeout(CURLM *multi, long ms, void *arg)
{
	struct fetch *f = arg;

	(void)multi;
	if (ms < 0)
		uv_timer_stop(&f->timer);
	else
		uv_timer_start(&f->timer, on_time, (uint64_t)ms, 0);
	return 0;
}

static size_t on_body(char *p, size_t one, size_t n, void *arg)
{
	struct fetch_call *c = arg;

	(void)one;
	if (n > c->most - c->body.n) {
		c->too_long = true;
		return 0;
	}
	buf_put(&c->body, p, n);
	return n;
}

struct fetch *fetch_open(uv_loop_t *loop)
{
	struct fetch *f;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return NULL;
	f = calloc(1, sizeof *f);
	must(f != NULL);
	f->loop = loop;
	list_init(&f->calls);
	f->multi = curl_multi_init();
	if (f->multi == NULL) {
		free(f);
		return NULL;
	}
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
	curl_multi_setopt(f->multi, CURLMOPT_MAXCONNECTS, 16L);
	uv_timer_init(loop, &f->timer);
	f->timer.data = f;
	f->handles = 1;
	return f;
}

void fetch_close(struct fetch *f, void (*closed)(void *arg), void *arg)
{
	while (!list_empty(&f->calls))
		call_free(list_item(f->calls.next, struct fetch_call, node));
	curl_multi_cleanup(f->multi); /* takes its sockets back, so that their polls are closed */
	f->multi = NULL;
	f->closed = closed;
	f->closed_arg = arg;
	uv_timer_stop(&f->timer);
	uv_close((uv_handle_t *)&f->timer, on_timer_closed);
}

static void set_up(struct fetch_call *c, const struct fetch_request *r)
{
	CURL *e = c->easy;

	for (size_t i = 0; i < sizeof r->headers / sizeof r->headers[0] && r->headers[i] != NULL; i++)
		c->headers = curl_slist_append(c->headers, r->headers[i]);
	curl_easy_setopt(e, CURLOPT_URL, r->url);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, c->headers);
	curl_easy_setopt(e, CURLOPT_PROXY, ""); /* whatever the environment says */
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)r->connect_ms);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)r->total_ms);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "sheafd/" SHEAF_VERSION);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(e, CURLOPT_PRIVATE, c);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->error);
	if (r->post.p != NULL) {
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)r->post.n);
		curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, (const char *)r->post.p);
	}
}

struct fetch_call *fetch_start(struct fetch *f, const struct fetch_request *r, fetch_answer answer, void *arg)
{
	struct fetch_call *c = calloc(1, sizeof *c);

	must(c != NULL);
	c->f = f;
	c->most = r->most;
	c->answer = answer;
	c->arg = arg;
	buf_init(&c->body);
	list_push_back(&f->calls, &c->node);
	c->easy = curl_easy_init();
	must(c->easy != NULL);
	set_up(c, r);
	curl_multi_add_handle(f->multi, c->easy);
	return c;
}

void *fetch_cancel(struct fetch_call *c)
{
	void *arg = c->arg;

	call_free(c);
	return arg;
}
