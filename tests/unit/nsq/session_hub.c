/* See session_hub.h. */
#include "tests/unit/nsq/session_hub.h"

#include <stdlib.h>

#include "base/be.h"
#include "broker/nsq/parse.h"

void fake_hub_init(struct hub *h)
{
	memset(h, 0, sizeof *h);
}

void fake_hub_fini(struct hub *h)
{
	must(h->subs == 0);
	buf_fini(&h->log);
}

static void ask(struct hub *h, hub_answer answer, void *arg)
{
	must(h->n < FAKE_ASKED);
	h->asked[h->n++] = (struct fake_asked){ answer, arg };
}

bool fake_hub_answer(struct hub *h, enum sheaf_error e, const char *text)
{
	struct fake_asked a;

	if (h->n == 0)
		return false;
	a = h->asked[0];
	memmove(h->asked, h->asked + 1, --h->n * sizeof h->asked[0]);
	a.answer(a.arg, e, span_str(text));
	return true;
}

void hub_publish(struct hub *h, struct span topic, uint64_t defer_ms, uint32_t count, struct span packed,
                 hub_answer answer, void *arg)
{
	size_t at = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t n;

		must(packed.n - at >= 4);
		n = be_get32(packed.p + at);
		must(n > 0 && n <= packed.n - at - 4);
		at += 4 + n;
	}
	must(at == packed.n && count > 0);
	h->published += count;
	h->published_bytes += packed.n;
	if (!h->quiet)
		text_say(&h->log, "publish %b %u %u %u\n", topic, (unsigned long long)defer_ms,
		         (unsigned long long)count, (unsigned long long)packed.n);
	ask(h, answer, arg);
}

static struct hub *the_hub; /* of all subscriptions; tests have one at a time */

struct hub_sub *hub_subscribe(struct hub *h, struct span topic, struct span channel, const struct hub_terms *terms,
                              const struct hub_calls *calls, hub_answer answer, void *arg)
{
	struct hub_sub *s = calloc(1, sizeof *s);

	must(s != NULL);
	the_hub = h;
	s->calls = calls;
	s->arg = arg;
	h->subs++;
	h->last = s;
	text_say(&h->log, "subscribe %b %b %u %u %u %u\n", topic, channel, (unsigned long long)terms->timeout_ms,
	         (unsigned long long)terms->most_ms, (unsigned long long)terms->sample,
	         (unsigned long long)terms->consumers);
	ask(h, answer, arg);
	return s;
}

void hub_credit(struct hub_sub *s, uint32_t ready, uint64_t bytes)
{
	must(bytes >= s->bytes);
	s->ready = ready;
	s->bytes = bytes;
	if (!the_hub->quiet)
		text_say(&the_hub->log, "credit %u %u\n", (unsigned long long)ready,
		         the_hub->no_bytes ? 0 : (unsigned long long)bytes);
}

void hub_settle(struct hub_sub *s, uint64_t run, uint64_t token, uint64_t mask, enum settle_verdict verdict,
                uint64_t delay_ms)
{
	must(s == the_hub->last && mask != 0);
	if (verdict == SETTLE_FINISH)
		the_hub->settled += (uint64_t)__builtin_popcountll(mask);
	if (!the_hub->quiet)
		text_say(&the_hub->log, "%s %u %u %u %u\n",
		         verdict == SETTLE_FINISH    ? "finish"
		         : verdict == SETTLE_REQUEUE ? "requeue"
		                                     : "touch",
		         (unsigned long long)run, (unsigned long long)token, (unsigned long long)mask,
		         (unsigned long long)delay_ms);
}

void hub_unsubscribe(struct hub_sub **s)
{
	must(the_hub->subs > 0);
	the_hub->subs--;
	if (the_hub->last == *s)
		the_hub->last = NULL;
	text_say(&the_hub->log, "unsubscribe\n");
	free(*s);
	*s = NULL;
}

void hub_forget(struct hub *h, void *arg)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < h->n; i++)
		if (h->asked[i].arg != arg)
			h->asked[kept++] = h->asked[i];
	h->n = kept;
}

/* ---- auth ---- */

struct auth_grants {
	uint32_t count;
	uint64_t ttl_s;
};

struct auth_query *auth_ask(struct auth *a, const struct auth_who *who, auth_answer answer, void *arg)
{
	struct buf b = { 0 };

	must(a->answer == NULL);
	a->answer = answer;
	a->arg = arg;
	a->asked++;
	text_say(&b, "%b from %b as %b, %s", who->secret, who->remote_ip, who->common_name, who->tls ? "TLS" : "plain");
	memset(a->question, 0, sizeof a->question);
	memcpy(a->question, b.p, b.n < sizeof a->question ? b.n : sizeof a->question - 1);
	buf_fini(&b);
	return (struct auth_query *)(void *)a;
}

void auth_cancel(struct auth_query *q)
{
	struct auth *a = (struct auth *)(void *)q;

	a->answer = NULL;
	a->cancelled++;
}

void fake_auth_answer(struct auth *a, uint32_t count, uint64_t ttl_s, bool good)
{
	auth_answer answer = a->answer;
	struct auth_grants *g = NULL;

	must(answer != NULL);
	a->answer = NULL;
	if (good) {
		g = calloc(1, sizeof *g);
		must(g != NULL);
		*g = (struct auth_grants){ count, ttl_s };
	}
	answer(a->arg, g);
}

void auth_grants_free(struct auth_grants *g)
{
	free(g);
}

uint32_t auth_grants_count(const struct auth_grants *g)
{
	return g->count;
}

uint64_t auth_grants_ttl_s(const struct auth_grants *g)
{
	return g->ttl_s;
}

struct span auth_grants_identity(const struct auth_grants *g)
{
	(void)g;
	return span_str("bob");
}

struct span auth_grants_identity_url(const struct auth_grants *g)
{
	(void)g;
	return span_str("http://x/bob");
}

bool auth_grants_allow(const struct auth_grants *g, struct span topic, struct span channel)
{
	(void)channel;
	return g->count > 0 && (topic.n < 2 || memcmp(topic.p, "no", 2) != 0);
}
