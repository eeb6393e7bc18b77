/* What /stats says, as text and as JSON, in nsqd's form. */
#ifndef SHEAF_NSQ_STATS_H
#define SHEAF_NSQ_STATS_H

#include "base/buf.h"
#include "broker/nsq/client_stat.h"
#include "proto/msg_topic.h"

/* Rows and connections, copied and put in order. Zeroed, it is empty. */
struct stats {
	struct msg_topic_rec
	    *rows; /* by topic, then channel, a topic's own row first; spans are offsets until sorted */
	uint32_t n_rows, cap_rows;
	struct nsq_client_stat *clients; /* by topic, then channel, then when they came */
	uint32_t n_clients, cap_clients;
	struct nsq_pub_count *published;
	uint32_t n_published, cap_published;
	struct buf text; /* of all spans */
};

void stats_free(struct stats *s);
void stats_add_row(struct stats *s, const struct msg_topic_rec *row);
void stats_add_client(struct stats *s, const struct nsq_client_stat *client);

/* Sorts; nothing may be added any more, and spans are spans. */
void stats_sort(struct stats *s);

/* How it is to be told. */
struct stats_view {
	const char *version; /* of NSQ, that this behaves like */
	const char *health;  /* "OK", or "NOK - why" */
	uint64_t start_s;    /* wall clock */
	uint64_t now_s;
	uint64_t uptime_ns;
	struct span topic; /* only this; empty = all */
	struct span channel;
	bool clients;
	bool memory;
	uint64_t heap_in_use; /* bytes */
	uint64_t heap_idle;
};

void stats_json(const struct stats *s, const struct stats_view *v, struct buf *out);
void stats_text(const struct stats *s, const struct stats_view *v, struct buf *out);

/* Rows of one topic, and then the topics behind it: what both forms walk over. */
struct stats_topic {
	const struct msg_topic_rec *row;
	const struct msg_topic_rec *channels;
	uint32_t n;
};

/* The next topic that the view shows; *at begins as 0. */
bool stats_next(const struct stats *s, const struct stats_view *v, uint32_t *at, struct stats_topic *t);

/* Does the view show this channel? */
bool stats_shows(const struct stats_view *v, const struct msg_topic_rec *channel);

/* The connections that are subscribed to it. */
const struct nsq_client_stat *stats_clients_of(const struct stats *s, const struct msg_topic_rec *channel, uint32_t *n);

/* A duration as Go writes it, such as 1m14.126696957s, into `out`. */
const char *stats_duration(uint64_t ns, char out[48]);

#endif
