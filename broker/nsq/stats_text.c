/* /stats as text, in nsqd's columns; see stats.h. */
#include <time.h>

#include "base/text.h"
#include "broker/nsq/json_out.h"
#include "broker/nsq/stats.h"

#define S_NS UINT64_C(1000000000)

typedef unsigned long long ull;

/* Names are not bounded by a line's width: %.*s of each, within their limits. */
__attribute__((format(printf, 2, 3))) static void put(struct buf *b, const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	buf_put(b, line, text_vformat(line, sizeof line, format, args));
	va_end(args);
}

/* A text that came from a client, on one line. */
static void put_clean(struct buf *b, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_put(b, s.p[i] < ' ' || s.p[i] == 0x7f ? (const uint8_t *)"?" : s.p + i, 1);
}

static void put_padded(struct buf *b, struct span s, size_t width)
{
	size_t letters = 0;

	put_clean(b, s);
	for (size_t i = 0; i < s.n; i++)
		letters += (s.p[i] & 0xc0) != 0x80;
	for (; letters < width; letters++)
		buf_put(b, " ", 1);
}

static struct span port_of(struct span remote)
{
	for (size_t i = remote.n; i > 0; i--)
		if (remote.p[i - 1] == ':')
			return span_of(remote.p + i, remote.n - i);
	return span_str("");
}

static void put_published(struct buf *b, const struct stats_view *v, const struct nsq_client_stat *c)
{
	uint64_t total = 0;
	bool any = false;

	for (uint32_t i = 0; i < c->n_published; i++)
		if (v->topic.n == 0 || span_eq(c->published[i].topic, v->topic))
			total += c->published[i].count;
	put(b, "msgs: %-8llu topics: ", (ull)total);
	for (uint32_t i = 0; i < c->n_published; i++) {
		if (v->topic.n > 0 && !span_eq(c->published[i].topic, v->topic))
			continue;
		json_raw(b, any ? "," : "");
		put_clean(b, c->published[i].topic);
		put(b, "=%llu", (ull)c->published[i].count);
		any = true;
	}
}

static bool published(const struct stats_view *v, const struct nsq_client_stat *c)
{
	for (uint32_t i = 0; i < c->n_published; i++)
		if (v->topic.n == 0 || span_eq(c->published[i].topic, v->topic))
			return true;
	return false;
}

static void put_client(struct buf *b, const struct stats_view *v, const struct nsq_client_stat *c)
{
	struct buf id;
	char since[48];
	uint64_t s = v->now_s > c->connected_s ? v->now_s - c->connected_s : 0;

	buf_init(&id);
	buf_put_span(&id, c->hostname);
	buf_put(&id, ":", 1);
	buf_put_span(&id, port_of(c->remote));
	buf_put(&id, " ", 1);
	buf_put_span(&id, c->user_agent);
	json_raw(b, "[V2 ");
	put_padded(b, buf_span(&id), 21);
	json_raw(b, "] ");
	buf_fini(&id);
	if (published(v, c))
		put_published(b, v, c);
	else
		put(b, "state: %u inflt: %-4llu rdy: %-4llu fin: %-8llu re-q: %-8llu msgs: %-8llu", c->state,
		    (ull)c->in_flight, (ull)c->ready, (ull)c->finished, (ull)c->requeued, (ull)c->messages);
	put(b, " connected: %s\n", stats_duration(s * S_NS, since));
}

static uint64_t on_disk(const struct msg_topic_rec *r)
{
	return (r->flags & TOPIC_EPHEMERAL) != 0 ? 0 : r->depth;
}

static void put_channel(const struct stats *s, const struct stats_view *v, const struct msg_topic_rec *r, struct buf *b)
{
	const struct nsq_client_stat *clients;
	uint32_t n;

	json_raw(b, (r->flags & TOPIC_PAUSED) != 0 ? "   *P [" : "      [");
	put_padded(b, r->channel, 25);
	put(b,
	    "] depth: %-5llu be-depth: %-5llu inflt: %-4llu def: %-4llu re-q: %-5llu timeout: %-5llu msgs: %-8llu "
	    "e2e%%: \n",
	    (ull)r->depth, (ull)on_disk(r), (ull)r->in_hand, (ull)r->deferred, (ull)r->requeued, (ull)r->timed_out,
	    (ull)r->messages);
	clients = stats_clients_of(s, r, &n);
	for (uint32_t i = 0; v->clients && i < n; i++) {
		json_raw(b, "        ");
		put_client(b, v, &clients[i]);
	}
}

static void put_topic(const struct stats *s, const struct stats_view *v, const struct stats_topic *t, struct buf *b)
{
	const struct msg_topic_rec *r = t->row;

	json_raw(b, (r->flags & TOPIC_PAUSED) != 0 ? "\n*P [" : "\n   [");
	put_padded(b, r->topic, 15);
	put(b, "] depth: %-5llu be-depth: %-5llu msgs: %-8llu e2e%%: \n", (ull)r->depth, (ull)on_disk(r),
	    (ull)r->messages);
	for (uint32_t i = 0; i < t->n; i++)
		if (stats_shows(v, &t->channels[i]))
			put_channel(s, v, &t->channels[i], b);
}

static void put_memory(const struct stats_view *v, struct buf *b)
{
	const struct {
		const char *name;
		uint64_t n;
	} rows[] = {
		{ "heap_objects", 0 },
		{ "heap_idle_bytes", v->heap_idle },
		{ "heap_in_use_bytes", v->heap_in_use },
		{ "heap_released_bytes", 0 },
		{ "gc_pause_usec_100", 0 },
		{ "gc_pause_usec_99", 0 },
		{ "gc_pause_usec_95", 0 },
		{ "next_gc_bytes", 0 },
		{ "gc_total_runs", 0 },
	};

	json_raw(b, "\nMemory:\n");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		put(b, "   %-25s\t%llu\n", rows[i].name, (ull)rows[i].n);
}

void stats_text(const struct stats *s, const struct stats_view *v, struct buf *out)
{
	time_t start = (time_t)v->start_s;
	struct stats_topic t;
	char text[48];
	struct tm tm;
	uint32_t at = 0;
	bool any = false;

	gmtime_r(&start, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	put(out, "nsqd v%s (built w/sheaf " SHEAF_VERSION ")\nstart_time %s\n", v->version, text);
	put(out, "uptime %s\n", stats_duration(v->uptime_ns, text));
	put(out, "\nHealth: %s\n", v->health);
	if (v->memory)
		put_memory(v, out);
	for (; stats_next(s, v, &at, &t); any = true) {
		json_raw(out, any ? "" : "\nTopics:");
		put_topic(s, v, &t, out);
	}
	json_raw(out, any ? "" : "\nTopics: None\n");
	any = false;
	for (uint32_t i = 0; v->clients && i < s->n_clients; i++) {
		if (s->clients[i].n_published == 0)
			continue;
		json_raw(out, any ? "   " : "\nProducers:\n   ");
		put_client(out, v, &s->clients[i]);
		any = true;
	}
	json_raw(out, any ? "" : "\nProducers: None\n");
}
