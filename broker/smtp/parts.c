/* See parts.h. */
#include "broker/smtp/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/text.h"
#include "broker/smtp/server.h"
#include "broker/smtp/spool.h"
#include "broker/smtp/store.h"

enum { COUNTS_MS = 60000 /* between lines that say what was counted, if it has changed */ };

struct smtp_parts {
	uv_loop_t *loop;
	const struct smtp_config *config;
	const char *prefix;      /* of the options' names */
	struct tls_context *tls; /* NULL: there is no certificate */
	struct smtp_counts counts;
	struct spool_room spools;
	struct smtp_server *server;
	struct store *store;             /* NULL before it starts */
	uv_timer_t timer;                /* of the counters' line */
	uint64_t told[SMTP_PARTS_STATS]; /* what was counted when it was written */
	bool failed;
	char addresses[4 * LIMIT_ENDPOINT];
	void (*closed)(void *arg);
	void *closed_arg;
};

/* ---- counters ---- */

static_assert(sizeof(struct smtp_counts) / sizeof(uint64_t) <= SMTP_PARTS_STATS, "all counters have room");

uint32_t smtp_parts_stats(const struct smtp_parts *p, struct msg_stat_rec to[SMTP_PARTS_STATS])
{
	uint32_t n = 0;

#define ONE(name, text)                                                                                                \
	to[n++] = (struct msg_stat_rec){ span_str("smtp_" #name),                                                      \
		                         atomic_load_explicit(&p->counts.name, memory_order_relaxed) };
	SMTP_COUNTS(ONE)
#undef ONE
	return n;
}

static void log_counts(struct smtp_parts *p)
{
	static const char prefix[] = "smtp_";
	struct msg_stat_rec v[SMTP_PARTS_STATS];
	uint32_t n = smtp_parts_stats(p, v);
	bool changed = false;
	char line[1024];
	size_t at = 0;

	for (uint32_t i = 0; i < n; i++) {
		changed |= v[i].value != p->told[i];
		p->told[i] = v[i].value;
	}
	if (!changed)
		return;
	line[0] = '\0';
	for (uint32_t i = 0; i < n; i++)
		if (v[i].value > 0)
			at +=
			    text_format(line + at, sizeof line - at, "%s%.*s=%llu", at > 0 ? " " : "",
			                (int)(v[i].name.n - (sizeof prefix - 1)),
			                (const char *)v[i].name.p + sizeof prefix - 1, (unsigned long long)v[i].value);
	log_line(LOG_INFO, "smtp-counts", "%s", line);
}

static void on_timer(uv_timer_t *t)
{
	log_counts(t->data);
}

/* ---- the beginning ---- */

static void add_address(struct smtp_parts *p, const char *name, const struct edge_address *a, enum smtp_port which)
{
	struct edge_address at = *a;
	size_t n = strlen(p->addresses);
	char text[EDGE_ADDRESS_TEXT];

	if (a->host[0] == '\0')
		return;
	at.port = smtp_server_port(p->server, which);
	text_format(p->addresses + n, sizeof p->addresses - n, " %s=%s", name,
	            a->host[0] == '/' ? a->host : edge_address_show(&at, text));
}

static int bind_all(struct smtp_parts *p, char *err)
{
	const struct smtp_config *c = p->config;
	const struct smtp_server_setup setup = {
		.loop = p->loop, .config = c, .tls = p->tls, .counts = &p->counts, .spools = &p->spools
	};
	char why[SMTP_SERVER_ERR];

	p->server = smtp_server_open(&setup, why);
	if (p->server == NULL) {
		/* "--listen: …" is "--smtp: …" in sheafd, the others begin with "--smtp-" */
		bool plain = *p->prefix != '\0' && strncmp(why, "--listen:", 9) == 0;

		text_format(err, SMTP_PARTS_ERR, "--%s%s", plain ? "smtp" : p->prefix, why + (plain ? 8 : 2));
		return -1;
	}
	add_address(p, "smtp", &c->smtp, SMTP_PORT_PLAIN);
	add_address(p, "smtp-tls", &c->tls, SMTP_PORT_TLS);
	add_address(p, "lmtp", &c->lmtp, SMTP_PORT_LMTP);
	return 0;
}

struct smtp_parts *smtp_parts_open(uv_loop_t *loop, const struct smtp_config *c, const char *prefix,
                                   char err[SMTP_PARTS_ERR])
{
	struct smtp_parts *p = calloc(1, sizeof *p);

	must(p != NULL);
	p->loop = loop;
	p->config = c;
	p->prefix = prefix;
	p->spools.dir = c->spool;
	p->spools.limit = c->spool_bytes;
	if (c->with_tls) {
		p->tls = tls_context_new(&c->tls_files, err);
		if (p->tls == NULL)
			goto err_free;
	}
	if (bind_all(p, err) != 0)
		goto err_tls;
	must(uv_timer_init(loop, &p->timer) == 0);
	p->timer.data = p;
	return p;

err_tls:
	tls_context_free(p->tls);
err_free:
	free(p);
	return NULL;
}

static int make_spool_folder(const struct smtp_parts *p, char *err)
{
	const struct smtp_config *c = p->config;
	struct stat st;

	if (mkdir(c->spool, 0700) == 0)
		return 0;
	if (errno != EEXIST)
		text_format(err, SMTP_PARTS_ERR, "--%sspool: cannot make %.200s: %s", p->prefix, c->spool,
		            strerror(errno));
	else if (stat(c->spool, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	else
		text_format(err, SMTP_PARTS_ERR, "--%sspool: %.200s is no directory", p->prefix, c->spool);
	return -1;
}

int smtp_parts_start(struct smtp_parts *p, const struct link_setup *link, char err[SMTP_PARTS_ERR])
{
	const struct store_setup setup = { .loop = p->loop, .config = p->config, .link = *link };

	if (make_spool_folder(p, err) != 0)
		return -1;
	p->store = store_open(&setup);
	if (p->store == NULL) {
		text_format(err, SMTP_PARTS_ERR, "no socket is left to connect to the broker with");
		return -1;
	}
	smtp_server_run(p->server, p->store);
	uv_timer_start(&p->timer, on_timer, COUNTS_MS, COUNTS_MS);
	return 0;
}

const char *smtp_parts_addresses(const struct smtp_parts *p)
{
	return p->addresses;
}

/* ---- the end ---- */

void smtp_parts_drain(struct smtp_parts *p, bool now)
{
	smtp_server_drain(p->server, now);
}

void smtp_parts_fail(struct smtp_parts *p)
{
	p->failed = true;
	if (p->store != NULL)
		store_fail(p->store);
	smtp_server_fail(p->server);
}

bool smtp_parts_done(const struct smtp_parts *p)
{
	return smtp_server_done(p->server) && (p->failed || p->store == NULL || store_idle(p->store));
}

/* One part after the other, the one that others use last. */
static void timer_is_closed(uv_handle_t *t)
{
	struct smtp_parts *p = t->data;
	void (*closed)(void *arg) = p->closed;
	void *arg = p->closed_arg;

	tls_context_free(p->tls);
	free(p);
	closed(arg);
}

static void store_is_closed(void *arg)
{
	struct smtp_parts *p = arg;

	uv_close((uv_handle_t *)&p->timer, timer_is_closed);
}

static void server_is_closed(void *arg)
{
	struct smtp_parts *p = arg;

	log_counts(p);
	smtp_server_free(p->server);
	p->server = NULL;
	if (p->store != NULL)
		store_close(&p->store, store_is_closed, p);
	else
		store_is_closed(p);
}

void smtp_parts_close(struct smtp_parts *p, void (*closed)(void *arg), void *arg)
{
	p->closed = closed;
	p->closed_arg = arg;
	smtp_server_close(p->server, server_is_closed, p);
}
