/* Who may send to which queue, and what becomes of it, as it was told; see config_read.h. */
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"
#include "base/text.h"
#include "broker/smtp/config_read.h"
#include "broker/smtp/path.h"
#include "broker/smtp/users.h"
#include "proto/codec.h"

const char *const smtp_queue_keys[] = { "payload", "trace", "dedup", "networks", "users", "senders", NULL };

/* A policy while it is read. */
struct draft {
	struct smtp_config *c;
	struct smtp_policy *p;
	bool who; /* the section has named somebody: no longer those of [smtp] */
};

/* ---- single values ---- */

static void read_payload(enum smtp_payload *to, const struct config_at *at, const char *value)
{
	static const char *const words[] = { [SMTP_RAW] = "raw", [SMTP_BODY] = "body", [SMTP_JSON] = "json" };
	char what[100] = "is none of raw, body, json";
	struct suggest s;

	suggest_init(&s, value);
	for (int i = 0; i < 3; i++) {
		if (strcmp(value, words[i]) == 0) {
			*to = (enum smtp_payload)i;
			return;
		}
		suggest_offer(&s, words[i]);
	}
	if (suggest_best(&s) != NULL)
		text_format(what, sizeof what, "is none of raw, body, json: did you mean %s?", suggest_best(&s));
	config_bad(at, value, what);
}

static void read_switch(bool *to, const struct config_at *at, const char *value)
{
	static const char *const on[] = { "yes", "true", "on", "1" }, *const off[] = { "no", "false", "off", "0" };

	for (int i = 0; i < 4; i++) {
		if (strcmp(value, on[i]) == 0 || strcmp(value, off[i]) == 0) {
			*to = strcmp(value, on[i]) == 0;
			return;
		}
	}
	config_bad(at, value, "is neither yes nor no");
}

/* ---- lists ---- */

static void take_network(void *arg, const struct config_at *at, const char *word)
{
	struct draft *d = arg;

	config_network(&d->p->networks, &d->p->n_networks, at, word);
}

static void take_user(void *arg, const struct config_at *at, const char *word)
{
	struct draft *d = arg;
	struct config_texts t = { d->p->users, d->p->n_users };

	if (d->c->users != NULL && strcmp(word, "*") != 0 && !users_has(d->c->users, word))
		config_bad(at, word, "is nobody in the file of users");
	config_texts_add(&t, word, false);
	d->p->users = t.v;
	d->p->n_users = t.n;
}

static void take_sender(void *arg, const struct config_at *at, const char *word)
{
	struct draft *d = arg;
	struct config_texts t = { d->p->senders, d->p->n_senders };
	const char *domain = strrchr(word, '@');

	if (domain == NULL || !path_domain_ok(span_str(domain + 1)) || strlen(word) > LIMIT_MAIL_PATH) {
		config_bad(at, word, "is no sender such as someone@example.org, or @example.org for each of a domain");
		return;
	}
	config_texts_add(&t, word, true);
	d->p->senders = t.v;
	d->p->n_senders = t.n;
}

static const char tls_first[] = "means nothing without --%stls-cert FILE and --%stls-key FILE: %s";

/* They could never come to count. One file without the other has been told already; likewise one that is bad. */
static void check_senders(const struct smtp_config *c, const struct config_at *at)
{
	char what[200];

	text_format(what, sizeof what, tls_first, at->prefix, at->prefix,
	            "a sender counts only under TLS, since everybody can write any");
	if (c->tls_files.cert == NULL && c->tls_files.key == NULL)
		config_bad(at, NULL, what);
}

static void check_users(const struct smtp_config *c, const struct config_at *at)
{
	char what[160], name[CONFIG_NAME];

	text_format(what, sizeof what, "means nothing without --%susers FILE, which says who may authenticate",
	            at->prefix);
	if (c->users == NULL && options_get(at->o, config_name(at->prefix, "users", name)) == NULL)
		config_bad(at, NULL, what);
}

/* ---- [smtp] ---- */

static void read_rest(struct smtp_config *c, const struct options *o, const char *prefix, struct mistakes *m)
{
	struct draft d = { .c = c, .p = &c->rest };
	const char *value;
	struct config_at at = config_option(o, prefix, m, "payload");

	if (config_given(&at, &value))
		read_payload(&c->rest.payload, &at, value);
	at = config_option(o, prefix, m, "dedup");
	c->rest.dedup = config_given(&at, &value);
	at = config_option(o, prefix, m, "no-trace");
	c->rest.trace = !config_given(&at, &value);
	at = config_option(o, prefix, m, "networks");
	config_words(&at, take_network, &d);
	at = config_option(o, prefix, m, "senders");
	config_words(&at, take_sender, &d);
	if (config_given(&at, &value))
		check_senders(c, &at);
	at = config_option(o, prefix, m, "allow-users");
	if (config_given(&at, &value)) {
		check_users(c, &at);
		config_words(&at, take_user, &d);
	} else if (c->users != NULL) {
		take_user(&d, &at, "*");
	}
}

/* ---- [smtp.queue.NAME] ---- */

static void forget_who(struct smtp_policy *p)
{
	free(p->networks);
	config_texts_free(p->users, p->n_users);
	config_texts_free(p->senders, p->n_senders);
	p->networks = NULL;
	p->users = p->senders = NULL;
	p->n_networks = p->n_users = p->n_senders = 0;
}

static void read_entry(struct draft *d, const struct config_at *at)
{
	const char *key = at->entry->key, *value = at->entry->value;

	if (strcmp(key, "payload") == 0) {
		read_payload(&d->p->payload, at, value);
	} else if (strcmp(key, "trace") == 0) {
		read_switch(&d->p->trace, at, value);
	} else if (strcmp(key, "dedup") == 0) {
		read_switch(&d->p->dedup, at, value);
	} else {
		d->who = true;
		if (strcmp(key, "networks") == 0) {
			config_words(at, take_network, d);
		} else if (strcmp(key, "users") == 0) {
			check_users(d->c, at);
			config_words(at, take_user, d);
		} else {
			check_senders(d->c, at);
			config_words(at, take_sender, d);
		}
	}
}

/* What a section did not say; those who may send are one thing. */
static void take_from_rest(struct smtp_policy *p, const struct smtp_policy *rest)
{
	struct config_texts users = { 0 }, senders = { 0 };

	if (rest->n_networks > 0) {
		p->networks = malloc(rest->n_networks * sizeof p->networks[0]);
		must(p->networks != NULL);
		memcpy(p->networks, rest->networks, rest->n_networks * sizeof p->networks[0]);
	}
	for (uint32_t i = 0; i < rest->n_users; i++)
		config_texts_add(&users, rest->users[i], false);
	for (uint32_t i = 0; i < rest->n_senders; i++)
		config_texts_add(&senders, rest->senders[i], false);
	p->n_networks = rest->n_networks;
	p->users = users.v;
	p->n_users = users.n;
	p->senders = senders.v;
	p->n_senders = senders.n;
}

/* The policy of the section that begins at this entry, unless it has been read already: it may stand in pieces. */
static void read_section(struct smtp_config *c, const struct options *o, const char *prefix, struct mistakes *m,
                         int first)
{
	const char *queue = o->entries[first].section;
	struct smtp_policy *p;
	struct draft d = { .c = c };

	for (int i = 0; i < first; i++)
		if (strcmp(o->entries[i].section, queue) == 0)
			return;
	if (!name_queue_ok(span_str(queue))) {
		mistakes_add(m,
		             "%s:%d: [smtp.queue.%s]: no queue can be called that: a name has 1 to %d of a-z 0-9 . _ "
		             "- and begins with a letter or digit",
		             o->file, o->entries[first].line, queue, LIMIT_QUEUE_NAME);
		return;
	}
	p = &c->policies[c->n_policies++];
	*p = (struct smtp_policy){ .payload = c->rest.payload, .trace = c->rest.trace, .dedup = c->rest.dedup };
	text_format(p->queue, sizeof p->queue, "%s", queue);
	d.p = p;
	for (int i = first; i < o->n_entries; i++) {
		const struct option_entry *e = &o->entries[i];
		struct config_at at = { .o = o, .prefix = prefix, .m = m, .key = e->key, .entry = e, .line = e->line };

		if (strcmp(e->section, queue) == 0)
			read_entry(&d, &at);
	}
	if (!d.who)
		take_from_rest(p, &c->rest);
}

static int by_queue(const void *a, const void *b)
{
	return strcmp(((const struct smtp_policy *)a)->queue, ((const struct smtp_policy *)b)->queue);
}

void config_policies(struct smtp_config *c, const struct options *o, const char *prefix, struct mistakes *m)
{
	read_rest(c, o, prefix, m);
	if (o->n_entries == 0)
		return;
	c->policies = calloc((size_t)o->n_entries, sizeof c->policies[0]);
	must(c->policies != NULL);
	for (int i = 0; i < o->n_entries; i++)
		read_section(c, o, prefix, m, i);
	qsort(c->policies, c->n_policies, sizeof c->policies[0], by_queue);
}

void config_policies_free(struct smtp_config *c)
{
	forget_who(&c->rest);
	for (uint32_t i = 0; i < c->n_policies; i++)
		forget_who(&c->policies[i]);
	free(c->policies);
}
