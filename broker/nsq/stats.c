/* Gathering what /stats is made of, and finding one's way in it; see stats.h. */
#include "broker/nsq/stats.h"

#include <stdlib.h>

#include "base/text.h"

void stats_free(struct stats *s)
{
	free(s->rows);
	free(s->clients);
	free(s->published);
	buf_fini(&s->text);
	*s = (struct stats){ 0 };
}

/* Room for one more; returns the (perhaps moved) array. */
static void *room(void *v, uint32_t n, uint32_t *cap, size_t size)
{
	if (n < *cap)
		return v;
	*cap = *cap > 0 ? *cap * 2 : 64;
	v = realloc(v, *cap * size);
	must(v != NULL);
	return v;
}

/* The text may move until all is there: so long p is an offset. */
static void keep(struct stats *s, struct span *t)
{
	size_t at = s->text.n;

	buf_put_span(&s->text, *t);
	t->p = (const uint8_t *)(uintptr_t)at; // NOLINT: see above
}

static void find(const struct stats *s, struct span *t)
{
	t->p = t->n > 0 ? s->text.p + (uintptr_t)t->p : NULL;
}

typedef void (*span_act)(struct stats *s, struct span *t);

static void keep_act(struct stats *s, struct span *t)
{
	keep(s, t);
}

static void find_act(struct stats *s, struct span *t)
{
	find(s, t);
}

static void each_of_row(struct stats *s, struct msg_topic_rec *r, span_act act)
{
	act(s, &r->topic);
	act(s, &r->channel);
	act(s, &r->dead_topic);
}

static void each_of_client(struct stats *s, struct nsq_client_stat *c, span_act act)
{
	struct span *const all[] = { &c->topic,      &c->channel,     &c->client_id, &c->hostname,
		                     &c->user_agent, &c->remote,      &c->zone,      &c->region,
		                     &c->tls_cipher, &c->tls_version, &c->identity,  &c->identity_url };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		act(s, all[i]);
}

void stats_add_row(struct stats *s, const struct msg_topic_rec *row)
{
	s->rows = room(s->rows, s->n_rows, &s->cap_rows, sizeof *s->rows);
	s->rows[s->n_rows] = *row;
	each_of_row(s, &s->rows[s->n_rows++], keep_act);
}

void stats_add_client(struct stats *s, const struct nsq_client_stat *client)
{
	struct nsq_client_stat *c;

	s->clients = room(s->clients, s->n_clients, &s->cap_clients, sizeof *s->clients);
	c = &s->clients[s->n_clients++];
	*c = *client;
	each_of_client(s, c, keep_act);
	c->published = (const struct nsq_pub_count *)(uintptr_t)s->n_published; /* an index, as long as offsets are */
	for (uint32_t i = 0; i < client->n_published; i++) {
		s->published = room(s->published, s->n_published, &s->cap_published, sizeof *s->published);
		s->published[s->n_published] = client->published[i];
		keep(s, &s->published[s->n_published++].topic);
	}
}

static int compare_spans(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

static int compare_rows(const void *pa, const void *pb)
{
	const struct msg_topic_rec *a = pa, *b = pb;
	int c = compare_spans(a->topic, b->topic);

	return c != 0 ? c : compare_spans(a->channel, b->channel);
}

static int compare_clients(const void *pa, const void *pb)
{
	const struct nsq_client_stat *a = pa, *b = pb;
	int c = compare_spans(a->topic, b->topic);

	c = c != 0 ? c : compare_spans(a->channel, b->channel);
	c = c != 0 ? c : (a->connected_s > b->connected_s) - (a->connected_s < b->connected_s);
	return c != 0 ? c : compare_spans(a->remote, b->remote);
}

void stats_sort(struct stats *s)
{
	for (uint32_t i = 0; i < s->n_rows; i++)
		each_of_row(s, &s->rows[i], find_act);
	for (uint32_t i = 0; i < s->n_published; i++)
		find(s, &s->published[i].topic);
	for (uint32_t i = 0; i < s->n_clients; i++) {
		struct nsq_client_stat *c = &s->clients[i];

		each_of_client(s, c, find_act);
		c->published = c->n_published > 0 ? s->published + (uintptr_t)c->published : NULL;
	}
	if (s->n_rows > 0)
		qsort(s->rows, s->n_rows, sizeof *s->rows, compare_rows);
	if (s->n_clients > 0)
		qsort(s->clients, s->n_clients, sizeof *s->clients, compare_clients);
}

bool stats_shows(const struct stats_view *v, const struct msg_topic_rec *channel)
{
	return v->channel.n == 0 || span_eq(channel->channel, v->channel);
}

/* nsqd leaves a topic out that has not the channel that was asked for. */
static bool has_shown(const struct stats_view *v, const struct stats_topic *t)
{
	if (v->topic.n > 0 && !span_eq(t->row->topic, v->topic))
		return false;
	for (uint32_t i = 0; i < t->n; i++)
		if (stats_shows(v, &t->channels[i]))
			return true;
	return v->channel.n == 0;
}

bool stats_next(const struct stats *s, const struct stats_view *v, uint32_t *at, struct stats_topic *t)
{
	while (*at < s->n_rows) {
		t->row = &s->rows[*at];
		t->channels = t->row + 1;
		for (t->n = 0; *at + 1 + t->n < s->n_rows; t->n++)
			if (!span_eq(t->channels[t->n].topic, t->row->topic))
				break;
		*at += 1 + t->n;
		if (has_shown(v, t))
			return true;
	}
	return false;
}

const struct nsq_client_stat *stats_clients_of(const struct stats *s, const struct msg_topic_rec *channel, uint32_t *n)
{
	uint32_t from = 0, to = s->n_clients;

	while (from < to) {
		uint32_t mid = from + (to - from) / 2;
		const struct nsq_client_stat *c = &s->clients[mid];
		int order = compare_spans(c->topic, channel->topic);

		order = order != 0 ? order : compare_spans(c->channel, channel->channel);
		if (order < 0)
			from = mid + 1;
		else
			to = mid;
	}
	for (*n = 0; from + *n < s->n_clients; ++*n)
		if (!span_eq(s->clients[from + *n].topic, channel->topic) ||
		    !span_eq(s->clients[from + *n].channel, channel->channel))
			break;
	return s->clients + from;
}

const char *stats_duration(uint64_t ns, char out[48])
{
	uint64_t s = ns / 1000000000, part = ns % 1000000000;
	size_t n = 0;

	if (s == 0 && part > 0) {
		/* below a second Go uses ms, µs and ns; three digits less each time */
		uint64_t unit = part >= 1000000 ? 1000000 : part >= 1000 ? 1000 : 1;

		n = text_format(out, 48, "%llu", (unsigned long long)(part / unit));
		if (part % unit != 0) {
			n += text_format(out + n, 48 - n, ".%0*llu", unit == 1000000 ? 6 : 3,
			                 (unsigned long long)(part % unit));
			while (out[n - 1] == '0')
				out[--n] = 0;
		}
		text_format(out + n, 48 - n, "%s", unit == 1000000 ? "ms" : unit == 1000 ? "µs" : "ns");
		return out;
	}
	if (s >= 3600)
		n = text_format(out, 48, "%lluh", (unsigned long long)(s / 3600));
	if (s >= 60)
		n += text_format(out + n, 48 - n, "%llum", (unsigned long long)(s / 60 % 60));
	n += text_format(out + n, 48 - n, "%llu", (unsigned long long)(s % 60));
	if (part > 0) {
		n += text_format(out + n, 48 - n, ".%09llu", (unsigned long long)part);
		while (out[n - 1] == '0')
			out[--n] = 0;
	}
	text_format(out + n, 48 - n, "s");
	return out;
}
