/* See edges.h. */
#include "broker/edges.h"

#include "base/text.h"
#include "broker/nsq/edge.h"
#include "broker/smtp/smtp_edge.h"

/* What the loop calls of an edge whose functions begin with `prefix`; `counters`: NULL, or its loop_edge.stats. */
#define HOOKS(prefix, counters)                                                                                        \
	static void prefix##_drain_hook(void *e)                                                                       \
	{                                                                                                              \
		prefix##_drain(e);                                                                                     \
	}                                                                                                              \
	static void prefix##_fail_hook(void *e)                                                                        \
	{                                                                                                              \
		prefix##_fail(e);                                                                                      \
	}                                                                                                              \
	static bool prefix##_done_hook(void *e)                                                                        \
	{                                                                                                              \
		return prefix##_done(e);                                                                               \
	}                                                                                                              \
	static int prefix##_start_hook(void *e, void *zmq_context, const char *endpoint, char *err)                    \
	{                                                                                                              \
		return prefix##_start(e, zmq_context, endpoint, err);                                                  \
	}                                                                                                              \
	static const char *prefix##_addresses_hook(void *e)                                                            \
	{                                                                                                              \
		return prefix##_addresses(e);                                                                          \
	}                                                                                                              \
	static void prefix##_free_hook(void *e)                                                                        \
	{                                                                                                              \
		prefix##_free(e);                                                                                      \
	}                                                                                                              \
	static const struct loop_edge prefix##_hooks = { .drain = prefix##_drain_hook,                                 \
		                                         .fail = prefix##_fail_hook,                                   \
		                                         .done = prefix##_done_hook,                                   \
		                                         .stats = (counters),                                          \
		                                         .start = prefix##_start_hook,                                 \
		                                         .addresses = prefix##_addresses_hook,                         \
		                                         .free = prefix##_free_hook };

static uint32_t smtp_counters(void *e, struct msg_stat_rec *to)
{
	return smtp_edge_stats(e, to);
}

HOOKS(nsq_edge, NULL)
HOOKS(smtp_edge, smtp_counters)

static_assert((int)NSQ_EDGE_ERR == (int)OPTIONS_ERR && (int)SMTP_EDGE_ERR == (int)OPTIONS_ERR, "a sentence has room");
static_assert((int)SMTP_EDGE_STATS == (int)LOOP_EDGE_STATS, "counters have room");

/* False if it could not be opened. */
static bool add(struct loop *l, const struct loop_edge *hooks, void *ctx)
{
	if (ctx == NULL)
		return false;
	must(l->n_edges < LOOP_EDGES);
	l->edges[l->n_edges] = *hooks;
	l->edges[l->n_edges++].ctx = ctx;
	return true;
}

int edges_open(struct loop *l, char err[OPTIONS_ERR])
{
	const struct config *c = l->config;

	if (nsq_wanted(&c->nsq) && !add(l, &nsq_edge_hooks, nsq_edge_open(&c->nsq, err)))
		return -1;
	if (smtp_wanted(&c->smtp) && !add(l, &smtp_edge_hooks, smtp_edge_open(&c->smtp, err)))
		return -1;
	return 0;
}

int edges_start(struct loop *l, char err[OPTIONS_ERR])
{
	for (uint32_t i = 0; i < l->n_edges; i++)
		if (l->edges[i].start(l->edges[i].ctx, l->sockets.context, EDGES_AT, err) != 0)
			return -1;
	return 0;
}

const char *edges_where(const struct loop *l, char to[EDGES_WHERE])
{
	size_t n = 0;

	to[0] = '\0';
	for (uint32_t i = 0; i < l->n_edges; i++)
		n += text_format(to + n, EDGES_WHERE - n, "%s", l->edges[i].addresses(l->edges[i].ctx));
	return to;
}

void edges_free(struct loop *l)
{
	for (uint32_t i = 0; i < l->n_edges; i++)
		l->edges[i].free(l->edges[i].ctx);
	l->n_edges = 0;
}
