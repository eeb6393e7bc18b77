/* Who may send to which queue; see smtp_config.h. Pure. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/span.h"
#include "broker/smtp/smtp_config.h"

static int by_queue(const void *name, const void *policy)
{
	struct span a = *(const struct span *)name, b = span_str(((const struct smtp_policy *)policy)->queue);
	int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

const struct smtp_policy *smtp_policy_of(const struct smtp_config *c, struct span queue)
{
	const struct smtp_policy *found = NULL;

	if (c->n_policies > 0 && queue.n > 0)
		found = bsearch(&queue, c->policies, c->n_policies, sizeof c->policies[0], by_queue);
	return found != NULL ? found : &c->rest;
}

static bool has_user(const struct smtp_policy *p, const char *user)
{
	for (uint32_t i = 0; i < p->n_users; i++)
		if (strcmp(p->users[i], "*") == 0 || strcmp(p->users[i], user) == 0)
			return true;
	return false;
}

/* The domain begins behind the last @: a quoted local part may have one, too. */
static struct span domain_of(struct span address)
{
	size_t at = address.n;

	while (at > 0 && address.p[at - 1] != '@')
		at--;
	return at > 0 ? span_of(address.p + at - 1, address.n - at + 1) : span_of(NULL, 0);
}

static bool same_text(struct span a, struct span b)
{
	return a.n == b.n && strncasecmp((const char *)a.p, (const char *)b.p, a.n) == 0;
}

static bool has_sender(const struct smtp_policy *p, struct span from)
{
	struct span domain = domain_of(from);

	for (uint32_t i = 0; i < p->n_senders; i++) {
		struct span one = span_str(p->senders[i]);

		if (same_text(one, one.p[0] == '@' ? domain : from))
			return true;
	}
	return false;
}

enum smtp_may smtp_policy_may(const struct smtp_policy *p, const struct smtp_sender *s)
{
	bool sender;

	if (cidr_loopback(&s->peer) || cidr_any(p->networks, p->n_networks, &s->peer))
		return SMTP_MAY;
	if (s->user != NULL && has_user(p, s->user))
		return SMTP_MAY;
	sender = has_sender(p, s->from); /* anybody can write any sender: it counts only from who gave something more */
	if (sender && (s->tls || s->user != NULL))
		return SMTP_MAY;
	return s->user == NULL && (sender || p->n_users > 0) ? SMTP_MAY_IF_AUTH : SMTP_MAY_NOT;
}
