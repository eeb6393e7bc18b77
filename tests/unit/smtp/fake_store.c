/* What stands for the broker, for users and for policies: a store that answers in the next turn of the loop. */
#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "broker/smtp/users.h"
#include "tests/unit/smtp/fake_store.h"
#include "tests/unit/smtp/server_rig.h"

enum { MANY = 4096 };

struct waits {
	void *arg;
	store_known known;
	store_done done;
	struct letter *letter;
};
static struct waits waiting[MANY];
static int n_waiting;
static uv_timer_t soon;
static uint64_t next_id;

atomic_bool store_holds, store_asks, users_wait;
atomic_int store_mails, store_held, store_bytes, store_forgotten, users_looking, users_most;
char store_last[65536], store_peer[80];

static void on_soon(uv_timer_t *t)
{
	(void)t;
	if (!store_holds)
		fake_store_let_go();
}

void fake_store_open(uv_loop_t *loop)
{
	ck_assert_int_eq(uv_timer_init(loop, &soon), 0);
	store_holds = store_asks = users_wait = false;
	store_mails = store_held = store_bytes = store_forgotten = users_looking = users_most = 0;
	n_waiting = 0;
	next_id = 1;
}

void fake_store_close(void)
{
	uv_close((uv_handle_t *)&soon, NULL);
	for (int i = 0; i < n_waiting; i++)
		letter_free(waiting[i].letter);
	n_waiting = 0;
}

static void answer(struct waits *w)
{
	uint64_t ids[LIMIT_MAIL_RCPTS];
	struct store_outcome o = { .verdict = STORE_OK, .ids = ids };

	if (w->known != NULL && w->arg != NULL)
		w->known(w->arg, STORE_THERE);
	if (w->letter == NULL)
		return;
	o.n = w->letter->n;
	for (uint32_t i = 0; i < o.n; i++)
		ids[i] = next_id++;
	letter_free(w->letter);
	if (w->arg != NULL)
		w->done(w->arg, &o);
}

void fake_store_let_go(void)
{
	struct waits now[MANY];
	int n = n_waiting;

	memcpy(now, waiting, sizeof now);
	n_waiting = 0;
	store_held = 0;
	for (int i = 0; i < n; i++)
		answer(&now[i]);
}

static void wait_for(struct waits w)
{
	ck_assert_int_lt(n_waiting, MANY);
	waiting[n_waiting++] = w;
	uv_timer_start(&soon, on_soon, 0, 0);
}

bool store_queue(struct store *s, struct span queue, enum store_queue *q, store_known known, void *arg)
{
	(void)s;
	*q = span_eq(queue, span_str("missing")) ? STORE_MISSING : STORE_THERE;
	if (!store_asks)
		return true;
	wait_for((struct waits){ .arg = arg, .known = known });
	return false;
}

void store_mail(struct store *s, struct letter **letter, store_done done, void *arg)
{
	struct letter *l = *letter;
	struct span bytes;

	(void)s;
	*letter = NULL;
	ck_assert(spool_whole(l->spool, &bytes));
	store_bytes = (int)bytes.n;
	snprintf(store_last, sizeof store_last, "%.*s", (int)bytes.n, (const char *)bytes.p);
	snprintf(store_peer, sizeof store_peer, "%s", l->peer);
	wait_for((struct waits){ .arg = arg, .done = done, .letter = l });
	store_mails++;
	store_held++;
}

void store_forget(struct store *s, void *arg)
{
	(void)s;
	for (int i = 0; i < n_waiting; i++)
		if (waiting[i].arg == arg)
			waiting[i].arg = NULL;
	store_forgotten++;
}

bool users_check(const struct smtp_users *u, const char *name, const char *password)
{
	struct timespec pause = { 0, 1000000 };
	int now = ++users_looking;

	(void)u;
	if (now > users_most)
		users_most = now;
	while (users_wait)
		nanosleep(&pause, NULL);
	users_looking--;
	return strcmp(name, "ann") == 0 && strcmp(password, "secret") == 0;
}

const struct smtp_policy *smtp_policy_of(const struct smtp_config *c, struct span queue)
{
	(void)queue;
	return &c->rest;
}

enum smtp_may smtp_policy_may(const struct smtp_policy *p, const struct smtp_sender *s)
{
	(void)p, (void)s;
	return SMTP_MAY;
}
