/* A few answers of auth servers, kept; see web_auth.h. */
#include "broker/nsq/web_auth.h"

#include <stdlib.h>

#include "base/buf.h"
#include "proto/limits.h"

/* An answer, or the wait for one. */
struct kept {
	struct list node;
	struct web_auth *a;
	struct buf key;
	struct auth_grants *grants;
	uint64_t until; /* of uv_now */
	struct auth_query *query;
	uint8_t topic[LIMIT_NAME];
	size_t n_topic;
	web_verdict_call verdict;
	void *arg;
};

void web_auth_init(struct web_auth *a, uv_loop_t *loop, struct auth *auth)
{
	*a = (struct web_auth){ .auth = auth, .loop = loop };
	list_init(&a->kept);
	list_init(&a->asked);
}

static void kept_free(struct kept *k)
{
	list_remove(&k->node);
	auth_grants_free(k->grants);
	buf_fini(&k->key);
	free(k);
}

void web_auth_fini(struct web_auth *a)
{
	while (!list_empty(&a->asked)) {
		struct kept *k = list_item(a->asked.next, struct kept, node);

		auth_cancel(k->query);
		kept_free(k);
	}
	while (!list_empty(&a->kept))
		kept_free(list_item(a->kept.next, struct kept, node));
	a->n = 0;
}

/* What is asked about, as bytes. */
static void key_of(struct buf *b, const struct auth_who *who)
{
	buf_put_u8(b, who->tls);
	buf_put_u32(b, (uint32_t)who->remote_ip.n);
	buf_put_span(b, who->remote_ip);
	buf_put_span(b, who->secret);
}

static struct kept *find(struct web_auth *a, struct span key)
{
	uint64_t now = uv_now(a->loop);

	for (struct list *i = a->kept.next, *next; i != &a->kept; i = next) {
		struct kept *k = list_item(i, struct kept, node);

		next = i->next;
		if (now >= k->until) {
			kept_free(k);
			a->n--;
		} else if (span_eq(buf_span(&k->key), key)) {
			return k;
		}
	}
	return NULL;
}

static enum web_verdict judge(const struct kept *k, struct span topic)
{
	return auth_grants_allow(k->grants, topic, span_str("")) ? WEB_ALLOWED : WEB_NOT_ALLOWED;
}

static void on_answer(void *arg, struct auth_grants *grants)
{
	struct kept *k = arg;
	struct web_auth *a = k->a;
	web_verdict_call verdict = k->verdict;
	void *verdict_arg = k->arg;
	enum web_verdict v = WEB_AUTH_FAILED;

	k->query = NULL;
	k->grants = grants;
	if (grants == NULL) {
		kept_free(k);
	} else {
		v = judge(k, span_of(k->topic, k->n_topic));
		k->until = uv_now(a->loop) + auth_grants_ttl_s(grants) * 1000;
		list_remove(&k->node);
		list_push_front(&a->kept, &k->node);
		if (++a->n > WEB_AUTH_KEPT) {
			kept_free(list_item(a->kept.prev, struct kept, node));
			a->n--;
		}
	}
	verdict(verdict_arg, v);
}

void web_auth_ask(struct web_auth *a, const struct auth_who *who, struct span topic, web_verdict_call verdict,
                  void *arg)
{
	struct buf key;
	struct kept *k;

	buf_init(&key);
	key_of(&key, who);
	k = find(a, buf_span(&key));
	if (k != NULL) {
		buf_fini(&key);
		verdict(arg, judge(k, topic));
		return;
	}
	must(topic.n <= LIMIT_NAME);
	k = calloc(1, sizeof *k);
	must(k != NULL);
	k->a = a;
	k->key = key;
	k->verdict = verdict;
	k->arg = arg;
	k->n_topic = topic.n;
	memcpy(k->topic, topic.p, topic.n);
	list_push_back(&a->asked, &k->node);
	k->query = auth_ask(a->auth, who, on_answer, k);
}
