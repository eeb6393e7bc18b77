/* See smtp_config.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/suggest.h"
#include "base/text.h"
#include "base/units.h"
#include "broker/smtp/config_read.h"
#include "broker/smtp/path.h"
#include "broker/smtp/smtp_options.h"
#include "broker/smtp/users.h"
#include "proto/codec.h"

static const uint64_t IDLE_MS = 300000, DATA_MS = 600000, ANSWER_MS = 30000, DATA_RATE = 100, PER_ADDRESS = 256,
		      HOUR_MS = 3600000, SPOOL_BYTES = (uint64_t)1 << 30;

/* What is read, and from where. */
struct reading {
	struct smtp_config *c;
	const struct options *o;
	const char *prefix;
	struct mistakes *m;
};

/* The value of an option, or NULL; *at is its place. */
static const char *value_of(const struct reading *r, const char *key, struct config_at *at)
{
	const char *value;

	*at = config_option(r->o, r->prefix, r->m, key);
	return config_given(at, &value) ? value : NULL;
}

/* ---- addresses and names ---- */

static void read_listen(const struct reading *r, const char *key, struct edge_address *a)
{
	struct config_at at;
	const char *value = value_of(r, key, &at);

	if (value != NULL && !edge_address_read(value, 0, a))
		config_bad(&at, value, "is no address such as 127.0.0.1:2525");
}

static void read_lmtp(const struct reading *r)
{
	struct config_at at;
	const char *value = value_of(r, "lmtp", &at);
	struct sockaddr_un un;

	if (value == NULL)
		return;
	if (value[0] == '/' && strlen(value) < sizeof un.sun_path)
		text_format(r->c->lmtp.host, sizeof r->c->lmtp.host, "%s", value);
	else if (value[0] == '/')
		config_bad(&at, value, "is longer than the path of a socket can be (107 bytes)");
	else if (!edge_address_read(value, 0, &r->c->lmtp))
		config_bad(&at, value, "is no address such as 127.0.0.1:2424, and no /PATH of a Unix socket");
}

static void read_hostname(const struct reading *r)
{
	struct smtp_config *c = r->c;
	struct config_at at;
	const char *value = value_of(r, "hostname", &at);

	if (value == NULL) {
		if (gethostname(c->hostname, sizeof c->hostname) != 0)
			c->hostname[0] = '\0';
		c->hostname[sizeof c->hostname - 1] = '\0';
		if (!path_domain_ok(span_str(c->hostname)))
			text_format(c->hostname, sizeof c->hostname, "localhost");
	} else if (path_domain_ok(span_str(value))) {
		text_format(c->hostname, sizeof c->hostname, "%s", value);
	} else {
		config_bad(&at, value, "is no name of a host, such as mail.example.org");
	}
}

static void take_domain(void *arg, const struct config_at *at, const char *word)
{
	struct smtp_config *c = arg;
	struct config_texts t = { c->domains, c->n_domains };

	if (!path_domain_ok(span_str(word))) {
		config_bad(at, word, "is no domain such as jobs.example.org");
		return;
	}
	config_texts_add(&t, word, true);
	c->domains = t.v;
	c->n_domains = t.n;
}

static void take_proxy(void *arg, const struct config_at *at, const char *word)
{
	struct smtp_config *c = arg;
	uint32_t before = c->n_proxies;

	config_network(&c->proxies, &c->n_proxies, at, word);
	if (c->n_proxies > before && c->proxies[before].bits == 0)
		config_bad(at, word, "is everybody: then each client could say that it is from this machine");
}

static void read_postmaster(const struct reading *r)
{
	struct config_at at;
	const char *value = value_of(r, "postmaster", &at);

	if (value == NULL)
		value = "postmaster";
	if (name_queue_ok(span_str(value)))
		text_format(r->c->postmaster, sizeof r->c->postmaster, "%s", value);
	else
		config_bad(&at, value, "is no name of a queue: 1 to 56 of a-z 0-9 . _ -, a letter or digit first");
}

/* ---- TLS and users ---- */

static void read_tls(const struct reading *r)
{
	struct smtp_config *c = r->c;
	struct config_at cert, key, version, required, listen;
	const char *least = value_of(r, "tls-min-version", &version);
	bool is_required = value_of(r, "tls-required", &required) != NULL;
	char what[120];

	c->tls_files = (struct tls_config){ .cert = value_of(r, "tls-cert", &cert),
		                            .key = value_of(r, "tls-key", &key),
		                            .min_version = 12,
		                            .prefix = r->prefix };
	c->with_tls = c->tls_files.cert != NULL && c->tls_files.key != NULL;
	c->tls_required = is_required;
	text_format(what, sizeof what, "means nothing without --%stls-%s FILE", r->prefix,
	            c->tls_files.cert == NULL ? "cert" : "key");
	if (c->tls_files.cert == NULL && c->tls_files.key != NULL)
		config_bad(&key, NULL, what);
	if (c->tls_files.cert != NULL && c->tls_files.key == NULL)
		config_bad(&cert, NULL, what);
	text_format(what, sizeof what, "means nothing without --%stls-cert FILE and --%stls-key FILE", r->prefix,
	            r->prefix);
	if (least != NULL && strcmp(least, "tls1.3") == 0)
		c->tls_files.min_version = 13;
	else if (least != NULL && strcmp(least, "tls1.2") != 0)
		config_bad(&version, least, "is neither tls1.2 nor tls1.3");
	if (c->tls_files.cert != NULL || c->tls_files.key != NULL)
		return; /* at most one is missing, and that has been told */
	if (least != NULL)
		config_bad(&version, NULL, what);
	if (is_required)
		config_bad(&required, NULL, what);
	if (value_of(r, "tls-listen", &listen) != NULL)
		config_bad(&listen, NULL, what);
}

static void read_users(const struct reading *r)
{
	struct config_at at;
	const char *value = value_of(r, "users", &at);
	char err[USERS_ERR], what[200];

	if (value == NULL)
		return;
	text_format(what, sizeof what,
	            "means nothing without --%stls-cert FILE and --%stls-key FILE: passwords are taken under TLS only",
	            r->prefix, r->prefix);
	if (r->c->tls_files.cert == NULL && r->c->tls_files.key == NULL)
		config_bad(&at, NULL, what);
	r->c->users = users_read(value, err);
	if (r->c->users == NULL)
		mistakes_add(r->m, "%s", err);
}

/* ---- numbers ---- */

static void read_number(const struct reading *r, const char *key, uint64_t otherwise, uint64_t most, uint32_t *out)
{
	struct config_at at;
	const char *value = value_of(r, key, &at);
	uint64_t v = otherwise;
	char what[80];

	text_format(what, sizeof what, "is no whole number from 1 to %llu", (unsigned long long)most);
	if (value != NULL && !units_number(value, 1, most, &v))
		config_bad(&at, value, what);
	*out = (uint32_t)v;
}

static void read_duration(const struct reading *r, const char *key, uint64_t otherwise, uint64_t most, uint64_t *out)
{
	struct config_at at;
	const char *value = value_of(r, key, &at);
	char what[80], low[24], high[24];

	*out = otherwise;
	text_format(what, sizeof what, "is no duration from %s to %s", units_type_duration(1000, low),
	            units_type_duration(most, high));
	if (value != NULL && (!units_duration(value, out) || *out < 1000 || *out > most))
		config_bad(&at, value, what);
}

static void read_size(const struct reading *r, const char *key, uint64_t otherwise, uint64_t least, uint64_t most,
                      uint64_t *out)
{
	struct config_at at;
	const char *value = value_of(r, key, &at);
	char what[80], low[24], high[24];

	*out = otherwise;
	text_format(what, sizeof what, "is no size from %s to %s", units_show_size(least, low),
	            units_show_size(most, high));
	if (value != NULL && (!units_size(value, out) || *out < least || *out > most))
		config_bad(&at, value, what);
}

static void read_bounds(const struct reading *r)
{
	struct smtp_config *c = r->c;
	struct config_at at;

	read_size(r, "size", LIMIT_MAIL, KIB, LIMIT_MAIL, &c->size);
	read_number(r, "connections", 0, LIMIT_MAIL_SESSIONS, &c->connections);
	read_number(r, "per-address", PER_ADDRESS, LIMIT_MAIL_SESSIONS, &c->per_address);
	c->per_address_given = value_of(r, "per-address", &at) != NULL;
	read_duration(r, "idle", IDLE_MS, HOUR_MS, &c->idle_ms);
	read_duration(r, "data-time", DATA_MS, 24 * HOUR_MS, &c->data_ms);
	read_duration(r, "answer", ANSWER_MS, HOUR_MS, &c->answer_ms);
	read_size(r, "data-rate", DATA_RATE, 0, GIB, &c->data_rate);
	read_size(r, "spool-bytes", SPOOL_BYTES, KIB, (uint64_t)1 << 50, &c->spool_bytes);
	if (c->spool_bytes < c->size && value_of(r, "spool-bytes", &at) != NULL)
		config_bad(&at, value_of(r, "spool-bytes", &at), "is less than one mail may have");
}

static void read_spool(const struct reading *r, const char *otherwise)
{
	struct config_at at;
	const char *value = value_of(r, "spool", &at);

	if (value != NULL && (*value == '\0' || strlen(value) > 3500))
		config_bad(&at, NULL, "is no directory");
	r->c->spool = strdup(value != NULL ? value : otherwise);
	must(r->c->spool != NULL);
}

/* ---- all of it ---- */

/* What was said of mail although there shall be none. */
static void check_unused(const struct reading *r)
{
	static const struct option_spec all[] = { SMTP_OPTIONS("listen", "") };
	char what[120], name[CONFIG_NAME];
	struct config_at at;

	text_format(what, sizeof what, "means nothing without an address: --%s HOST:PORT",
	            config_name(r->prefix, "listen", name));
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (value_of(r, all[i].name, &at) != NULL)
			config_bad(&at, NULL, what);
	if (r->o->n_entries > 0) {
		text_format(what, sizeof what, "means nothing without `listen = HOST:PORT` in [smtp]");
		at = (struct config_at){ .o = r->o, .m = r->m, .entry = &r->o->entries[0] };
		at.key = at.entry->key;
		at.line = at.entry->line;
		config_bad(&at, NULL, what);
	}
}

void smtp_config_read(struct smtp_config *c, const struct options *o, const char *prefix, const char *spool,
                      struct mistakes *m)
{
	struct reading r = { c, o, prefix, m };
	struct config_at at;
	uint32_t before = m->n;

	*c = (struct smtp_config){ 0 };
	read_listen(&r, "listen", &c->smtp);
	read_listen(&r, "tls-listen", &c->tls);
	read_lmtp(&r);
	if (!smtp_wanted(c)) {
		if (m->n == before)
			check_unused(&r);
		return;
	}
	read_hostname(&r);
	at = config_option(o, prefix, m, "domain");
	config_words(&at, take_domain, c);
	at = config_option(o, prefix, m, "proxy");
	config_words(&at, take_proxy, c);
	read_postmaster(&r);
	read_tls(&r);
	read_users(&r);
	config_policies(c, o, prefix, m);
	read_bounds(&r);
	read_spool(&r, spool);
}

void smtp_config_fini(struct smtp_config *c)
{
	config_texts_free(c->domains, c->n_domains);
	free(c->proxies);
	free(c->spool);
	users_free(c->users);
	config_policies_free(c);
	*c = (struct smtp_config){ 0 };
}
