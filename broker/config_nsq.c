/* See config_nsq.h. */
#include "broker/config_nsq.h"

#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "proto/endpoint.h"

/* What NSQ's own broker, nsqd, does unless told otherwise. */
static const uint64_t MSG_MS = 60000, MAX_MSG_MS = 15 * 60000, MAX_REQ_MS = 3600000, MAX_HEARTBEAT_MS = 60000,
		      MAX_RDY = 2500, MAX_DEFLATE = 6, LEAST_MS = 1000;

static int bad(char *err, const char *name, const char *value, const char *what)
{
	text_format(err, OPTIONS_ERR, "--%s: '%.100s' %s", name, value, what);
	return -1;
}

static int without(char *err, const char *name, const char *needs)
{
	text_format(err, OPTIONS_ERR, "--%s means nothing without %s", name, needs);
	return -1;
}

static int read_listen(const struct options *o, const char *name, struct edge_address *a, char *err)
{
	const char *value = options_get(o, name);

	if (value == NULL || edge_address_read(value, 0, a))
		return 0;
	return bad(err, name, value, "is no address such as 127.0.0.1:4150");
}

/* Cuts each of the values at its commas. */
static int read_list(const struct options *o, const char *name, bool urls, char **out, uint32_t *n, char *err)
{
	char **values, *next;
	int given = options_list(o, name, &values);

	for (int i = 0; i < given; i++)
		for (char *one = strtok_r(values[i], ", ", &next); one != NULL; one = strtok_r(NULL, ", ", &next)) {
			struct edge_address a;
			bool url = strncmp(one, "http://", 7) == 0 || strncmp(one, "https://", 8) == 0;

			if (!(urls && url) && !edge_address_read(one, 1, &a))
				return bad(err, name, one,
				           urls ? "is no address such as 127.0.0.1:4181, and no URL"
				                : "is no address such as 127.0.0.1:4160");
			if (*n == NSQ_ADDRESSES) {
				text_format(err, OPTIONS_ERR, "--%s: more than %d addresses", name, NSQ_ADDRESSES);
				return -1;
			}
			out[(*n)++] = one;
		}
	return 0;
}

struct number {
	const char *name;
	uint32_t *out;
	uint64_t otherwise, least, most;
};

struct amount {
	const char *name;
	uint64_t *out;
	uint64_t otherwise, least, most; /* ms, or bytes */
};

static int read_numbers(const struct options *o, const struct number *all, int n, char *err)
{
	for (int i = 0; i < n; i++) {
		const char *value = options_get(o, all[i].name);
		uint64_t v = all[i].otherwise;

		if (value != NULL && !units_number(value, all[i].least, all[i].most, &v)) {
			text_format(err, OPTIONS_ERR, "--%s: '%.100s' is no whole number from %llu to %llu",
			            all[i].name, value, (unsigned long long)all[i].least,
			            (unsigned long long)all[i].most);
			return -1;
		}
		*all[i].out = (uint32_t)v;
	}
	return 0;
}

static int read_durations(const struct options *o, const struct amount *all, int n, char *err)
{
	for (int i = 0; i < n; i++) {
		const char *value = options_get(o, all[i].name);
		uint64_t v = all[i].otherwise;
		char low[24], high[24];

		if (value != NULL && (!units_duration(value, &v) || v < all[i].least || v > all[i].most)) {
			text_format(err, OPTIONS_ERR, "--%s: '%.100s' is no duration from %s to %s", all[i].name, value,
			            units_type_duration(all[i].least, low), units_type_duration(all[i].most, high));
			return -1;
		}
		*all[i].out = v;
	}
	return 0;
}

static int read_sizes(const struct options *o, const struct amount *all, int n, char *err)
{
	for (int i = 0; i < n; i++) {
		const char *value = options_get(o, all[i].name);
		uint64_t v = all[i].otherwise;
		char low[24], high[24];

		if (value != NULL && (!units_size(value, &v) || v < all[i].least || v > all[i].most)) {
			text_format(err, OPTIONS_ERR, "--%s: '%.100s' is no size from %s to %s", all[i].name, value,
			            units_show_size(all[i].least, low), units_show_size(all[i].most, high));
			return -1;
		}
		*all[i].out = v;
	}
	return 0;
}

static int read_limits(struct nsq_config *c, const struct options *o, uint64_t max_message, char *err)
{
	const struct number numbers[] = {
		{ "nsq-connections", &c->connections, 0, 1, LIMIT_NSQ_CONNECTIONS },
		{ "nsq-max-rdy", &c->max_rdy, MAX_RDY, 1, LIMIT_READY },
		{ "nsq-max-channel-consumers", &c->max_consumers, 0, 0, LIMIT_CONSUMERS },
		{ "nsq-max-deflate-level", &c->max_deflate, MAX_DEFLATE, 1, 9 },
	};
	const struct amount durations[] = {
		{ "nsq-max-msg-timeout", &c->max_msg_ms, MAX_MSG_MS, LEAST_MS, LIMIT_MESSAGE_MS },
		{ "nsq-msg-timeout", &c->msg_ms, MSG_MS, LEAST_MS, LIMIT_MESSAGE_MS },
		{ "nsq-max-req-timeout", &c->max_req_ms, MAX_REQ_MS, 0, LIMIT_DEFER_MS },
		{ "nsq-max-heartbeat", &c->max_heartbeat_ms, MAX_HEARTBEAT_MS, LEAST_MS, 3600000 },
	};
	const struct amount sizes[] = {
		{ "nsq-max-msg-size", &c->max_msg_size, max_message, 1, LIMIT_PUBLISH_BYTES - 4 },
		{ "nsq-max-body-size", &c->max_body, DEFAULT_NSQ_BODY, KIB, LIMIT_NSQ_BODY },
	};

	if (read_numbers(o, numbers, sizeof numbers / sizeof numbers[0], err) != 0 ||
	    read_durations(o, durations, sizeof durations / sizeof durations[0], err) != 0 ||
	    read_sizes(o, sizes, sizeof sizes / sizeof sizes[0], err) != 0)
		return -1;
	if (c->max_msg_size > max_message)
		return bad(err, "nsq-max-msg-size", options_get(o, "nsq-max-msg-size"), "is more than --max-message");
	if (c->msg_ms > c->max_msg_ms) {
		if (options_get(o, "nsq-msg-timeout") != NULL)
			return bad(err, "nsq-msg-timeout", options_get(o, "nsq-msg-timeout"),
			           "is more than --nsq-max-msg-timeout");
		c->msg_ms = c->max_msg_ms;
	}
	return 0;
}

static int read_tls(struct nsq_config *c, const struct options *o, char *err)
{
	static const char *const with_cert[] = { "nsq-tls-client-auth", "nsq-tls-ca", "nsq-tls-min-version",
		                                 "nsq-tls-required", "nsq-https" };
	const char *policy = options_get(o, "nsq-tls-client-auth"), *least = options_get(o, "nsq-tls-min-version");

	c->tls = (struct tls_config){ .cert = options_get(o, "nsq-tls-cert"),
		                      .key = options_get(o, "nsq-tls-key"),
		                      .ca = options_get(o, "nsq-tls-ca"),
		                      .min_version = 12,
		                      .prefix = "nsq-" };
	c->with_tls = c->tls.cert != NULL || c->tls.key != NULL;
	if (c->tls.key == NULL && c->with_tls)
		return without(err, "nsq-tls-cert", "--nsq-tls-key FILE");
	if (c->tls.cert == NULL && c->with_tls)
		return without(err, "nsq-tls-key", "--nsq-tls-cert FILE");
	for (int i = 0; i < 5 && !c->with_tls; i++)
		if (options_get(o, with_cert[i]) != NULL)
			return without(err, with_cert[i], "--nsq-tls-cert FILE and --nsq-tls-key FILE");
	if (policy != NULL && strcmp(policy, "require-verify") == 0)
		c->tls.clients = TLS_CLIENTS_VERIFY;
	else if (policy != NULL && strcmp(policy, "require") == 0)
		c->tls.clients = TLS_CLIENTS_REQUIRE;
	else if (policy != NULL)
		return bad(err, "nsq-tls-client-auth", policy, "is neither require nor require-verify");
	if (least != NULL && strcmp(least, "tls1.3") == 0)
		c->tls.min_version = 13;
	else if (least != NULL && strcmp(least, "tls1.2") != 0)
		return bad(err, "nsq-tls-min-version", least, "is neither tls1.2 nor tls1.3");
	if (c->tls.ca != NULL && c->tls.clients != TLS_CLIENTS_VERIFY)
		return without(err, "nsq-tls-ca", "--nsq-tls-client-auth require-verify");
	c->tls_required = options_flag(o, "nsq-tls-required") || policy != NULL;
	return 0;
}

static int read_broadcast(struct nsq_config *c, const struct options *o, char *err)
{
	const char *value = options_get(o, "nsq-broadcast");

	if (value == NULL) {
		if (gethostname(c->broadcast, sizeof c->broadcast) != 0 || c->broadcast[0] == '\0')
			text_format(c->broadcast, sizeof c->broadcast, "localhost");
		c->broadcast[sizeof c->broadcast - 1] = '\0';
		return 0;
	}
	if (*value == '\0' || strlen(value) >= sizeof c->broadcast || strpbrk(value, " /") != NULL)
		return bad(err, "nsq-broadcast", value, "is no name or address of a host");
	text_format(c->broadcast, sizeof c->broadcast, "%s", value);
	return 0;
}

static int read_auth(struct nsq_config *c, const struct options *o, char *err)
{
	const char *method = options_get(o, "nsq-auth-method");

	if (read_list(o, "nsq-auth", true, c->auth, &c->n_auth, err) != 0)
		return -1;
	if (method == NULL)
		return 0;
	if (c->n_auth == 0)
		return without(err, "nsq-auth-method", "--nsq-auth ADDRESS");
	c->auth_post = strcmp(method, "post") == 0;
	return c->auth_post || strcmp(method, "get") == 0
	           ? 0
	           : bad(err, "nsq-auth-method", method, "is neither get nor post");
}

/* Notes what a part of it has found; then the next ones go on. */
static void note(const struct options *o, struct mistakes *m, int result, char err[OPTIONS_ERR])
{
	if (result == 0)
		return;
	options_locate(o, err);
	mistakes_add(m, "%s", err);
}

/* All that was said of NSQ although there shall be none. */
static void read_nothing(const struct options *o, struct mistakes *m, char err[OPTIONS_ERR])
{
	for (int i = 0; i < o->n; i++)
		if (strncmp(o->specs[i].name, "nsq-", 4) == 0 && o->values[i] != NULL)
			note(o, m, without(err, o->specs[i].name, "--nsq HOST:PORT"), err);
}

void config_nsq_read(struct nsq_config *c, const struct options *o, uint64_t max_message, struct mistakes *m)
{
	uint32_t before = m->n;
	char err[OPTIONS_ERR];

	*c = (struct nsq_config){ 0 };
	note(o, m, read_listen(o, "nsq", &c->tcp, err), err);
	note(o, m, read_listen(o, "nsq-http", &c->http, err), err);
	note(o, m, read_listen(o, "nsq-https", &c->https, err), err);
	if (!nsq_wanted(c)) {
		if (m->n == before)
			read_nothing(o, m, err);
		return;
	}
	note(o, m, read_limits(c, o, max_message, err), err);
	note(o, m, read_tls(c, o, err), err);
	note(o, m, read_broadcast(c, o, err), err);
	note(o, m, read_auth(c, o, err), err);
	note(o, m, read_list(o, "nsq-lookupd", false, c->lookupd, &c->n_lookupd, err), err);
}

static int open_to_all(const char *option, const struct edge_address *a, const char *why, const char *add, char *err)
{
	char text[EDGE_ADDRESS_TEXT];

	text_format(err, OPTIONS_ERR,
	            "--%s: %.100s is not a loopback address and %s: add %s, or --insecure to go on open to everybody",
	            option, edge_address_show(a, text), why, add);
	return -1;
}

/* TLS with any certificate keeps nobody out: it takes one that our authority signed, or a secret. With TLS required,
 * plain HTTP answers nothing but that. */
int config_nsq_guard(const struct nsq_config *c, char err[OPTIONS_ERR])
{
	bool known = c->tls.clients == TLS_CLIENTS_VERIFY || c->n_auth > 0;
	const char *who = "--nsq-tls-client-auth require-verify or --nsq-auth ADDRESS";

	if (!edge_address_local(&c->tcp) && !c->with_tls)
		return open_to_all("nsq", &c->tcp, "there is no TLS",
		                   "--nsq-tls-cert FILE, --nsq-tls-key FILE, --nsq-tls-required, and "
		                   "--nsq-tls-client-auth require-verify or --nsq-auth ADDRESS",
		                   err);
	if (!edge_address_local(&c->tcp) && !c->tls_required)
		return open_to_all("nsq", &c->tcp, "clients need no TLS", "--nsq-tls-required", err);
	if (!edge_address_local(&c->tcp) && !known)
		return open_to_all("nsq", &c->tcp, "clients need neither certificate nor secret", who, err);
	if (!edge_address_local(&c->https) && !known)
		return open_to_all("nsq-https", &c->https, "clients need neither certificate nor secret", who, err);
	if (!edge_address_local(&c->http) && !c->tls_required)
		return open_to_all("nsq-http", &c->http, "nothing is encrypted there",
		                   "--nsq-https HOST:PORT in its place", err);
	return 0;
}
