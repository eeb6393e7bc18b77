/* The table of paths, and the checks of arguments in the order in which nsqd makes them; see api.h. */
#include "broker/nsq/api.h"

#include "proto/codec.h"
#include "proto/packed.h"

struct route;
typedef void (*reader)(const struct route *route, const struct api_limits *l, const struct http_request *r,
                       const struct query *q, struct buf *packed, struct api_plan *plan);

struct route {
	const char *path;
	const char *method;
	reader read;
	enum topic_op op;
};

static void refuse(struct api_plan *p, unsigned status, const char *code)
{
	p->act = API_ANSWER;
	p->status = status;
	p->code = code;
}

/* The topic that must be named, with the code for a name that is none; NULL: any will do. */
static bool need_topic(const struct query *q, const char *invalid, struct api_plan *p)
{
	if (!query_get(q, "topic", &p->topic)) {
		refuse(p, 400, "MISSING_ARG_TOPIC");
		return false;
	}
	if (invalid != NULL && !name_topic_ok(p->topic)) {
		refuse(p, 400, invalid);
		return false;
	}
	return true;
}

static bool read_number(struct span s, uint64_t most, uint64_t *out)
{
	uint64_t n = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(s.p[i] - '0');
		if (n > most)
			return false;
	}
	*out = n;
	return true;
}

static void read_pub(const struct route *route, const struct api_limits *l, const struct http_request *r,
                     const struct query *q, struct buf *packed, struct api_plan *p)
{
	struct span defer;

	(void)route;
	if (r->too_big) {
		refuse(p, 413, "MSG_TOO_BIG");
		return;
	}
	if (r->body.n == 0) {
		refuse(p, 400, "MSG_EMPTY");
		return;
	}
	if (!need_topic(q, "INVALID_TOPIC", p))
		return;
	if (query_get(q, "defer", &defer) && !read_number(defer, l->defer_ms, &p->defer_ms)) {
		refuse(p, 400, "INVALID_DEFER");
		return;
	}
	p->act = API_PUBLISH;
	p->count = 1;
	packed_put(packed, r->body);
}

static void read_mpub(const struct route *route, const struct api_limits *l, const struct http_request *r,
                      const struct query *q, struct buf *packed, struct api_plan *p)
{
	struct span binary;
	const char *bad;

	(void)route;
	if (r->too_big) {
		refuse(p, 413, "BODY_TOO_BIG");
		return;
	}
	if (!need_topic(q, "INVALID_TOPIC", p))
		return;
	if (query_get(q, "binary", &binary) && query_bool(q, "binary", true))
		bad = api_pack_binary(l, r->body, packed, &p->count);
	else
		bad = api_pack_lines(l, r->body, packed, &p->count);
	if (bad != NULL)
		refuse(p, 413, bad);
	else if (p->count == 0)
		refuse(p, 200, "OK");
	else
		p->act = API_PUBLISH;
}

static void read_topic(const struct route *route, const struct api_limits *l, const struct http_request *r,
                       const struct query *q, struct buf *packed, struct api_plan *p)
{
	bool checked = route->op == TOPIC_CREATE || route->op == TOPIC_EMPTY;

	(void)l;
	(void)r;
	(void)packed;
	p->op = route->op;
	if (!need_topic(q, checked ? "INVALID_TOPIC" : NULL, p))
		return;
	if (!name_topic_ok(p->topic))
		refuse(p, 404, "TOPIC_NOT_FOUND");
	else
		p->act = API_TOPIC_OP;
}

static void read_channel(const struct route *route, const struct api_limits *l, const struct http_request *r,
                         const struct query *q, struct buf *packed, struct api_plan *p)
{
	(void)l;
	(void)r;
	(void)packed;
	p->op = route->op;
	if (!need_topic(q, "INVALID_ARG_TOPIC", p))
		return;
	if (!query_get(q, "channel", &p->channel))
		refuse(p, 400, "MISSING_ARG_CHANNEL");
	else if (!name_topic_ok(p->channel))
		refuse(p, 400, "INVALID_ARG_CHANNEL");
	else
		p->act = API_TOPIC_OP;
}

static void read_stats(const struct route *route, const struct api_limits *l, const struct http_request *r,
                       const struct query *q, struct buf *packed, struct api_plan *p)
{
	struct span format = { 0 };

	(void)route;
	(void)l;
	(void)r;
	(void)packed;
	query_get(q, "topic", &p->topic);
	query_get(q, "channel", &p->channel);
	query_get(q, "format", &format);
	p->json = span_eq(format, span_str("json"));
	p->clients = query_bool(q, "include_clients", true);
	p->memory = query_bool(q, "include_mem", true);
	p->act = API_STATS;
}

static void read_lookup(const struct route *route, const struct api_limits *l, const struct http_request *r,
                        const struct query *q, struct buf *packed, struct api_plan *p)
{
	(void)route;
	(void)l;
	(void)r;
	(void)packed;
	if (!need_topic(q, NULL, p))
		return;
	if (!name_topic_ok(p->topic))
		refuse(p, 404, "TOPIC_NOT_FOUND");
	else
		p->act = API_LOOKUP;
}

static void read_ping(const struct route *route, const struct api_limits *l, const struct http_request *r,
                      const struct query *q, struct buf *packed, struct api_plan *p)
{
	(void)route;
	(void)l;
	(void)r;
	(void)q;
	(void)packed;
	p->act = API_PING;
}

static void read_info(const struct route *route, const struct api_limits *l, const struct http_request *r,
                      const struct query *q, struct buf *packed, struct api_plan *p)
{
	(void)route;
	(void)l;
	(void)r;
	(void)q;
	(void)packed;
	p->act = API_INFO;
}

static void read_config_get(const struct route *route, const struct api_limits *l, const struct http_request *r,
                            const struct query *q, struct buf *packed, struct api_plan *p)
{
	size_t n = strlen(route->path);

	(void)l;
	(void)q;
	(void)packed;
	p->option = span_of(r->path.p + n, r->path.n - n);
	p->act = API_CONFIG_GET;
}

static void read_config_put(const struct route *route, const struct api_limits *l, const struct http_request *r,
                            const struct query *q, struct buf *packed, struct api_plan *p)
{
	read_config_get(route, l, r, q, packed, p);
	p->act = API_CONFIG_PUT;
	if (r->too_big || r->body.n == 0)
		refuse(p, 413, "INVALID_VALUE");
}

/* A path that ends with a slash stands for all below it. */
static const struct route routes[] = {
	{ "/ping", "GET", read_ping, 0 },
	{ "/info", "GET", read_info, 0 },
	{ "/pub", "POST", read_pub, 0 },
	{ "/mpub", "POST", read_mpub, 0 },
	{ "/stats", "GET", read_stats, 0 },
	{ "/lookup", "GET", read_lookup, 0 },
	{ "/topic/create", "POST", read_topic, TOPIC_CREATE },
	{ "/topic/delete", "POST", read_topic, TOPIC_DELETE },
	{ "/topic/empty", "POST", read_topic, TOPIC_EMPTY },
	{ "/topic/pause", "POST", read_topic, TOPIC_PAUSE },
	{ "/topic/unpause", "POST", read_topic, TOPIC_RESUME },
	{ "/channel/create", "POST", read_channel, TOPIC_CREATE },
	{ "/channel/delete", "POST", read_channel, TOPIC_DELETE },
	{ "/channel/empty", "POST", read_channel, TOPIC_EMPTY },
	{ "/channel/pause", "POST", read_channel, TOPIC_PAUSE },
	{ "/channel/unpause", "POST", read_channel, TOPIC_RESUME },
	{ "/config/", "GET", read_config_get, 0 },
	{ "/config/", "PUT", read_config_put, 0 },
};

static bool fits(const struct route *route, struct span path)
{
	size_t n = strlen(route->path);

	if (route->path[n - 1] != '/')
		return span_eq(path, span_str(route->path));
	return path.n > n && memcmp(path.p, route->path, n) == 0;
}

/* NULL if the path has no such method; then *allow says which it has, or is NULL too. */
static const struct route *find(const struct http_request *r, const char **allow)
{
	*allow = NULL;
	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
		if (!fits(&routes[i], r->path))
			continue;
		if (strcmp(routes[i].method, r->method) == 0)
			return &routes[i];
		*allow = routes[i].read == read_config_get || routes[i].read == read_config_put ? "GET, OPTIONS, PUT"
		         : routes[i].method[0] == 'G'                                           ? "GET, OPTIONS"
		                                                                                : "OPTIONS, POST";
	}
	return NULL;
}

size_t api_body_bound(const struct api_limits *l, const struct http_request *head)
{
	const char *allow;
	const struct route *route = find(head, &allow);

	if (route == NULL)
		return 0;
	if (route->read == read_mpub)
		return l->body_bytes;
	return route->read == read_pub || route->read == read_config_put ? l->message_bytes : 0;
}

void api_read(const struct api_limits *l, const struct http_request *r, struct query *q, struct buf *packed,
              struct api_plan *plan)
{
	const char *allow;
	const struct route *route = find(r, &allow);

	*plan = (struct api_plan){ .status = 200 };
	if (route == NULL && allow != NULL) {
		plan->allow = allow;
		if (strcmp(r->method, "OPTIONS") != 0)
			refuse(plan, 405, "METHOD_NOT_ALLOWED");
	} else if (route == NULL) {
		refuse(plan, 404, "NOT_FOUND");
	} else if (!query_read(q, r->query) && route->read != read_ping && route->read != read_info) {
		/* nsqd looks at size and emptiness of a message first */
		if (route->read == read_pub && (r->too_big || r->body.n == 0))
			read_pub(route, l, r, q, packed, plan);
		else
			refuse(plan, 400, "INVALID_REQUEST");
	} else {
		route->read(route, l, r, q, packed, plan);
	}
}
